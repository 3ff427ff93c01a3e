"""A function of `module_utils` runs on a host with nothing but that host's Python, and nothing is written there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runner.engines import docker, remote
from runner.providers.ssh.observer import OBSERVER, SIGHT

PYTHON = "/usr/bin/python3"
CANARY = "canary-5up3r-s3cret"

pytestmark = pytest.mark.skipif(not Path(PYTHON).exists(), reason="this system has no Python of its own")


def call(program: str, folder: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """As sshd would: a shell, the program by standard input, nothing of our environment."""
    return subprocess.run(
        ["sh", "-c", remote.command(PYTHON)],
        input=before + program,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def observe(folder: Path, before: str = "") -> dict[str, Any]:
    done = call(remote.program(OBSERVER, "observe", "no-such-repo", docker.listing("no-such-repo")), folder, before)
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_system_python_answers_in_json(tmp_path: Path) -> None:
    answer = observe(tmp_path)
    assert set(answer) == {
        "docker",
        "missing",
        "containers",
        "units",
        "health",
        "notice",
        "exposed",
        "sight",
        "volumes",
    }
    assert (answer["containers"], answer["units"], answer["health"]) == ([], [], {})


def test_old_python_says_so_and_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PROGRAM", remote.PROGRAM.replace("(3, 8)", "(4, 2)"))
    done = call(remote.program(OBSERVER, "observe", "no-such-repo", "/"), tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("slipway: Python 3.")
    assert done.stderr.strip().endswith("is older than 3.8")


def test_nothing_is_written(tmp_path: Path) -> None:
    observe(tmp_path)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - hidden ones as well


@pytest.mark.parametrize("before", [f"{CANARY}\n", f"{CANARY}'\"\\\n", "\n"])
def test_password_that_sudo_did_not_ask_for_is_no_part_of_the_program(tmp_path: Path, before: str) -> None:
    assert observe(tmp_path, before)["containers"] == []


def test_failure_shows_nothing_of_what_stands_before(tmp_path: Path) -> None:
    done = call(remote.program(OBSERVER, "observe", 42), tmp_path, f"{CANARY}\n")
    assert done.returncode != 0
    assert CANARY not in done.stdout + done.stderr


@pytest.mark.parametrize("text", ["'", '"', "\\", "\n", "\0", "ünï", "'''", '"""', "{x}", "%s", "# slipway begins"])
def test_arguments_and_answers_arrive_as_they_are(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "base.py").write_text(f"TEXT = {text!r}\n", encoding="utf-8")
    (modules / "echo.py").write_text("from .base import TEXT\n\ndef echo(*given):\n    return [TEXT, *given]\n")
    monkeypatch.setattr(remote, "_FOLDER", modules)
    remote._source.cache_clear()
    done = call(remote.program(("base", "echo"), "echo", text, {text: [text, 1, None]}), tmp_path)
    assert json.loads(done.stdout) == [text, text, {text: [text, 1, None]}]


def test_error_of_a_remote_program_ends_with_its_reason(tmp_path: Path) -> None:
    done = call(remote.program(OBSERVER, "no_such_function"), tmp_path)
    assert "no_such_function" in done.stderr.splitlines()[-1]


def test_program_is_the_same_for_everybody() -> None:
    assert remote.program(OBSERVER, "observe", {}) == remote.program(OBSERVER, "observe", {})


def test_what_is_to_come_is_looked_at_on_the_way(tmp_path: Path) -> None:
    wanted = {"ports": [[1, "127.0.0.1"]], "images": [], "gpu": True}
    modules = tuple(dict.fromkeys((*SIGHT, *OBSERVER)))
    done = call(remote.program(modules, "observe", "none", docker.listing("none"), wanted), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    sight = json.loads(done.stdout)["sight"]
    assert sight["memory_gb"] > 0
    assert "trouble" in sight["gpu"]
