"""Processes of this machine: is a holder alive, and what did a dead run leave behind. Effects, no decisions."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

RUN_ENV = "SLIPWAY_RUN_ID"
"""Every process of a run carries it in its environment; services do not."""
GRACE_S = 3.0
_DIES_WITH_PARENT = 1
"""PR_SET_PDEATHSIG; see prctl(2)."""
_START_TIME_FIELD = 19
"""Index of starttime after the command name in /proc/PID/stat; see proc(5)."""


def identity(pid: int | None = None) -> dict[str, str | int]:
    """Tells one process from a later one with the same number: host, pid and start time."""
    number = pid if pid is not None else os.getpid()
    return {"host": socket.gethostname(), "pid": number, "started": _start_time(number)}


def alive(holder: dict[str, str | int]) -> bool | None:
    """Is that process still running? None when it is on another host and cannot be told."""
    if holder.get("host") != socket.gethostname():
        return None
    pid = int(holder.get("pid", 0))
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, and perhaps a later one with the same number
    return _start_time(pid) == holder.get("started")


def end_leftovers(run: str) -> int:
    """End every process of a run whose runner is dead, and wait until they are gone. Returns how many there were."""
    found = _of_run(run)
    for number in (signal.SIGTERM, signal.SIGKILL):
        remaining = _of_run(run)
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        deadline = time.monotonic() + GRACE_S
        while remaining and time.monotonic() < deadline:
            time.sleep(0.05)
            remaining = _of_run(run)
    return len(found)


def kill(run: str) -> None:
    """End every process of a run at once, and wait for none."""
    for pid in _of_run(run):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def with_parent() -> Callable[[], None] | None:
    """As `preexec_fn` of a child that must not outlive this process, not even after `kill -9`. Only Linux has it."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes  # slow to import

    prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before the fork
    return lambda: prctl(_DIES_WITH_PARENT, signal.SIGTERM)


def _of_run(run: str) -> list[int]:
    """Only where /proc exists; elsewhere Ansible ends by itself when its runner's pipe breaks."""
    wanted = f"{RUN_ENV}={run}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if pid == os.getpid():
            continue
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0"):
            found.append(pid)
    return found


def _start_time(pid: int) -> str:
    """Empty where /proc does not exist: then the number alone has to do."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[_START_TIME_FIELD]
