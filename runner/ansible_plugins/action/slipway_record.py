"""Ansible action `slipway_record`: what the repository remembers of a deployment. Runs in the controller."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from runner import reach, steps
from runner.ansible_plugins.adapter import adapted, plain
from runner.subject import Subject


class ActionModule(ActionBase):
    """`state`: running, stopped or absent."""

    _VALID_ARGS = frozenset({"state"})

    @adapted
    def run(self, it: Subject, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Writes or removes record and access page."""
        state, check = self._task.args["state"], self._task.check_mode
        if state == "running":
            machine, panel = plain(task_vars["slipway_machine"]), plain(task_vars["slipway_panel"])
            exposed = reach.exposed(reach.access_of(it.spec))
            ca = str(task_vars.get("expose_ca", "")) if exposed else ""
            return {"changed": steps.record_running(it, machine, panel, ca=ca, check=check)}
        step = steps.record_stopped if state == "stopped" else steps.record_absent
        return {"changed": step(it, check=check)}
