"""Asks other programs. They may say bytes of any kind: what is no UTF-8 becomes a visible sign, never an error."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Said:
    """How a program ended, and what it said."""

    code: int
    out: str
    err: str


def run(
    words: Sequence[str | Path],
    *,
    stdin: str | None = None,
    timeout_s: float | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Said:
    """Run a program to its end. Raises OSError when there is none, subprocess.TimeoutExpired. Without `stdin` it reads
    nothing.
    """
    done = subprocess.run(
        list(words),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=timeout_s,
        cwd=cwd,
        env=env,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def text(raw: bytes) -> str:
    """What bytes say."""
    return raw.decode("utf-8", "replace")


def lines(said: str) -> list[str]:
    """Lines as programs mean them: `str.splitlines` also breaks at separators that stand inside of a line."""
    return [line.rstrip("\r") for line in said.removesuffix("\n").split("\n")] if said else []
