"""What the action plugins share: variables in as plain data, foreseeable failures out as `failed` results."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from ansible.plugins.action import ActionBase

from runner.errors import RunnerError
from runner.subject import subject

PREFIX = "slipway_"
Run = Callable[..., dict[str, Any]]


def plain(value: Any) -> Any:
    """Ansible's tagged strings and lazy containers as ordinary Python data."""
    return json.loads(json.dumps(value, default=str))


def adapted(run: Run) -> Run:
    """Lets an action's `run` take the deployment, and turns RunnerError into a failed task."""

    @functools.wraps(run)
    def wrapper(self: Any, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        # not super(): strategies of others run actions as subclasses of ours
        result: dict[str, Any] = ActionBase.run(self, tmp, variables)
        try:
            it = subject({key: plain(value) for key, value in variables.items() if key.startswith(PREFIX)})
            result |= run(self, it, variables)
        except RunnerError as error:
            problem = error.problems[0]
            result |= {"failed": True, "msg": problem.message, "hint": problem.hint, "code": problem.code}
        return result

    return wrapper
