"""What tests of roles have in common."""

from __future__ import annotations

import sys

import pytest
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder


@pytest.fixture(scope="module", autouse=True)
def _ansible_finds_its_own_plugins() -> None:
    if not isinstance(sys.meta_path[0], _AnsibleCollectionFinder):
        init_plugin_loader()
