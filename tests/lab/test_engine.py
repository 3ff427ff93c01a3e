"""The lab's manners towards engines, with programs that only claim to be Docker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lab import engine
from tests.lab.host import LabError, cache, locked


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`docker` answers while the file `answers` is there; `dockerd` makes it, and removes it when it is stopped."""
    answers = tmp_path / "answers"
    _program(tmp_path / "docker", f"[ -e {answers} ] && echo 99.0")
    _program(tmp_path / "dockerd", f"trap 'rm {answers}; exit' TERM; touch {answers}; while :; do sleep 0.05; done")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SLIPWAY_LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_engine_is_started_once_and_stopped() -> None:
    with locked():
        assert engine.start() == "engine 99.0 started"
        assert engine.start() == "engine 99.0 answers"
        assert "started here" in next(engine.status())
        assert engine.stop() == "engine stopped"
    assert engine.version() == ""
    assert engine.stop() == "nothing to stop: no engine was started here"


def test_engine_of_somebody_else_is_left_alone(programs: Path) -> None:
    (programs / "answers").touch()
    assert engine.start() == "engine 99.0 answers"
    assert "not started here" in next(engine.status())
    assert engine.stop().endswith("the one that answers is left alone")
    assert engine.version() == "99.0"


def test_process_id_of_another_program_is_not_trusted(programs: Path) -> None:
    (cache() / "dockerd.pid").write_text(str(os.getpid()))
    assert engine.stop() == "nothing to stop: no engine was started here"


def test_engine_that_does_not_come_up_shows_its_log(programs: Path) -> None:
    _program(programs / "dockerd", "echo no iptables here; exit 1")
    with pytest.raises(LabError, match="no iptables here"):
        engine.start()
    assert engine.stop() == "nothing to stop: no engine was started here"


def test_remote_engine_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://box")
    with pytest.raises(LabError, match="DOCKER_HOST=ssh://box does not answer"):
        engine.start()
