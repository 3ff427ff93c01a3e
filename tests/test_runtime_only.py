"""What `runner` needs is what pyproject.toml declares for it: nothing that only developers have is ever imported."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT

PROGRAM = """
import importlib, json, sys
missing, words = json.loads(sys.argv[1]), sys.argv[2:]

class NotThere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"{name} is a developer's dependency", name=name)

sys.meta_path.insert(0, NotThere())
if words[0] == "import":
    for name in words[1:]:
        importlib.import_module(name)
else:
    from runner.cli import main
    sys.argv = ["runner", *words]
    sys.exit(main())
"""
COMMANDS = [
    "--help",
    "version",
    "validate",
    "plan",
    "status",
    "templates",
    "offers",
    "quota",
    "doctor",
    "orphans",
    "drift",
]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    """The packages that come with `tools/bootstrap`, as uv.lock has them."""
    locked = {entry["name"]: entry for entry in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    found, left = set(), ["slipway"]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += [one["name"] for one in locked[name].get("dependencies", [])]
    return found


@pytest.fixture(scope="module")
def missing() -> str:
    """Top-level names that a machine without the developer's tools does not have."""
    installed = {plain(one.metadata["Name"]) for one in distributions()}
    only_here = installed - declared()
    names = [name for name, owners in packages_distributions().items() if {plain(o) for o in owners} <= only_here]
    assert {"pytest", "moto", "hypothesis"} <= set(names)
    return json.dumps(sorted(names))


def run(missing: str, *words: str, folder: Path = ROOT) -> str:
    command = [sys.executable, "-c", PROGRAM, missing, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    said = done.stdout + done.stderr
    assert "developer's dependency" not in said, said
    assert "Traceback" not in said, said
    return said


def test_every_module_can_be_imported(missing: str) -> None:
    files = [
        path for path in (ROOT / "runner").rglob("*.py") if not path.is_relative_to(ROOT / "runner/ansible_plugins")
    ]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    names = [
        name.removesuffix(".__init__") for name in names if not name.endswith("__main__") and "aws.machine" not in name
    ]
    assert len(names) > 100
    run(missing, "import", *names)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_run(missing: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    run(missing, command)
