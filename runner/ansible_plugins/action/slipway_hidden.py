"""Ansible action `slipway_hidden`: runs a module whose options hold secrets, and shows only what people may see of it.

Takes the place of three tasks: one under `no_log`, which shows nothing at all, one that tells what it would change, and
one that tells why it failed.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from runner import vault
from runner.ansible_plugins.bundled import Bundled

ALWAYS = ("changed", "failed", "msg", "hint", "code", "cause", "health", "warnings", "last_lines", "rolled_back")
"""Of a module's answer. Our modules never put a secret into these."""
NO_REASON = "it failed without a reason"


class ActionModule(Bundled, ActionBase):
    """`module` and its `options`. `prefix`: of which container, where there are several. `facts`: names of facts to
    set, each with the key of the answer that is its value.
    """

    _VALID_ARGS = frozenset({"module", "options", "prefix", "facts"})
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's answer, without its options; in check mode with `differences`, which hold no secrets."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = self._task.args
        # Whoever shows what happens is given the task too, with everything in place.
        self._task.args = {key: value for key, value in given.items() if key != "options"}
        answer = self._answer(given["module"], dict(given["options"]), task_vars or {})
        # A service that fails may have written its secrets to its log, whose end is part of the message.
        shown: dict[str, Any] = vault.revealed.data({key: answer[key] for key in ALWAYS if answer.get(key)})
        prefix = given.get("prefix", "")
        if answer.get("failed"):
            message = shown.get("msg") or NO_REASON
            return result | shown | {"msg": f"{prefix}: {message}" if prefix else message}
        if self._task.check_mode:
            shown = _would(shown, answer.get("differences", ()), f"{prefix}." if prefix else "")
        facts = {name: answer[key] for name, key in given.get("facts", {}).items()}
        return result | {"changed": False} | shown | ({"ansible_facts": facts} if facts else {})

    def _answer(self, module: str, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        before = self._task.no_log
        self._task.no_log = True  # the module is told, and writes its options into no log of its machine
        try:
            return dict(self._execute_module(module_name=module, module_args=options, task_vars=variables))
        finally:
            self._task.no_log = before


def _would(shown: dict[str, Any], differences: list[dict[str, Any]], prefix: str) -> dict[str, Any]:
    """What a dry run tells. Nothing was started, so there is no health to tell of."""
    changes = [{**change, "field": prefix + change["field"]} for change in differences]
    message = ", ".join(change["field"] for change in changes) or "it is not what was applied"
    return {key: value for key, value in shown.items() if key != "health"} | {"differences": changes, "msg": message}
