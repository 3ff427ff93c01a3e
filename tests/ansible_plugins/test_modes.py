"""Files and folders on hosts have the modes that are written, also where root's umask is 077."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.ansible_plugins.module_utils import modes

PLUGINS = Path(modes.__file__).parent.parent


@pytest.fixture(autouse=True, params=[0o077, 0o027, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("wanted", [0o755, 0o750])
def test_folders_on_the_way_have_the_mode_too(tmp_path: Path, wanted: int) -> None:
    modes.folders(str(tmp_path / "a/b/c"), wanted)
    assert [mode(tmp_path / part) for part in ("a", "a/b", "a/b/c")] == [wanted] * 3


def test_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o711)
    modes.folders(str(tmp_path / "a/b"))
    modes.folders(str(tmp_path / "a/b"))
    assert (mode(tmp_path / "a"), mode(tmp_path / "a/b")) == (0o711, 0o755)


def test_programs_that_we_call_write_for_everybody(tmp_path: Path) -> None:
    modes.usual()
    (tmp_path / "list").touch()
    assert mode(tmp_path / "list") == 0o644


def test_no_module_leaves_the_mode_of_a_folder_to_the_umask() -> None:
    """0700 is what no usual umask takes anything from."""
    wrong = [
        f"{path.name}: {line.strip()}"
        for folder in ("modules", "module_utils")
        for path in sorted((PLUGINS / folder).glob("*.py"))
        for line in path.read_text().splitlines()
        if re.search(r"os\.makedirs\(|os\.mkdir\(", line) and "mode=0o700" not in line and path.name != "modes.py"
    ]
    assert wrong == []
