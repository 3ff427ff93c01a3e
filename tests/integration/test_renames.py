"""A service that gets another name keeps its data and its secrets; a plan says what is lost otherwise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.world import World, ask, refuses


@pytest.fixture
def made(fresh: World, port: Callable[[], int]) -> World:
    fresh.beacon("old", port())
    fresh.ok("reconcile", "--yes")
    (fresh.home / "services" / "old" / "data" / "kept.txt").write_text("mine")
    return fresh


def number(made: World, name: str) -> int:
    return int((made.root / "deployments" / f"{name}.yaml").read_text().partition("web: ")[2].partition("}")[0])


def test_rename_keeps_data_secrets_and_port(made: World) -> None:
    at = number(made, "old")
    secret = ask(at)["env"]["TOKEN"]
    made.ok("rename", "old", "new", "--yes")
    assert ask(at)["env"]["TOKEN"] == secret
    assert (made.home / "services" / "new" / "data" / "kept.txt").read_text() == "mine"
    assert made.actions() == {"new": "none"}
    assert made.traces("old") == []
    assert made.json("orphans") == {"orphans": [], "unknown": []}


def test_file_that_was_renamed_by_hand_is_recognised(made: World) -> None:
    at = number(made, "old")
    folder = made.root / "deployments"
    (folder / "old.yaml").rename(folder / "new.yaml")
    plan = made.plan(code=2)
    assert {name: item["action"] for name, item in plan.items()} == {"old": "destroy", "new": "create"}
    assert all("runner rename old new" in item["hint"] for item in plan.values())
    effect = plan["old"]["effect"]
    assert effect["deletes"]
    assert effect["bytes"] >= len("mine")
    made.ok("rename", "old", "new", "--yes")
    assert (made.home / "services" / "new" / "data" / "kept.txt").read_text() == "mine"
    assert made.actions() == {"new": "none"}
    assert not refuses(at)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("old", "old", "bad-name"),
        ("old", "Bad_Name", "bad-name"),
        ("old", "all", "bad-name"),
        ("none", "new", "unknown-deployment"),
        ("old", "other", "name-taken"),
    ],
)
def test_what_cannot_be_renamed_is_left_alone(
    made: World, port: Callable[[], int], old: str, new: str, code: str
) -> None:
    made.beacon("other", port())
    before = made.files()
    assert made.json("rename", old, new, "--yes", code=3)["error"]["code"] == code
    assert made.files() == before
