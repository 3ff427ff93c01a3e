"""Hosts and repositories for the end-to-end tests. Three hosts serve all modules: they begin bare, and the real roles
put Docker on them in the first module that runs.
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
def repository(tmp_path_factory: pytest.TempPathFactory, machines: list[Host]) -> Iterator[World]:
    """A repository with an empty pool, for all tests of a module."""
    ready.pullable("tiny")
    made = world.build(Path(tmp_path_factory.mktemp("my project")))
    yield made
    world.end(made)
