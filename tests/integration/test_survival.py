"""Services outlive the command, come back when they die, and are repaired when they do not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from runner.ansible_plugins.module_utils.supervisor_api import Supervisor
from tests.integration.world import HERMETIC, World, ask, processes, until

NAMES = ("killed", "crashing", "halted", "broken")


@pytest.fixture(scope="module")
def ports(port: Callable[[], int]) -> dict[str, int]:
    return {name: port() for name in NAMES}


@pytest.fixture(scope="module")
def made(shared: World, ports: dict[str, int]) -> World:
    """Brought up in a session of its own, all of which is killed afterwards, as when a terminal is closed."""
    for name, number in ports.items():
        shared.beacon(name, number)
    command = f"{sys.executable} -m runner reconcile --yes; exec sleep 60"
    shell = subprocess.Popen(
        ["sh", "-c", command],
        cwd=shared.root,
        env={**os.environ, **HERMETIC},
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: processes("sleep\x0060") and all(ask(number) for number in ports.values()), 60)
    until(lambda: all(mark["digest"] for mark in marks(shared)))
    os.killpg(shell.pid, signal.SIGHUP)
    os.killpg(shell.pid, signal.SIGKILL)
    shell.wait()
    return shared


def marks(world: World) -> list[dict[str, str]]:
    return [json.loads(path.read_text()) for path in world.home.glob("services/*/mark.json")]


def test_services_outlive_the_session_that_started_them(made: World, ports: dict[str, int]) -> None:
    assert all(ask(number) for number in ports.values())
    assert made.actions(code=0) == dict.fromkeys(NAMES, "none")
    pid = int((made.home / "supervisord.pid").read_text())
    assert os.getsid(pid) != os.getsid(0)


def took(thief: socket.socket, number: int) -> bool:
    """Take a port. Raises OSError."""
    thief.bind(("127.0.0.1", number))
    return True


def test_killed_process_is_started_again(made: World, ports: dict[str, int]) -> None:
    before = ask(ports["killed"])["pid"]
    os.kill(before, signal.SIGKILL)
    after = until(lambda: ask(ports["killed"]))
    assert after["pid"] != before
    assert made.actions("killed", code=0) == {"killed": "none"}
    assert made.status("killed")["health"] == "healthy"


def test_what_does_not_come_back_is_shown_and_repaired(made: World, ports: dict[str, int]) -> None:
    os.kill(ask(ports["crashing"])["pid"], signal.SIGKILL)
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        until(lambda: took(thief, ports["crashing"]))
        thief.listen()
        Supervisor(str(made.home)).stop("halted")
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"http://127.0.0.1:{ports['broken']}/break", timeout=5)
        until(lambda: made.services()["crashing"]["statename"] == "BACKOFF")
        rows = {row["name"]: row for row in made.json("status")["deployments"]}
    assert {name: (row["sync"], row["health"]) for name, row in rows.items()} == {
        "killed": ("in-sync", "healthy"),
        "crashing": ("unknown", "degraded"),  # blocked: somebody else has its port
        "halted": ("drifted", "stopped"),
        "broken": ("drifted", "degraded"),
    }
    assert "GET / answered 500 instead of 200" in rows["broken"]["health_reason"]
    assert made.run("drift").returncode == 2
    made.ok("reconcile", "--yes")
    assert all(ask(number) for number in ports.values())
    assert made.actions(code=0) == dict.fromkeys(NAMES, "none")


def test_services_of_a_killed_daemon_are_started_again(made: World, ports: dict[str, int]) -> None:
    os.kill(int((made.home / "supervisord.pid").read_text()), signal.SIGKILL)
    until(lambda: not made.services())
    assert {row["health"] for row in made.json("status")["deployments"]} == {"stopped"}
    assert made.actions(code=2) == dict.fromkeys(NAMES, "start")
    made.ok("reconcile", "--yes")
    assert made.actions(code=0) == dict.fromkeys(NAMES, "none")
    assert len(processes(f"{made.home}/launch.py")) <= len(NAMES)
    assert all(len(processes(f"{made.home}/services/{name}/")) == 1 for name in NAMES)
