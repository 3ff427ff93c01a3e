"""`ansible-doc` explains everything of ours that a playbook can name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.ansible_plugins.filter.slipway import FilterModule
from tests.ansible_plugins.module_run import PLUGINS
from tests.conftest import ROOT

OF_ANSIBLE = {"normal"}
"""Names of Ansible's own that ours take the place of."""


def stems(folder: str) -> set[str]:
    return {path.stem for path in (PLUGINS / folder).glob("*.py")} - OF_ANSIBLE


KINDS = {
    "module": stems("modules") | stems("action"),
    "inventory": stems("inventory"),
    "filter": set(FilterModule().filters()),
    "role": {path.name for path in (ROOT / "roles").iterdir() if path.is_dir()},
}


def explained(kind: str, names: set[str]) -> dict[str, Any]:
    program = str(Path(sys.executable).with_name("ansible-doc"))
    command = [program, "--json", "-t", kind, *sorted(names)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(("kind", "names"), KINDS.items(), ids=list(KINDS))
def test_everything_is_explained(kind: str, names: set[str]) -> None:
    found = explained(kind, names)
    assert found.keys() >= names, "ansible-doc leaves out what it cannot read"
    texts = [shown for name in names for shown in ([found[name]] if kind != "role" else [found[name]["entry_points"]])]
    assert all(texts)


def test_actions_are_explained_with_the_options_that_they_take() -> None:
    from ansible.plugins.loader import action_loader, init_plugin_loader
    from ansible.utils.collection_loader import AnsibleCollectionConfig

    if not AnsibleCollectionConfig.collection_finder:
        init_plugin_loader()
    action_loader.add_directory(str(PLUGINS / "action"))
    documented = explained("module", stems("action"))
    for name in stems("action"):
        taken = action_loader.get(name, class_only=True)._VALID_ARGS
        assert set(documented[name]["doc"].get("options") or ()) == set(taken), name
