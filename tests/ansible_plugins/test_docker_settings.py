"""Settings of the engine: how they are merged, and the module that writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.ansible_plugins.module_utils.engine_settings import changed_keys, merged, needs_restart
from tests.ansible_plugins.module_run import run_module


@pytest.mark.parametrize(
    ("there", "wanted", "after"),
    [
        ({}, {"debug": True}, {"debug": True}),
        ({"labels": ["a"]}, {"debug": True}, {"labels": ["a"], "debug": True}),
        ({"labels": ["a"]}, {"labels": ["b"]}, {"labels": ["b"]}),
        ({"runtimes": {"x": {"path": "x"}}}, {"runtimes": {"y": {}}}, {"runtimes": {"x": {"path": "x"}, "y": {}}}),
        ({"log-opts": {"tag": "t"}}, {"log-driver": "local"}, {"log-opts": {"tag": "t"}, "log-driver": "local"}),
        (
            {"log-driver": "local", "log-opts": {"tag": "t"}},
            {"log-driver": "local", "log-opts": {"max-size": "1m"}},
            {"log-driver": "local", "log-opts": {"tag": "t", "max-size": "1m"}},
        ),
        (
            {"log-driver": "journald", "log-opts": {"tag": "t"}},
            {"log-driver": "local", "log-opts": {"max-size": "1m"}},
            {"log-driver": "local", "log-opts": {"max-size": "1m"}},
        ),
    ],
)
def test_merging(there: dict[str, Any], wanted: dict[str, Any], after: dict[str, Any]) -> None:
    assert merged(there, wanted) == after
    assert merged(after, wanted) == after
    assert changed_keys(after, after) == []


@pytest.mark.parametrize(
    ("keys", "restart"),
    [
        ([], False),
        (["live-restore", "registry-mirrors"], False),
        (["live-restore", "log-opts"], True),
        (["runtimes"], True),
    ],
)
def test_what_needs_a_restart(keys: list[str], restart: bool) -> None:
    assert needs_restart(keys) == restart


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "docker" / "daemon.json"


def test_writes_once_and_puts_back_what_was_not_there(file: Path) -> None:
    first = run_module("docker_settings", path=str(file), settings={"log-driver": "local"})
    assert (first["changed"], first["keys"], first["restart"]) == (True, ["log-driver"], True)
    assert json.loads(file.read_text()) == {"log-driver": "local"}
    assert file.stat().st_mode & 0o777 == 0o644
    assert not run_module("docker_settings", path=str(file), settings={"log-driver": "local"})["changed"]

    assert run_module("docker_settings", path=str(file), state="restored")["changed"]
    assert not list(file.parent.iterdir())
    assert not run_module("docker_settings", path=str(file), state="restored")["changed"]


def test_puts_back_exactly_what_was_there_as_private_as_it_was(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"labels":  ["a"]}')
    file.chmod(0o600)
    run_module("docker_settings", path=str(file), settings={"debug": True})
    assert file.stat().st_mode & 0o777 == 0o600
    assert (file.parent / "daemon.json.previous").stat().st_mode & 0o777 == 0o600
    run_module("docker_settings", path=str(file), state="restored")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ('{"labels":  ["a"]}', 0o600)


def test_check_mode_says_what_would_change_and_writes_nothing(file: Path) -> None:
    answer = run_module("docker_settings", check=True, diff=True, path=str(file), settings={"proxies": {"x": "canary"}})
    assert (answer["changed"], answer["keys"], answer["diff"]["after"]) == (True, ["proxies"], "proxies\n")
    assert "canary" not in str(answer["diff"])
    assert not file.parent.exists()


@pytest.mark.parametrize(("text", "why"), [("{", "is not JSON"), ("[]", "does not hold an object")])
def test_a_broken_file_is_left_alone(file: Path, text: str, why: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    answer = run_module("docker_settings", path=str(file), settings={"debug": True})
    assert answer["failed"]
    assert why in answer["msg"]
    assert file.read_text() == text
