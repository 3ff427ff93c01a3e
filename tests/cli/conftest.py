"""The command line, with nobody at the keyboard."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.cli.shell import Shell
from tests.small import Small


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shell:
    small = Small(tmp_path / "repo")
    monkeypatch.chdir(small.root)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody to ask
    return Shell(small, capfd)
