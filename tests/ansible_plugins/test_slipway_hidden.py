"""The action `slipway_hidden`; what the module on the host answers is given. Real ones are run end to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar

from runner.ansible_plugins.action.slipway_hidden import ActionModule

SECRET = "tok-1234567890"
OPTIONS = {"name": "web", "env": {"TOKEN": SECRET}}
CHANGE = {"field": "restart", "before": "never", "after": "unless-stopped"}
Hidden = Callable[..., dict[str, Any]]


@pytest.fixture
def hidden() -> Hidden:
    """Run the action with a module that answers this, or that breaks like this."""

    def run(said: Any, *, check: bool = False, **more: Any) -> dict[str, Any]:
        task = Task()
        task.args = {"module": "container", "options": OPTIONS, **more}
        task.check_mode = check
        action = ActionModule(task, mock.Mock(), mock.Mock(), DataLoader(), Templar(DataLoader()), None)
        told: list[Any] = []

        def module(*, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
            told.extend([module_name, module_args, task_vars, task.no_log])
            if isinstance(said, Exception):
                raise said
            return {**said, "invocation": {"module_args": module_args}}

        answer: dict[str, Any] = {}
        try:
            with mock.patch.object(action, "_execute_module", module):
                answer = action.run(task_vars={"inventory_hostname": "web"})
        finally:
            assert SECRET not in repr(task.dump_attrs())  # all callbacks get to see that
        assert told == ["container", OPTIONS, {"inventory_hostname": "web"}, True]
        assert not task.no_log
        assert SECRET not in repr(answer)
        return answer

    return run


def test_options_are_hidden_and_the_rest_is_shown(hidden: Hidden) -> None:
    said = {"changed": True, "health": "200", "actions": ["created"], "env": {"TOKEN": SECRET}, "differences": [CHANGE]}
    assert hidden(said) == {"changed": True, "health": "200"}
    assert hidden({"changed": False, "health": ""}) == {"changed": False}


def test_dry_run_tells_what_would_change(hidden: Hidden) -> None:
    answer = hidden({"changed": True, "health": "not checked", "differences": [CHANGE]}, check=True)
    assert "health" not in answer  # it would be shown instead of what differs
    assert (answer["msg"], answer["differences"]) == ("restart", [CHANGE])
    [change] = hidden({"changed": True, "differences": [CHANGE]}, check=True, prefix="chat")["differences"]
    assert change == {**CHANGE, "field": "chat.restart"}
    assert hidden({"changed": True}, check=True)["msg"] == "it is not what was applied"


def test_failure_says_why(hidden: Hidden) -> None:
    failed = {"failed": True, "msg": "the port is taken", "cause": "port-taken", "hint": "", "module_stderr": SECRET}
    assert hidden(failed) == {"failed": True, "msg": "the port is taken", "cause": "port-taken"}
    assert hidden(failed, prefix="chat")["msg"] == "chat: the port is taken"
    assert hidden({"failed": True})["msg"] == "it failed without a reason"


def test_what_is_asked_for_becomes_a_fact(hidden: Hidden) -> None:
    assert hidden({"changed": False, "ca": "PEM"}, facts={"expose_ca": "ca"})["ansible_facts"] == {"expose_ca": "PEM"}


def test_a_host_that_goes_away_is_not_swallowed(hidden: Hidden) -> None:
    with pytest.raises(ConnectionError):
        hidden(ConnectionError("gone"))
