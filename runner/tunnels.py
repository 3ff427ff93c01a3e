"""Ports of services on other machines, forwarded to this one by ssh for as long as somebody wants them.

Knows ports and processes, knows nothing of deployments. No ssh outlives the runner: not after SIGTERM, and on Linux
not after `kill -9` either.
"""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runner import programs, signals
from runner.processes import with_parent

GRACE_S = 3.0
_LOOK_EVERY_S = 0.1
_OPTIONS = ("-N", "-o", "ControlMaster=no", "-o", "ControlPath=none")
_FORWARDS = re.compile(r"^(?:local|remote|dynamic)forward ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One ssh. `ports`: port here → port there."""

    name: str
    command: tuple[str, ...]
    ports: Mapping[int, int]


def tunnel(name: str, shell: Sequence[str], ports: Mapping[int, int]) -> Tunnel:
    """By the command that opens a shell there."""
    strict = f"ExitOnForwardFailure={'no' if _forwards_more(shell) else 'yes'}"
    forwards = [word for here, there in ports.items() for word in ("-L", f"127.0.0.1:{here}:127.0.0.1:{there}")]
    return Tunnel(name, (shell[0], *_OPTIONS, "-o", strict, *forwards, *shell[1:]), ports)


def _forwards_more(shell: Sequence[str]) -> bool:
    """Whether a person's ssh configuration forwards ports of its own to this host: where one of those is taken, ours
    must go on. Connects to nothing.
    """
    try:
        done = programs.run([shell[0], "-G", *shell[1:]])
    except OSError:
        return False  # whoever starts it says so
    return bool(_FORWARDS.search(done.out))


def free_port(wanted: int, taken: Iterable[int] = ()) -> int:
    """That port of the loopback, or the next one above it that nobody has; 0 where there is none."""
    given = {*taken}
    return next((port for port in range(wanted, 65536) if port not in given and _is_free(port)), 0)


@contextlib.contextmanager
def opened(tunnels: Sequence[Tunnel]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Name → its ssh. All of them have ended when this is left, whatever the reason."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        with signals.caught(_interrupt):
            for one in tunnels:
                running[one.name] = subprocess.Popen(one.command, preexec_fn=with_parent())  # noqa: PLW1509 - no threads
            yield running
    finally:
        _end(running.values())


def wait(
    tunnels: Sequence[Tunnel], running: Mapping[str, subprocess.Popen[bytes]], there: Callable[[Tunnel], None]
) -> dict[str, int]:
    """Calls `there` for each tunnel once its ports are taken; returns name → exit code when all have ended."""
    waiting, codes = {one.name: one for one in tunnels}, {name: process.poll() for name, process in running.items()}
    while None in codes.values():
        for name, one in list(waiting.items()):
            if codes[name] is None and all(_listens(port) for port in one.ports):
                there(waiting.pop(name))
        time.sleep(_LOOK_EVERY_S)
        codes = {name: process.poll() for name, process in running.items()}
    return {name: code for name, code in codes.items() if code is not None}


def _listens(port: int) -> bool:
    """Whether somebody has that port. Asked by taking it: connecting would open a channel to the service each time."""
    return not _is_free(port)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as sshd's listener does: no TIME_WAIT in the way
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def _interrupt() -> None:
    raise KeyboardInterrupt


def _end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    left = [process for process in processes if process.poll() is None]
    for process in left:
        process.terminate()
    deadline = time.monotonic() + GRACE_S
    for process in left:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
