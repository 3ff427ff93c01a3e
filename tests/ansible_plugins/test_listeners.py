"""Who has a port: asked of the real kernel."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.ansible_plugins.module_utils import listeners
from tests import ports

LOOPBACK = "127.0.0.1"
PROGRAM = (
    "import socket, time; s = socket.create_server(('{address}', {port})); print('up', flush=True); time.sleep(60)"
)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another program that listens at a port."""
    port = ports.free()
    command = [sys.executable, "-c", PROGRAM.format(address=LOOPBACK, port=port)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "up\n"
        program.port = port  # type: ignore[attr-defined]
        yield program
        program.kill()


def test_program_and_process_are_named_with_a_port_that_is_free(held: subprocess.Popen[str]) -> None:
    port = held.port  # type: ignore[attr-defined]
    [found] = listeners.taken([(port, LOOPBACK)])
    name = Path(f"/proc/{held.pid}/comm").read_text().strip()
    assert (found["port"], found["pid"], found["program"]) == (port, held.pid, name)
    assert found["free"] > port
    assert listeners.taken([(found["free"], LOOPBACK)]) == []


def test_what_runs_from_a_folder_of_ours_is_not_somebody_else(held: subprocess.Popen[str], tmp_path: Path) -> None:
    port = held.port  # type: ignore[attr-defined]
    assert listeners.taken([(port, LOOPBACK)], (str(tmp_path),)) == []
    assert listeners.taken([(port, LOOPBACK)], (str(tmp_path / "other"),))


@pytest.mark.parametrize(
    ("address", "asked", "clashes"),
    [
        (LOOPBACK, LOOPBACK, True),
        ("0.0.0.0", LOOPBACK, True),
        ("127.0.0.2", LOOPBACK, False),
        (LOOPBACK, listeners.ANY, True),
    ],
)
def test_only_what_the_kernel_refuses_is_taken(address: str, asked: str, clashes: bool) -> None:
    port = ports.free()
    with socket.create_server((address, port)):
        assert [one["pid"] for one in listeners.taken([(port, asked)])] == ([os.getpid()] if clashes else [])


def test_connection_that_only_left_its_port_behind_takes_none() -> None:
    server = socket.create_server((LOOPBACK, port := ports.free()))
    with socket.create_connection((LOOPBACK, port)):
        server.accept()[0].close()
    server.close()
    assert listeners.taken([(port, LOOPBACK)]) == []
