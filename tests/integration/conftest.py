"""Repositories for integration tests: real Ansible, real supervisord, real HTTP; no Docker and no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import ports
from tests.integration import world
from tests.integration.world import World


@pytest.fixture(scope="session")
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def other_wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same under another path, which makes it another package."""
    return world.wheel(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="session")
def port() -> Callable[[], int]:
    """Ports that nobody uses, never the same twice."""
    return ports.free


@pytest.fixture
def fresh(tmp_path: Path, wheel_file: Path) -> Iterator[World]:
    """A repository for one test."""
    made = world.build(tmp_path, wheel_file)
    yield made
    world.end(made)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, wheel_file: Path) -> Iterator[World]:
    """A repository for all tests of a module."""
    made = world.build(tmp_path_factory.mktemp("shared"), wheel_file)
    yield made
    world.end(made)
