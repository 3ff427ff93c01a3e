"""What the inventory plugin loads before Ansible forks a process for each task."""

from __future__ import annotations

from typing import Any

import pytest

from runner.ansible_plugins.inventory.deployments import WANTED_BY_TASKS


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize(("loader", "name"), WANTED_BY_TASKS, ids=[name for _, name in WANTED_BY_TASKS])
def test_what_is_loaded_early_exists(loader: Any, name: str) -> None:
    assert loader.get(name, class_only=True) is not None
