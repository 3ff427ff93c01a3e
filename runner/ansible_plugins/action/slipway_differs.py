"""Ansible action `slipway_differs`: tells what a task would change whose own result is hidden by no_log."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from runner.ansible_plugins.adapter import plain


class ActionModule(ActionBase):
    """`result`: what the hidden task returned; nothing of it is shown but `differences`, which hold no secrets.
    `prefix`: of which container, where there are several.
    """

    _VALID_ARGS = frozenset({"result", "prefix"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Changed when the hidden task would change something."""
        hidden = plain(self._task.args["result"])
        result: dict[str, Any] = super().run(tmp, task_vars)
        prefix = f"{self._task.args['prefix']}." if self._task.args.get("prefix") else ""
        changes = [{**change, "field": prefix + change["field"]} for change in hidden.get("differences", [])]
        message = ", ".join(change["field"] for change in changes) or "it is not what was applied"
        return result | {"changed": bool(hidden.get("changed")), "differences": changes, "msg": message}
