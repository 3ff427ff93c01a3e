"""A signal, or two, at any time in any command: 130, no traceback, nothing left running, and no edit left undone."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.world import HERMETIC, World, processes, until

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MARK = "SLIPWAY_TEST_MARK"
"""What the programs of one command are found by."""


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a host that takes connections and never says a word."""
    kept = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                kept.append(listener.accept()[0])

    with socket.create_server(("0.0.0.0", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    for channel in kept:
        channel.close()


def ended(made: World, words: list[str], numbers: list[int], ready: Callable[[str], bool]) -> str:
    """Start a command, send the signals once it is ready, see that it ends as promised. Returns what it said."""
    mark = f"{MARK}={os.getpid()}-{time.monotonic_ns()}"
    running = made.start(*words, env=dict([mark.split("=")]))
    until(lambda: ready(mark) or running.poll() is not None, 30)
    assert running.poll() is None, running.communicate()
    for number in numbers:
        running.send_signal(number)
        time.sleep(0.05)
    out, err = running.communicate(timeout=20)
    assert running.returncode == 130, (out, err)
    assert "Traceback" not in out + err
    until(lambda: not processes(mark), 10)
    return out + err


def runs(program: str) -> Callable[[str], bool]:
    """Whether such a program runs for a command."""

    def ready(mark: str) -> bool:
        names = [Path(f"/proc/{pid}/cmdline") for pid in processes(mark)]
        with contextlib.suppress(OSError):
            return any(name.read_bytes().split(b"\0")[0].endswith(program.encode()) for name in names)
        return False

    return ready


def remote(made: World, port: int, count: int = 3) -> None:
    """Deployments on hosts that never answer."""
    hosts = "".join(f"      h-{n}: {{address: 127.0.0.{n + 2}, port: {port}, user: nobody}}\n" for n in range(count))
    settings = made.root / "runner.yaml"
    settings.write_text(settings.read_text() + f"  ssh:\n    hosts:\n{hosts}")
    (made.root / "inventory" / "known_hosts").write_text(
        "".join(f"[127.0.0.{n + 2}]:{port} ssh-ed25519 {'A' * 68}\n" for n in range(count))
    )
    for n in range(count):
        made.deployment(
            f"web-{n}", f"template: beacon\nprovider: ssh\nmachine: {{host: h-{n}}}\nports: {{web: {port}}}\n"
        )


@pytest.fixture
def everywhere(fresh: World, silent: int) -> World:
    """As `fresh`, with hosts that take connections at every address of the loopback."""
    remote(fresh, silent)
    return fresh


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("twice", [False, True])
def test_plan_that_looks_at_silent_hosts(everywhere: World, number: int, twice: bool) -> None:
    ended(everywhere, ["plan"], [number] * (1 + twice), runs("ssh"))
    assert everywhere.leftovers() == []


@pytest.mark.parametrize("words", [["trust", "h-0"], ["status"], ["doctor"], ["stop", "web-0"]])
def test_other_commands_that_look_at_silent_hosts(everywhere: World, words: list[str]) -> None:
    before = everywhere.files()
    ended(everywhere, words, [signal.SIGTERM], runs("ssh-keyscan" if words[0] == "trust" else "ssh"))
    assert everywhere.files() == before  # also what `stop` has written
    assert everywhere.leftovers() == []


@pytest.mark.parametrize("number", SIGNALS)
def test_edit_is_taken_back_by_whoever_waits_for_a_lock(fresh: World, port: Callable[[], int], number: int) -> None:
    file = fresh.beacon("web", port())
    fresh.ok("reconcile", "--yes")
    fresh.ok("lock", "web", "--reason", "mine")
    before = file.read_text()
    said = ended(fresh, ["stop", "web", "--wait", "5m"], [number, number], lambda _: "stopped" in file.read_text())
    assert file.read_text() == before
    assert "is as it was before" in said
    fresh.ok("unlock", "web", "--reason", "done")
    assert fresh.actions("web") == {"web": "none"}


@pytest.mark.parametrize("numbers", [[signal.SIGHUP], [signal.SIGINT] * 3])
def test_apply_ends_and_goes_on_with_the_next(fresh: World, port: Callable[[], int], numbers: list[int]) -> None:
    fresh.beacon("web", port(), "env: {BEACON_SLEEPS: 5}\n")
    said = ended(fresh, ["reconcile", "--yes"], numbers, lambda _: bool(fresh.home.exists() and fresh.services()))
    assert "interrupted" in said
    assert [path for path in fresh.leftovers() if "process" in path or ".tmp" in path] == []
    fresh.ok("reconcile", "--yes")
    assert fresh.actions("web") == {"web": "none"}


def reads_a_log(mark: str) -> bool:
    """Whether a command has the log of a service open."""
    for pid in processes(mark):
        with contextlib.suppress(OSError):
            if any(str(file.readlink()).endswith("service.log") for file in Path(f"/proc/{pid}/fd").iterdir()):
                return True
    return False


def test_following_a_log(fresh: World, port: Callable[[], int]) -> None:
    fresh.beacon("web", port())
    fresh.ok("reconcile", "--yes")
    ended(fresh, ["logs", "web", "-f"], [signal.SIGTERM], reads_a_log)


def test_wizard_leaves_the_terminal_and_no_file(fresh: World) -> None:
    before = fresh.files()
    master, slave = pty.openpty()
    words = [sys.executable, "-m", "runner", "new"]
    env = {**os.environ, **HERMETIC}
    running = subprocess.Popen(words, cwd=fresh.root, env=env, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    said = b""
    deadline = time.monotonic() + 30
    while b":" not in said and time.monotonic() < deadline:
        if select.select([master], [], [], 0.5)[0]:
            said += os.read(master, 4096)
    running.send_signal(signal.SIGTERM)
    with contextlib.suppress(OSError):  # what is read from a terminal that nobody has any more
        while piece := os.read(master, 65536):  # a terminal that is not read takes no more, and whoever writes waits
            said += piece
    assert running.wait(30) == 130
    os.close(master)
    assert b"Traceback" not in said
    assert fresh.files() == before


WHILE_IMPORTING = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), getattr(signal, sys.argv[2]))

sys.meta_path.insert(0, Finder())
import runner.__main__
runner.__main__.main(["plan"])
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("module", ["runner.cli", "runner.cli._app", "runner.workflow"])
def test_no_moment_is_too_early(fresh: World, module: str, number: str) -> None:
    words = [sys.executable, "-c", WHILE_IMPORTING, module, number]
    done = subprocess.run(words, cwd=fresh.root, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (130, False), done.stderr
