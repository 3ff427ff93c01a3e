"""Hosts and repositories for the end-to-end tests. Three hosts begin bare, and the real roles put Docker on them in the
first module that runs. Three more have Docker already; whoever breaks them repairs them.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e import world
from tests.e2e.world import World
from tests.lab import hosts, ready
from tests.lab.host import cache
from tests.lab.machine import Host

NAMES = ("e2e-1", "e2e-2", "e2e-3")
RENTED = ("trouble-1", "trouble-2", "trouble-3")


@pytest.fixture(scope="session")
def bare() -> Iterator[list[Host]]:
    """Three hosts with nothing but sshd, Python and sudo. One session of these tests at a time."""
    with (cache() / "e2e.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ready.hosts(*NAMES)
        with ThreadPoolExecutor() as pool:
            yield list(pool.map(lambda name: hosts.reset(name, "host"), NAMES))


@pytest.fixture(scope="module")
def machines(bare: list[Host]) -> list[Host]:
    """The hosts as the module before has left them, running, with their present keys."""
    return hosts.ensure([host.name for host in bare])


@pytest.fixture(scope="module")
def rented(request: pytest.FixtureRequest) -> Iterator[list[Host]]:
    """Three hosts with Docker, for one module at a time. New ones, when the last user did not leave them in order."""
    in_use = cache() / "e2e-rented.in-use"
    with (cache() / "e2e-rented.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ready.pullable("tiny")
        if in_use.exists():
            hosts.remove(*RENTED)
        in_use.touch()
        failed = request.session.testsfailed
        yield ready.hosts(*RENTED, flavour="host-docker")
        if request.session.testsfailed == failed:
            hosts.ensure(RENTED, "host-docker")
            in_use.unlink()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, rented: list[Host]) -> Iterator[World]:
    """A repository with an empty pool, for the tests of a module that uses the hosts with Docker."""
    made = world.build(Path(tmp_path_factory.mktemp("my project")))
    yield made
    world.end(made, hosts.ensure(RENTED, "host-docker"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, machines: list[Host]) -> Iterator[World]:
    """A repository with an empty pool, for all tests of a module."""
    ready.pullable("tiny")
    made = world.build(Path(tmp_path_factory.mktemp("my project")))
    yield made
    world.end(made, machines)
