"""A person at a terminal: a real one, with a pseudo-terminal on both sides."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path

LIMIT_S = 60.0


def talk(folder: Path, words: Sequence[str], answers: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Exit code, and all that was shown. Each answer is typed once its question (a pattern) stands at the end."""
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover - the child becomes the command
        os.chdir(folder)
        os.environ.update({"NO_COLOR": "1", "COLUMNS": "100", "TERM": "xterm"})
        os.execv(sys.executable, [sys.executable, "-m", "runner", *words])
    try:
        shown = ""
        for question, answer in answers:
            shown += _until(terminal, question)
            os.write(terminal, (answer + "\n").encode())
        shown += _until(terminal, "")
    finally:
        os.close(terminal)
        _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), shown.replace("\r\n", "\n")


def _until(terminal: int, question: str) -> str:
    """What is shown until the question, or until the end where there is none."""
    shown, deadline = b"", time.monotonic() + LIMIT_S
    while not (question and re.search(question + r"\s*\Z", shown.decode(errors="replace"))):
        ready, _, _ = select.select([terminal], [], [], 1.0)
        try:
            piece = os.read(terminal, 65536) if ready else b""
        except OSError:  # the other side is closed
            piece, ready = b"", [terminal]
        if ready and not piece:
            assert not question, f"it ended before it asked {question!r}:\n{shown.decode(errors='replace')}"
            break
        shown += piece
        assert time.monotonic() < deadline, f"it never asked {question!r}:\n{shown.decode(errors='replace')}"
    return shown.decode(errors="replace")
