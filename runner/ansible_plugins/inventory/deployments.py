"""Ansible inventory plugin `deployments`: each deployment is one host.

Inside a reconcile only the hosts of the plan are given (the file named by SLIPWAY_PLAN). Otherwise every deployment
is one, in the group that its wanted state asks for, so that plain `ansible-playbook -i inventory/` works.
"""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible.plugins.loader import action_loader, become_loader, connection_loader, shell_loader
from ansible.template import trust_as_template

from runner import bundles

DOCUMENTATION = r"""
name: deployments
short_description: Slipway deployments as hosts
description:
  - Reads C(deployments/), C(templates/) and C(runner.yaml) of the repository around the inventory.
  - Groups are C(slipway_converge), C(slipway_start), C(slipway_stop) and C(slipway_destroy); C(slipway_close), for
    those of the first two that must not be open to callers any more; and C(slipway_prepare), C(slipway_gpu) and
    C(slipway_due), which fill once machines are known. All have an underscore, which no deployment has.
options:
  plugin:
    description: Must be C(deployments).
    required: true
    choices: [deployments]
"""

GROUPS = {"running": "slipway_converge", "stopped": "slipway_stop", "absent": "slipway_destroy"}
"""Wanted state → group, outside of a reconcile."""
ALL_GROUPS = tuple(
    f"slipway_{name}" for name in ("converge", "start", "stop", "destroy", "close", "prepare", "gpu", "due")
)

WANTED_BY_TASKS = (
    *((action_loader, name) for name in ("normal", "set_fact", "slipway_machine", "slipway_look", "slipway_record")),
    (connection_loader, "ssh"),
    (connection_loader, "ansible.builtin.local"),
    (become_loader, "sudo"),
    (shell_loader, "sh"),
)


class InventoryModule(BaseInventoryPlugin):
    """Hosts are given as data: Ansible never evaluates what people wrote."""

    NAME = "deployments"

    def verify_file(self, path: str) -> bool:
        """Only `deployments.yaml`."""
        return super().verify_file(path) and path.endswith("deployments.yaml")

    def parse(self, inventory, loader, path, cache=True):  # noqa: FBT002 - Ansible's signature
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        for group in ALL_GROUPS:
            inventory.add_group(group)
        plan = os.environ.get("SLIPWAY_PLAN")
        hosts = json.loads(Path(plan).read_text(encoding="utf-8")) if plan else self._all(Path(path).parent.parent)
        for name, host in hosts.items():
            inventory.add_host(name)
            for group in host["groups"]:
                inventory.add_host(name, group)  # never add_child: that takes a group of the same name first
            for key, value in host["vars"].items():
                inventory.set_variable(name, key, value)
        self._load_early()

    def _load_early(self) -> None:
        """Each task of each host runs in a process that is forked from this one: what is loaded here, none of them has
        to load by itself. Jinja's filters alone take 30 ms.
        """
        for loader, name in WANTED_BY_TASKS:
            loader.get(name, class_only=True)
        self.templar.template(trust_as_template("{{ ('filters' | default('and')) is defined }}"))
        importlib.import_module("runner.steps")
        bundles.load_all()

    def _all(self, root: Path) -> dict[str, dict[str, Any]]:
        from runner.errors import RunnerError
        from runner.hosts import hosts_for_states
        from runner.load import load
        from runner.repo import Repo

        try:
            loaded = load(Repo(root))
            loaded.require_valid()
        except RunnerError as error:
            faults = "\n".join(f"{p.where}: {p.message}. {p.hint}" for p in error.problems)
            raise AnsibleParserError(f"{error}\n{faults}") from error
        return hosts_for_states(loaded, GROUPS)
