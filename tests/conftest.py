"""Fixtures for all tests. No test touches this checkout, the home folder, or any network but loopback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests import ports

if TYPE_CHECKING:
    from tests.lab.cloud import Cloud

hypothesis.settings.register_profile("slipway", deadline=None)  # no test depends on how fast the machine is
hypothesis.settings.load_profile("slipway")

# A shell starts what it puts in the background with Ctrl-C ignored, and all that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent
SHARED = ("ansible.cfg", "playbooks", "roles", "runner", "tools")
"""What a test's repository has in common with this one."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, what may run side by side."""
    from tests.side_by_side import Scheduling

    return Scheduling(config, log)


@dataclass(frozen=True)
class RepoBuilder:
    """A Slipway repository in a temporary folder, with services in a folder of its own."""

    root: Path
    home: Path

    def deployment(self, name: str, text: str) -> Path:
        """Write a deployment file."""
        path = self.root / "deployments" / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def template(self, name: str, text: str) -> Path:
        """Write a template file."""
        path = self.root / "templates" / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def settings(self, text: str) -> None:
        """Write runner.yaml."""
        (self.root / "runner.yaml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """The command line in a process of its own, as a person would use it."""
        command = [sys.executable, "-m", "runner", *arguments]
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **(env or {})}
        return subprocess.run(
            command,
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture(autouse=True)
def _apart_from_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services, caches and settings of whoever runs the tests are not ours."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in ("CI", "SLIPWAY_VAULT_PASSWORD", "SLIPWAY_PLAN", "NO_COLOR", "FORCE_COLOR", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[RepoBuilder]:
    """An empty repository with the real templates, roles and playbooks; what still runs at the end is stopped."""
    root = tmp_path / "repo"
    for folder in ("deployments", "inventory"):
        (root / folder).mkdir(parents=True)
    for name in SHARED:
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "templates", root / "templates")
    shutil.copytree(ROOT / "inventory" / "group_vars", root / "inventory" / "group_vars")
    shutil.copy(ROOT / "inventory" / "deployments.yaml", root / "inventory")
    home = tmp_path / "services"
    (root / "runner.yaml").write_text(f"id: test\nproviders:\n  local: {{home: {home}}}\n", encoding="utf-8")
    yield RepoBuilder(root, home)
    _stop_services(home)


def _stop_services(home: Path) -> None:
    from runner.ansible_plugins.module_utils.supervisor_api import Supervisor

    if home.exists():
        Supervisor(str(home)).shutdown()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port of this machine that nobody uses, never the same twice."""
    return ports.free


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """The API of a cloud, without machines behind it: see tests/lab/cloud."""
    from tests.lab.cloud import Cloud  # brings moto, which most tests do without

    with Cloud() as running:
        yield running
