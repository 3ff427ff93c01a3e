"""A small sample of each attack that needs nothing but this machine; `make attack` runs all at full strength."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attack import base
from tests.attack.report import Report
from tests.attack.shell import ask
from tests.conftest import ROOT

SAMPLE = {"files": 30, "states": 20, "injections": 15, "canaries": 20}
SEED = 7


@pytest.mark.slow  # dozens of commands
@pytest.mark.parametrize(("kind", "tries"), SAMPLE.items(), ids=list(SAMPLE))
def test_nothing_gives_way(kind: str, tries: int) -> None:
    report: Report = importlib.import_module(f"tests.attack.{kind}").attack(SEED, tries)
    assert report.tried >= tries
    assert report.faults == []


def test_what_gives_way_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with base.environment(tmp_path):
        small = base.lived_in(tmp_path)
        assert ask(small.root, "status").faults() == []
        monkeypatch.setattr("runner.load.scan", lambda *_: 1 / 0)
        [fault] = ask(small.root, "status").faults()
    assert "ZeroDivisionError" in fault


def test_same_seed_makes_the_same_attack() -> None:
    first, second = (Report("files", SEED).dice.random() for _ in range(2))
    assert first == second != Report("states", SEED).dice.random()


@pytest.mark.slow
def test_command_prints_one_line_of_json() -> None:
    command = [sys.executable, "-m", "tests.attack", "files", "--share", "0.0005"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["attack"]["files"]["tried"] == 5
