"""Ansible action `slipway_look`: one look at a machine tells whether any of the roles that prepare it has work there.

Roles decide by `__ROLE_topics` in their vars, from what `host_facts` says. That costs several tasks for each role that
is run; here all of them are asked in one, and on most days nothing is to be done.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

from runner.ansible_plugins.bundled import Bundled

ALIAS = re.compile(r"\{\{ [\w.]+ \}\}")
"""A short name for a part of the facts. Evaluated once: Ansible would compile it anew wherever it is used."""
GROUP = "slipway_due"
"""Of the hosts where a role has something to do."""


class ActionModule(Bundled, ActionBase):
    """`roles`: those that would be run. The first one asks the questions: its `__ROLE_question` are the options of
    `host_facts`. Its task says `changed_when: false`, because Ansible calls everything a change that is new to the
    inventory.
    """

    _VALID_ARGS = frozenset({"roles"})

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sets the facts of `host_facts`, and `slipway_prepared`; without that the host gets into `slipway_due`."""
        known = dict(task_vars or {})
        result: dict[str, Any] = super().run(tmp, known)
        roles = self._task.args["roles"]
        try:
            question = self._of_role(roles[0], "question", known)
        except AnsibleError:
            return result | self._place(known, due=True)  # the role itself says what is wrong with its variables
        seen: dict[str, Any] = self._execute_module(module_name="host_facts", module_args=question, task_vars=known)
        if seen.get("failed"):
            return result | seen
        facts: dict[str, Any] = seen["ansible_facts"]
        known["ansible_facts"] = {**known["ansible_facts"], **facts}
        return result | seen | self._place(known, due=self._due(roles, known), facts=facts)

    def _due(self, roles: list[str], known: dict[str, Any]) -> bool:
        try:
            return any(topic for role in roles for topic in self._of_role(role, "topics", known).values())
        except AnsibleError:
            return True

    def _of_role(self, role: str, name: str, known: dict[str, Any]) -> dict[str, Any]:
        """What the role's variable says, as if the role were run now."""
        folder = Path(known["slipway_root"]) / "roles" / role
        own = self._file(folder, "vars")
        variables = self._file(folder, "defaults") | known | own | {"ansible_search_path": [str(folder)]}
        templar = self._templar.copy_with_new_env(available_variables=variables)
        for alias in (key for key, value in own.items() if isinstance(value, str) and ALIAS.fullmatch(value)):
            with contextlib.suppress(AnsibleError):  # what is not known yet may not be needed
                variables[alias] = templar.template(own[alias])
        return dict(templar.template(trust_as_template("{{ __%s_%s }}" % (role, name))))

    def _file(self, folder: Path, kind: str) -> dict[str, Any]:
        path = folder / kind / "main.yml"
        return self._loader.load_from_file(str(path), trusted_as_template=True) or {} if path.exists() else {}

    @staticmethod
    def _place(known: dict[str, Any], *, due: bool, facts: dict[str, Any] | None = None) -> dict[str, Any]:
        groups = [GROUP] if due else []
        return {
            "changed": False,
            "ansible_facts": {**(facts or {}), "slipway_prepared": not due},
            "add_host": {"host_name": known["inventory_hostname"], "groups": groups, "host_vars": {}},
        }
