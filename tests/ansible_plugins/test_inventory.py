"""What the inventory plugin loads before Ansible forks a process for each task."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.plugins.loader import action_loader, init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

from runner.ansible_plugins.inventory.deployments import WANTED_BY_TASKS
from tests.ansible_plugins.module_run import PLUGINS


@pytest.fixture(scope="module", autouse=True)
def plugins() -> None:
    """Ansible's own ones can be found once its loader knows collections."""
    if not AnsibleCollectionConfig.collection_finder:
        init_plugin_loader()
    action_loader.add_directory(str(PLUGINS / "action"))


@pytest.mark.parametrize(("loader", "name"), WANTED_BY_TASKS, ids=[name for _, name in WANTED_BY_TASKS])
def test_what_is_loaded_early_exists(loader: Any, name: str) -> None:
    assert loader.get(name, class_only=True) is not None
