"""Tunnels are announced when they are there, and end with whoever asked for them. A listener stands in for ssh: what
ssh does with `-L` is its own business, and the end-to-end tests show it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner import tunnels
from runner.tunnels import Tunnel

ROOT = Path(__file__).parent.parent
LISTENER = (
    "import socket, sys, time\n"
    "listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
    "time.sleep(float(sys.argv[2]))\n"
)
RUNNER = (
    "import sys\n"
    "from runner import tunnels\n"
    "one = tunnels.Tunnel('a', (sys.executable, '-c', sys.argv[1], sys.argv[2], '60'), {int(sys.argv[2]): 1})\n"
    "with tunnels.opened([one]) as running:\n"
    "    tunnels.wait([one], running, lambda one: print(running['a'].pid, flush=True))\n"
)


def listener(name: str, port: int, seconds: float) -> Tunnel:
    return Tunnel(name, (sys.executable, "-c", LISTENER, str(port), str(seconds)), {port: 80})


def test_command_forwards_each_port_from_the_loopback_only() -> None:
    made = tunnels.tunnel("a", ["ssh", "-p", "2222", "u@h"], {9000: 80, 9001: 81})
    command = " ".join(made.command)
    assert "-L 127.0.0.1:9000:127.0.0.1:80 -L 127.0.0.1:9001:127.0.0.1:81" in command
    assert command.startswith("ssh -N ")
    assert command.endswith("-p 2222 u@h")


@pytest.mark.parametrize(
    ("line", "strict"),
    [("LocalForward 9999 127.0.0.1:9999", "no"), ("RemoteForward 9 127.0.0.1:9", "no"), ("Compression yes", "yes")],
)
def test_forwards_of_a_persons_configuration_do_not_end_ours(tmp_path: Path, line: str, strict: str) -> None:
    """One whose port is taken would, as it ends every ssh that must have all of them."""
    config = tmp_path / "config"
    config.write_text(f"Host *\n  {line}\n")
    made = tunnels.tunnel("a", ["ssh", "-F", str(config), "u@h"], {9000: 80})
    assert f"ExitOnForwardFailure={strict}" in made.command


def test_free_port_skips_what_is_taken_and_what_is_given_already(free_port: Callable[[], int]) -> None:
    first = free_port()
    with socket.create_server(("127.0.0.1", first)):
        found = tunnels.free_port(first)
        assert found > first
        assert tunnels.free_port(first, [found]) > found
    assert tunnels.free_port(70000) == 0


def test_each_tunnel_is_announced_once_when_its_port_is_there(free_port: Callable[[], int]) -> None:
    made = [
        listener("a", free_port(), 1.0),
        Tunnel("b", (sys.executable, "-c", "raise SystemExit(7)"), {free_port(): 1}),
    ]
    told: list[str] = []
    with tunnels.opened(made) as running:
        codes = tunnels.wait(made, running, lambda one: told.append(one.name))
    assert (told, codes) == (["a"], {"a": 0, "b": 7})


def test_nothing_is_left_where_starting_the_second_fails(free_port: Callable[[], int]) -> None:
    made = [listener("a", free_port(), 60.0), Tunnel("b", ("/nonexistent/ssh",), {})]
    with pytest.raises(FileNotFoundError), tunnels.opened(made):
        pass
    assert tunnels.free_port(port := next(iter(made[0].ports))) == port


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_ssh_outlives_the_runner(number: signal.Signals, free_port: Callable[[], int]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNER, LISTENER, str(free_port())],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.send_signal(number)
    process.wait(30)
    deadline = time.monotonic() + 30
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child)
    process.stdout.close()


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
