"""What git says of the repository. Reading files where that is enough: starting git costs more than a small plan."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

_SEPARATOR = "\x1f"


def head(root: Path) -> str:
    """The commit that is checked out; empty outside of git or before the first commit."""
    try:
        folder = _folder(root)
        reference = (folder / "HEAD").read_text(encoding="utf-8").strip()
        if not reference.startswith("ref: "):
            return reference
        return _resolve(_common(folder), reference.removeprefix("ref: "))
    except OSError:
        return ""


def common_folder(root: Path) -> Path | None:
    """The folder that all worktrees of a clone share; None outside of git."""
    try:
        folder = _common(_folder(root))
    except OSError:
        return None
    return folder if folder.is_dir() else None


def main_checkout(root: Path) -> Path:
    """The clone that a worktree belongs to; anything else is one of its own."""
    try:
        folder = _folder(root)
        common = _common(folder)
    except OSError:
        return root
    return root if common == folder else common.parent


def _folder(root: Path) -> Path:
    """Of this checkout: a worktree and a submodule have a file that leads to it."""
    folder = root / ".git"
    if not folder.is_file():
        return folder
    return (root / folder.read_text(encoding="utf-8").partition("gitdir:")[2].strip()).resolve()


def _common(folder: Path) -> Path:
    shared = folder / "commondir"
    return (folder / shared.read_text(encoding="utf-8").strip()).resolve() if shared.is_file() else folder


def _resolve(base: Path, reference: str) -> str:
    loose = base / reference
    if loose.is_file():
        return loose.read_text(encoding="utf-8").strip()
    packed = base / "packed-refs"
    if packed.is_file():
        for line in packed.read_text(encoding="utf-8").splitlines():
            if line.endswith(f" {reference}"):
                return line.partition(" ")[0]
    return ""


def log(root: Path, paths: list[Path], limit: int) -> list[dict[str, Any]]:
    """Commits that touched the paths, newest first: {commit, time, author, subject}. Empty outside of git."""
    form = _SEPARATOR.join(("%H", "%cI", "%an", "%s"))
    command = ["git", "log", f"-{limit}", f"--format={form}", "--", *map(str, paths)]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return []
    keys = ("commit", "time", "author", "subject")
    return [dict(zip(keys, line.split(_SEPARATOR), strict=True)) for line in done.stdout.splitlines()]
