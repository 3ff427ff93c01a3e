"""What the action `slipway_machine` tells Ansible's inventory about a machine that was found."""

from __future__ import annotations

from typing import Any

import pytest

from runner.ansible_plugins.action.slipway_machine import place
from runner.ansible_plugins.filter.slipway import slipway_leader

CANARY = "canary-5up3r-s3cret"


def machine(*, password: str = "", prepare: bool = True) -> dict[str, Any]:
    connection = {"ansible_connection": "ssh", "ansible_host": "192.0.2.7", "ansible_port": 2222}
    secret = {"ansible_become": True, "become_password": password}
    return {"id": "m", "connection": {**connection, **secret}, "facts": {"prepare": prepare}}


@pytest.mark.parametrize(
    ("present", "prepare", "gpu", "groups"),
    [
        (True, True, False, ["slipway_prepare", "slipway_on_62c66a7a5dd70c31"]),
        (True, True, True, ["slipway_prepare", "slipway_on_62c66a7a5dd70c31", "slipway_gpu"]),
        (True, False, True, []),
        (False, True, True, []),
    ],
)
def test_only_what_will_run_is_prepared(present: bool, prepare: bool, gpu: bool, groups: list[str]) -> None:
    assert place("web", machine(prepare=prepare), present=present, gpu=gpu)["groups"] == groups


def test_connection_is_complete_so_that_nothing_stays_of_an_earlier_machine() -> None:
    remote = place("web", machine(), present=True, gpu=False)
    local = place("web", {"id": "m", "connection": {}, "facts": {}}, present=False, gpu=False)
    assert (remote["host_name"], local["host_name"]) == ("web", "web")
    assert (remote["host_vars"]["ansible_host"], remote["host_vars"]["ansible_port"]) == ("192.0.2.7", 2222)
    assert (local["host_vars"]["ansible_connection"], local["host_vars"]["ansible_become"]) == ("local", False)
    assert local["host_vars"].keys() <= remote["host_vars"].keys()


def test_password_for_sudo_never_gets_there() -> None:
    told = place("web", machine(password=CANARY), present=True, gpu=False)
    assert CANARY not in repr(told)
    assert "ansible_become_password" not in told["host_vars"]
    assert place("web", machine(), present=True, gpu=False)["host_vars"]["ansible_become_password"] is None


@pytest.mark.parametrize(
    ("together", "gpu", "leader"),
    [(["b", "a"], [], "a"), (["a", "b"], ["b"], "b"), (["a", "b", "c"], ["c", "b"], "b"), (["a"], ["z"], "a")],
)
def test_one_that_needs_a_gpu_prepares_the_machine_for_all(together: list[str], gpu: list[str], leader: str) -> None:
    assert slipway_leader(together, gpu) == leader
