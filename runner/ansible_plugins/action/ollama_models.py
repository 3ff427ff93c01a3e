"""Ansible action `ollama_models`: downloads models and tells how far it is, so that nobody waits in the dark.

Calls the module `ollama_pull` again and again; each call returns after a few seconds, and the server keeps what it has.
"""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from runner.ansible_plugins.bundled import Bundled
from runner.ansible_run import PROGRESS

BUDGET_S = 5.0
GIB = 1024**3


class ActionModule(Bundled, ActionBase):
    """`url`, `models`, `insecure`, `stall_s`."""

    _VALID_ARGS = frozenset({"url", "models", "insecure", "stall_s"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fails when a download stands still for `stall_s` seconds, or when the server says no."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        given = self._task.args
        arguments = {key: given[key] for key in ("url", "models", "insecure")} | {"budget_s": BUDGET_S}
        changed, best, moved = False, (-1, -1), time.monotonic()
        while True:
            answer = self._execute_module("ollama_pull", module_args=arguments, task_vars=variables)
            changed |= bool(answer.get("changed"))
            if answer.get("failed") or answer.get("done"):
                return {**result, **answer, "changed": changed}
            place = (answer["total"], answer["completed"])
            if place != best:
                best, moved = place, time.monotonic()
            self._tell(variables["inventory_hostname"], answer)
            if time.monotonic() - moved > float(given["stall_s"]):
                text = (
                    f"the download of {answer['model']} has stood still for {given['stall_s']} s; run it again to go on"
                )
                return {**result, "failed": True, "changed": changed, "msg": text}

    @staticmethod
    def _tell(host: str, answer: dict[str, Any]) -> None:
        total = answer["total"]
        share = f"{answer['completed'] * 100 // total} % of {total / GIB:.1f} GiB" if total else "starting"
        Display().display(f"{PROGRESS}{host}: downloading {answer['model']}, {share}")
