"""Runs a command in this process, thousands of times, and says whether it kept its promises: an answer of reasonable
length, within a second, and never a traceback.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from runner.cli import main
from runner.cli._app import App

CPU_S = 1.0
LINES = 100
HANGS_S = 10.0
"""After this much of its own time a command is given up."""
PROMISED = frozenset({0, 1, 2, 3, 4})


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str
    cpu_s: float
    broke: str = ""
    """The end of its traceback."""

    @property
    def said(self) -> str:
        return self.out + self.err

    def faults(self) -> list[str]:
        """Which promises it broke."""
        found = [f"traceback: {self.broke}"] if self.broke else []
        if "Traceback (most recent call last)" in self.said:
            found.append("a traceback is shown")
        if self.code not in PROMISED and not self.broke:
            found.append(f"exit code {self.code}")
        if self.cpu_s > CPU_S:
            found.append(f"{self.cpu_s:.1f} s of CPU")
        if (lines := self.out.count("\n") + self.err.count("\n")) > LINES and "--json" not in self.words:
            found.append(f"{lines} lines")
        if "--json" in self.words and not self.broke and not _is_json(self.out):
            found.append(f"no JSON: {self.out[:80]!r}")
        return [f"{' '.join(self.words)}: {what}" for what in found]


class Hang(BaseException):
    """A command used up its time."""


def ask(root: Path, *words: str) -> Answer:
    """One command in a repository."""
    App.latest = None
    before = _cpu()
    code, broke = 0, ""
    with _captured() as (out, err), _patience():
        try:
            main(["--root", str(root), *words])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        except Hang:
            broke = f"it hangs: {HANGS_S} s"
        except BaseException as error:  # noqa: BLE001 - exactly that is looked for
            broke = _told(error)
    return Answer(words, code, out.getvalue(), err.getvalue(), _cpu() - before, broke)


def _told(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/runner/" in frame.filename] or list(frames)
    return f"{type(error).__name__} {str(error)[:120]!r} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def _captured() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    before = sys.stdout, sys.stderr, sys.stdin
    out, err = io.StringIO(), io.StringIO()
    sys.stdout, sys.stderr, sys.stdin = out, err, io.StringIO()
    try:
        yield out, err
    finally:
        sys.stdout, sys.stderr, sys.stdin = before


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    def over(number: int, frame: FrameType | None) -> NoReturn:
        raise Hang

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def now() -> float:
    """For a run that must end."""
    return time.monotonic()
