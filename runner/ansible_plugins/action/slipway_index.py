"""Ansible action `slipway_index`: the generated table of all deployments. Runs in the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from runner import steps
from runner.errors import RunnerError
from runner.repo import Repo


class ActionModule(ActionBase):
    """Takes no arguments."""

    _VALID_ARGS: frozenset[str] = frozenset()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Writes `deployments/README.md`."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        root = Path(str((task_vars or {})["playbook_dir"])).parent
        try:
            result["changed"] = steps.index(Repo(root), check=self._task.check_mode)
        except RunnerError as error:
            result |= {"failed": True, "msg": f"{error}. {error.hint}"}
        return result
