"""The action `slipway_look` with small roles; what the host says is given. Real ones are looked at end to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar

from runner.ansible_plugins.action.slipway_look import ActionModule

pytestmark = pytest.mark.usefixtures("plugins")

QUESTION = '__first_question: {packages: "{{ first_packages }}"}\n'
TOPICS = """\
__first_topics:
  install: "{{ first_packages | difference(ansible_facts.slipway_host.packages) | length > 0 }}"
  never: "{{ false }}"
"""
SECOND = """\
__second_text: "{{ lookup('ansible.builtin.template', 'settings.j2') }}"
__second_topics: {write: "{{ second_enabled and ansible_facts.slipway_host.text != __second_text }}"}
"""
Look = Callable[..., dict[str, Any]]


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    """One that wants packages, and one that wants a file."""
    files = {
        "first/defaults/main.yml": "first_packages: [curl]\n",
        "first/vars/main.yml": QUESTION + TOPICS,
        "second/defaults/main.yml": "second_enabled: true\n",
        "second/vars/main.yml": SECOND,
        "second/templates/settings.j2": "enabled={{ second_enabled }}",
    }
    for name, text in files.items():
        path = tmp_path / "roles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def look(roles: Path) -> Look:
    """Run the action on a host that says this; variables as somebody sets them in the inventory."""

    def run(said: dict[str, Any], **variables: Any) -> dict[str, Any]:
        loader = DataLoader()
        known = {"slipway_root": str(roles), "inventory_hostname": "web", "ansible_facts": {}, **variables}
        task = Task()
        task.args = {"roles": ["first", "second"]}
        templar = Templar(loader, variables=known)
        action = ActionModule(task, mock.Mock(), mock.Mock(), loader, templar, shared_loader_obj=None)
        with mock.patch.object(action, "_execute_module", return_value=said) as asked:
            answer = action.run(task_vars=known)
        answer["asked"] = asked.call_args.kwargs["module_args"] if asked.called else None
        return answer

    return run


def host(packages: list[str], text: str = "enabled=True") -> dict[str, Any]:
    return {"changed": False, "said": "Debian", "ansible_facts": {"slipway_host": {"packages": packages, "text": text}}}


def test_machine_that_lacks_nothing_is_prepared(look: Look) -> None:
    answer = look(host(["curl", "vim"]))
    assert answer["asked"] == {"packages": ["curl"]}
    assert (answer["add_host"]["groups"], answer["ansible_facts"]["slipway_prepared"]) == ([], True)
    assert (answer["said"], answer["ansible_facts"]["slipway_host"]["packages"]) == ("Debian", ["curl", "vim"])


@pytest.mark.parametrize(
    ("said", "variables"),
    [
        (host([]), {}),
        (host(["curl"], "enabled=False"), {}),
        (host(["curl"]), {"first_packages": ["curl", "jq"]}),
    ],
    ids=["first role", "last role", "inventory"],
)
def test_machine_where_any_role_has_work_is_due(look: Look, said: dict[str, Any], variables: dict[str, Any]) -> None:
    answer = look(said, **variables)
    assert answer["add_host"] == {"host_name": "web", "groups": ["slipway_due"], "host_vars": {}}
    assert answer["ansible_facts"]["slipway_prepared"] is False


def test_what_the_inventory_sets_goes_before_defaults(look: Look) -> None:
    assert look(host(["curl"], "other"), second_enabled=False)["add_host"]["groups"] == []


@pytest.mark.parametrize("variables", [{"first_packages": 5}, {"second_enabled": "{{ nonsense"}])
def test_variables_that_make_no_sense_are_left_to_the_role_to_refuse(look: Look, variables: dict[str, Any]) -> None:
    assert look(host(["curl"], "other"), **variables)["add_host"]["groups"] == ["slipway_due"]


def test_look_that_fails_says_so(look: Look) -> None:
    answer = look({"failed": True, "msg": "no python"})
    assert (answer["failed"], answer["msg"]) == (True, "no python")
    assert "add_host" not in answer
