"""Ansible action `slipway_machine`: the machine of a deployment is present, found, stopped or absent.

Runs in the controller: an action costs a tenth of a module. Decides nothing; see `runner.steps`.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

from ansible.plugins.action import ActionBase

from runner import steps
from runner.ansible_plugins.adapter import adapted
from runner.subject import Subject

LOCAL = {
    "ansible_connection": "local",
    "ansible_port": 22,
    "ansible_become": False,
    "ansible_ssh_common_args": "",
    "ansible_host_key_checking": True,
    "ansible_python_interpreter": sys.executable,
}
"""What is true of a machine that does not say otherwise."""


class ActionModule(ActionBase):
    """`state`: present, found, stopped or absent."""

    _VALID_ARGS = frozenset({"state"})

    @adapted
    def run(self, it: Subject, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Sets `slipway_machine`: how to get there, or null when nothing is found. Its task says `changed_when: false`,
        because Ansible calls everything a change that is new to the inventory.
        """
        state, check = self._task.args["state"], self._task.check_mode
        if state == "absent":
            steps.machine_absent(it, check=check)
            return {"changed": bool(task_vars["slipway_machine"])}
        if state == "stopped":
            steps.machine_stopped(it, check=check)
            return {"changed": bool((task_vars["slipway_machine"] or {}).get("facts", {}).get("own"))}
        machine = steps.machine_found(it) if state == "found" else steps.machine_present(it, check=check)
        answer: dict[str, Any] = {"changed": False, "ansible_facts": {"slipway_machine": machine}}
        if not machine:
            return answer
        present, gpu = state == "present", it.spec.get("service", {}).get("gpus", "none") != "none"
        return answer | {"add_host": place(task_vars["inventory_hostname"], machine, present=present, gpu=gpu)}


def place(host: str, machine: dict[str, Any], *, present: bool, gpu: bool) -> dict[str, Any]:
    """How Ansible gets there, for the inventory: everything, so that nothing stays of a machine that was replaced. The
    password for sudo stays where it is kept: group_vars asks for it when it is needed. What goes away is not prepared.

    What is prepared is in the groups `slipway_prepare`, `slipway_gpu` where it needs one, and the one of its machine.
    """
    told = {key: value for key, value in machine["connection"].items() if key.startswith("ansible_")}
    if present and not machine["connection"].get("become_password"):
        told["ansible_become_password"] = None  # nobody need ask
    told["slipway_together"] = "slipway_on_" + hashlib.sha256(machine["id"].encode()).hexdigest()[:16]
    prepare = present and machine["facts"].get("prepare")
    groups = ["slipway_prepare", told["slipway_together"], *(["slipway_gpu"] if gpu else [])] if prepare else []
    return {"host_name": host, "groups": groups, "host_vars": {**LOCAL, "ansible_host": host, **told}}
