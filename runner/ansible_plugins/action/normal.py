"""Ansible action `normal`: runs every module that has no action of its own. Ours are sent to the host as bundles.

Ansible takes this one instead of its own, which cannot be its base: the two have the same name, also for Python.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash

from runner.ansible_plugins.bundled import Bundled


class ActionModule(Bundled, ActionBase):
    """As Ansible's own."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's answer."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        in_background = bool(self._task.async_val) and not self._connection.has_native_async
        result = merge_hash(result, self._execute_module(task_vars=task_vars, wrap_async=in_background))
        if not in_background:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result
