"""What git says of the repository. Reading files where that is enough: starting git costs more than a small plan."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from runner import bounded, programs, readback

_REFERENCE = re.compile(r"refs/(?!.*\.\.)[^\x00-\x20\x7f~^:?*\[\\]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LIMIT = 64 * 1024 * 1024
"""Bytes: the packed references of a large repository are some megabytes."""
_KEYS = ("commit", "time", "author", "subject")


def head(root: Path) -> str:
    """The commit that is checked out; empty outside of git, before the first commit, and where git's files are not
    what git writes.
    """
    try:
        folder = _folder(root)
        reference = _read(folder / "HEAD").strip()
        found = reference
        if reference.startswith("ref: "):
            found = _resolve(_common(folder), reference.removeprefix("ref: "))
    except (OSError, RuntimeError, bounded.OddFile, bounded.NoFile):
        return ""
    return found if _COMMIT.fullmatch(found) else ""


def _read(path: Path) -> str:
    return programs.text(bounded.read(path, _LIMIT))


def _folder(root: Path) -> Path:
    """Of this checkout: a worktree and a submodule have a file that leads to it."""
    folder = root / ".git"
    if not folder.is_file():
        return folder
    return _led(root, _read(folder).partition("gitdir:")[2])


def _common(folder: Path) -> Path:
    shared = folder / "commondir"
    return _led(folder, _read(shared)) if shared.is_file() else folder


def _led(base: Path, said: str) -> Path:
    """Where a file of git leads to. Raises OddFile when that is no path."""
    place = said.strip()
    if "\0" in place or not place:
        raise bounded.OddFile("names no folder")
    return (base / place).resolve()


def _resolve(base: Path, reference: str) -> str:
    if not _REFERENCE.fullmatch(reference):
        return ""
    loose = base / reference
    if loose.is_file():
        return _read(loose).strip()
    packed = base / "packed-refs"
    if packed.is_file():
        for line in programs.lines(_read(packed)):
            if line.endswith(f" {reference}"):
                return line.partition(" ")[0]
    return ""


def log(root: Path, paths: list[Path], limit: int) -> list[dict[str, Any]]:
    """Commits that touched the paths, newest first: {commit, time, author, subject}. Empty outside of git. Nothing but
    the byte zero, which no commit has, separates them: people put anything else into subjects.
    """
    command = [
        "git",
        "log",
        f"-{limit}",
        "-z",
        "--no-show-signature",
        "--encoding=UTF-8",
        "--format=%H%x00%cI%x00%an%x00%s",
        "--",
    ]
    try:
        said = programs.run([*command, *map(str, paths)], cwd=root).out
    except OSError:
        return []
    words = said.split("\0")
    commits = [dict(zip(_KEYS, words[at : at + 4], strict=True)) for at in range(0, len(words) - 3, 4)]
    return [commit for commit in commits if readback.moment(commit["time"]) is None]
