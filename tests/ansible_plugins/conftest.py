"""What tests of Ansible plugins share."""

from __future__ import annotations

import pytest
from ansible.plugins.loader import action_loader, init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig

from tests.ansible_plugins.module_run import PLUGINS


@pytest.fixture(scope="session")
def plugins() -> None:
    """Ansible finds its own plugins, once its loader knows collections, and our actions."""
    if not AnsibleCollectionConfig.collection_finder:
        init_plugin_loader()
    action_loader.add_directory(str(PLUGINS / "action"))
