"""What git says of the repository. Reading files where that is enough: starting git costs more than a small plan."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

_SEPARATOR = "\x1f"


def head(root: Path) -> str:
    """The commit that is checked out; empty outside of git or before the first commit."""
    folder = root / ".git"
    try:
        if folder.is_file():  # a worktree
            folder = root / folder.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
        reference = (folder / "HEAD").read_text(encoding="utf-8").strip()
        if not reference.startswith("ref: "):
            return reference
        return _resolve(folder, reference.removeprefix("ref: "))
    except OSError:
        return ""


def _resolve(folder: Path, reference: str) -> str:
    common = folder / "commondir"
    base = folder / common.read_text(encoding="utf-8").strip() if common.is_file() else folder
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
