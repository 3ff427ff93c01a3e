"""What git says of the repository. Reading files where that is enough: starting git costs more than a small plan."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
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


def agreed(root: Path, head: str, target: str) -> str:
    """The commit that others have agreed to: where this branch left the one that it goes to, else the one that is
    checked out. `target`: name of that branch; empty: the remote's own.
    """
    try:
        base = _common(_folder(root))
        remote = f"refs/remotes/origin/{target or 'HEAD'}"
        pointer = base / remote
        said = _read(pointer).strip() if not target and pointer.is_file() else ""
        found = _resolve(base, said.removeprefix("ref: ") or remote)
        if not _COMMIT.fullmatch(found) or found == head:
            return head
        said = programs.run(["git", "merge-base", found, head], cwd=root).out.strip()
    except (OSError, RuntimeError, bounded.OddFile, bounded.NoFile):
        return head
    return said if _COMMIT.fullmatch(said) else head


def changed(root: Path, base: str, folder: str) -> list[str]:
    """Files of a folder that are other ones than in a commit, or gone; those that git does not know are not told."""
    words = ["git", "diff", "--name-only", "--no-renames", "--relative", "-z", base, "--", folder]
    try:
        return [path for path in programs.run(words, cwd=root).out.split("\0") if path]
    except OSError:
        return []


def before_deletion(root: Path, paths: Sequence[str]) -> dict[str, str]:
    """Path → where `contents` finds its last version, of those that some commit has deleted."""
    words = ["git", "log", "--diff-filter=D", "--no-renames", "--relative", "--name-only", "-z", "--format=%x00%H"]
    try:
        said = programs.run([*words, "--", *paths], cwd=root).out
    except OSError:
        return {}
    found: dict[str, str] = {}
    commit = ""
    for word in filter(None, (part.strip("\n") for part in said.split("\0"))):
        if _COMMIT.fullmatch(word):
            commit = word
        elif word in paths:
            found.setdefault(word, f"{commit}^:./{word}")
    return found


def contents(root: Path, places: Mapping[str, str]) -> dict[str, str]:
    """Path → text, of what git has at the places. One question for all of them."""
    if not places:
        return {}
    asked = "".join(f"{place}\n" for place in places.values()).encode()
    words = ["git", "cat-file", "--batch"]
    try:
        said = subprocess.run(words, input=asked, cwd=root, capture_output=True, check=False).stdout
    except OSError:
        return {}
    found: dict[str, str] = {}
    for path in places:
        head, _, said = said.partition(b"\n")
        words_of = head.split()
        if len(words_of) == 3 and words_of[1] == b"blob":  # noqa: PLR2004 - id, kind, size
            size = int(words_of[2])
            found[path], said = programs.text(said[:size]), said[size + 1 :]
    return found
