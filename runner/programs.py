"""Asks other programs. They may say bytes of any kind: what is no UTF-8 becomes a visible sign, never an error."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_running: set[subprocess.Popen[str]] = set()
_ended = threading.Event()


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
    if _ended.is_set():
        raise KeyboardInterrupt
    with subprocess.Popen(
        list(words),
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        cwd=cwd,
        env=env,
    ) as process:
        _running.add(process)
        try:
            out, err = process.communicate(stdin, timeout_s)
        except BaseException:
            process.kill()
            raise
        finally:
            _running.discard(process)
    return Said(process.returncode, out, err)


def end_all() -> bool:
    """End every program that is being asked now, in whichever thread, and let none begin. Whether this is the first
    time.
    """
    first = not _ended.is_set()
    _ended.set()
    for process in list(_running):
        with contextlib.suppress(OSError):
            process.terminate()
    return first


def text(raw: bytes) -> str:
    """What bytes say."""
    return raw.decode("utf-8", "replace")


def lines(said: str) -> list[str]:
    """Lines as programs mean them: `str.splitlines` also breaks at separators that stand inside of a line."""
    return [line.rstrip("\r") for line in said.removesuffix("\n").split("\n")] if said else []
