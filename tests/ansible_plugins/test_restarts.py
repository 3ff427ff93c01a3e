"""How often a container ended by itself, from what its engine tells of the last minutes."""

from __future__ import annotations

from typing import Any

import pytest

from runner.ansible_plugins.module_utils import restarts


def events(words: str) -> list[dict[str, Any]]:
    """`a:die b:kill`, as an engine tells it."""
    return [{"Actor": {"ID": word.partition(":")[0]}, "Action": word.partition(":")[2]} for word in words.split()]


@pytest.mark.parametrize(
    ("said", "often"),
    [
        ("", {}),
        ("a:die a:die b:die", {"a": 2, "b": 1}),
        ("a:kill a:die a:stop", {"a": 0}),
        ("a:die a:die a:kill a:die a:restart a:die", {"a": 1}),
        ("a:die a:die a:stop", {"a": 0}),
        ("a:kill b:die", {"b": 1}),
    ],
    ids=["nothing", "by themselves", "stopped", "restarted by somebody", "stopped between two attempts", "others"],
)
def test_who_stops_a_container_ends_the_count(said: str, often: dict[str, int]) -> None:
    assert restarts.ends(events(said)) == often


@pytest.mark.parametrize(
    ("state", "status", "asked"),
    [
        ("running", "Up Less than a second", True),
        ("running", "Up 9 minutes (healthy)", True),
        ("running", "Up About a minute", True),
        ("restarting", "Restarting (1) 40 seconds ago", True),
        ("running", "Up 10 minutes", False),
        ("running", "Up 2 hours", False),
        ("exited", "Exited (0) 3 seconds ago", False),
    ],
)
def test_engine_is_asked_only_where_something_started_lately(state: str, status: str, asked: bool) -> None:
    assert restarts.recent([{"State": state, "Status": status}]) == asked


def test_told() -> None:
    assert [restarts.told(number) for number in (0, 1, 5)] == [
        "",
        "restarted 1 time in 10 minutes",
        "restarted 5 times in 10 minutes",
    ]
