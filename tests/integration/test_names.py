"""Names of deployments that mean something to Ansible, or to us; and that nothing counts as done without proof."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.ansible_plugins.inventory.deployments import ALL_GROUPS
from runner.models import NAME_PATTERN
from tests.integration.world import World, ask, refuses

NAMES = ("due", "gpu", "close", "prepare", "converge", "start", "stop", "destroy", "machine", "theirs", "localhost-1")
THEIRS = "all:\n  children:\n    theirs:\n      hosts: {some-box: {}}\n"
"""An inventory of somebody's own, beside ours: one of its groups is called like a deployment."""


def test_names_that_groups_have_are_names_like_others(fresh: World, port: Callable[[], int]) -> None:
    ports = {name: port() for name in NAMES}
    for name, number in ports.items():
        fresh.beacon(name, number)
    (fresh.root / "inventory" / "theirs.yaml").write_text(THEIRS)
    results = fresh.json("reconcile", "--yes")["results"]
    assert {r["deployment"]: (r["result"], r["url"]) for r in results} == {
        name: ("changed", f"http://127.0.0.1:{number}") for name, number in ports.items()
    }
    assert all(ask(number)["env"]["WORD"] == "hello" for number in ports.values())
    assert set(fresh.actions().values()) == {"none"}
    for name in NAMES:
        (fresh.root / "deployments" / f"{name}.yaml").unlink()
    gone = fresh.json("reconcile", "--yes", "--allow-destroy", str(len(NAMES)))["results"]
    assert {r["result"] for r in gone} == {"changed"}
    assert all(refuses(number) for number in ports.values())
    assert [trace for name in NAMES if name != "machine" for trace in fresh.traces(name)] == []


@pytest.mark.parametrize("name", ["all", "ungrouped", "localhost"])
def test_names_that_every_inventory_has_are_refused(fresh: World, name: str) -> None:
    fresh.beacon(name, 1)
    assert fresh.json("plan", code=3)["error"]["code"] == "reserved-name"


def test_no_group_of_ours_can_be_the_name_of_a_deployment() -> None:
    import re

    assert not [group for group in ALL_GROUPS if re.fullmatch(NAME_PATTERN, group)]


def test_what_the_playbook_did_nothing_for_is_no_success(fresh: World, port: Callable[[], int]) -> None:
    """As if the plays and the groups of the inventory did not fit each other."""
    fresh.beacon("web", port())
    playbooks = fresh.root / "playbooks"
    real = playbooks.resolve()
    playbooks.unlink()
    playbooks.mkdir()
    for file in real.iterdir():
        (playbooks / file.name).write_text(file.read_text().replace("slipway_converge", "slipway_other"))
    answer = fresh.json("reconcile", "--yes", code=1)
    assert [(r["result"], r["code"]) for r in answer["results"]] == [("failed", "no-result")]
