"""Ansible action `slipway_fail`: fails with the message, hint and code of another task, or with one's own."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from runner.ansible_plugins.adapter import plain


class ActionModule(ActionBase):
    """`result`: what the hidden task returned; nothing of it is shown but `msg`, `hint` and `code` (or `cause`)."""

    _VALID_ARGS = frozenset({"result"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Always fails."""
        failed = plain(self._task.args["result"])
        result: dict[str, Any] = super().run(tmp, task_vars)
        message = failed.get("msg") or "it failed without a reason"
        code = failed.get("code") or failed.get("cause") or ""
        return result | {"failed": True, "msg": message, "hint": failed.get("hint", ""), "code": code}
