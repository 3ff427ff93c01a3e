"""Whatever the caller has done with the three streams: the documented exit code, and no traceback."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small import Small

RUN = f"{shlex.quote(sys.executable)} -m runner"


def small(root: Path) -> Small:
    made = Small(root)
    made.write("runner.yaml", "id: test\nproviders: {local: {home: ../services, docker_socket: /nowhere}}\n")
    for number in range(3):
        made.deployment(f"d{number}", f"template: app\nports: {{web: {1000 + number}, api: {2000 + number}}}\n")
    return made


def said(root: Path, line: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    command = ["bash", "-c", f"set -o pipefail; {line}"]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("plan >&-", 2),
        ("plan 2>&-", 2),
        ("plan <&-", 2),
        ("plan >&- 2>&- <&-", 2),
        ("plan --json >&-", 2),
        ("plan --json 2>&-", 2),
        ("plan | head -1", 2),
        ("plan --json | head -1", 2),
        ("plan | true", 2),
        ("plan 2>&1 >&- | head -1", 2),
        ("status nothing 2>&-", 3),
        ("status nothing >&-", 3),
        ("validate 2>&-", 0),
        ("--help >&-", 0),
        ("--help | true", 0),
        ("nothing 2>&-", 3),
        ("plan > /dev/full", 1),
        ("plan 2> /dev/full", 2),
        ("plan --json > /dev/full", 1),
    ],
)
def test_stream_that_is_closed_changes_no_exit_code(tmp_path: Path, line: str, code: int) -> None:
    words, _, rest = line.partition(" ")
    done = said(small(tmp_path / "repo").root, f"{RUN} {words} {rest}")
    assert "Traceback" not in done.stdout + done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == code, done.stderr


NAMES = [
    "brackets [x] {y}",
    "colon:and;semicolon",
    "quotes ' \" `",
    "per%cent %s %%",
    "$HOME ${x} $(touch sprung)",
    "ünï ☃ 日本",
    "back\\slash",
    "# hash",
    "-dash",
    "star * ?",
]


@pytest.mark.parametrize("name", NAMES)
def test_repository_may_have_any_name_on_one_line(tmp_path: Path, name: str) -> None:
    root = small(tmp_path / name).root
    done = said(root, f"{RUN} plan --json")
    assert (done.returncode, done.stderr) == (2, "")
    assert len(json.loads(done.stdout)["actions"]) == 3
    assert said(root, f"{RUN} validate").returncode == 0
    assert not list(tmp_path.rglob("sprung"))


@pytest.mark.parametrize("name", ["new\nline", "escape\x1b[2J", "tab\tulator", "carriage\rreturn"])
def test_repository_with_control_characters_in_its_name_is_refused(tmp_path: Path, name: str) -> None:
    done = said(small(tmp_path / name).root, f"{RUN} plan --json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["code"] == "bad-folder-name"


def test_repository_with_bytes_in_its_name_is_refused(tmp_path: Path) -> None:
    small(tmp_path / "repo")
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    (tmp_path / "repo").rename(root)
    done = said(root, f"{RUN} plan --json")
    assert json.loads(done.stdout)["error"]["code"] == "bad-folder-name"
