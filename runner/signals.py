"""SIGINT, SIGTERM and SIGHUP: whichever comes, and whenever, a command ends with 130 and leaves nothing running.

A handler replaces the one around it for the time of a block: `interrupt` for whole commands, a gentler one while an
apply is at work, `ignored` for the few lines that put something back.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

EXIT = 130
GRACE_S = 10.0
"""What an interrupted command may take to end. Threads that wait for the network cannot be told to."""
FLUSH_S = 1.0
"""A terminal that was stopped takes nothing, and must not keep us."""
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def caught(handler: Callable[[], None]) -> Iterator[None]:
    """Call the handler for each signal. What the caller wants ignored (`nohup`) stays ignored.

    Outside of the main thread nothing can be caught, and nothing is.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, lambda _number, _frame: handler())
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """For what must be done to its end, and takes no time."""
    with caught(lambda: None):
        yield


def interrupt() -> None:
    """End what the command is doing, with the programs that it runs. Raises KeyboardInterrupt, each time."""
    from runner import programs

    if programs.end_all():
        limit = threading.Timer(GRACE_S, leave)
        limit.daemon = True
        limit.start()
    raise KeyboardInterrupt


def leave() -> None:
    """End this process at once, without the threads that still wait for something and without a word about them."""
    last = threading.Thread(target=_flush, daemon=True)
    last.start()
    last.join(FLUSH_S)
    os._exit(EXIT)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # closed, or nobody reads any more
            stream.flush()
