"""What becomes of an engine that others use too is said before, with the role's own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner import engine_notices, role_variables
from runner.repo import Repo
from tests.roles.seen import ENGINE as SEEN
from tests.roles.seen import SETTINGS
from tests.roles.test_decisions import Case, evaluate

ROOT = Path(__file__).parent.parent
ROLE = role_variables.docker(Repo(ROOT))
ENGINE: dict[str, Any] = {
    "answers": True,
    "engine": "Engine",
    "version": "28.2.2",
    "api": "1.50",
    "cdi": True,
    "settings": {"log-driver": "local", "debug": True},
    "settings_error": "",
    "swarm": False,
    "installed": "/usr/bin/dockerd",
    "runtimes": ["runc"],
    "foreign": ["db", "grafana", "proxy", "queue", "web"],
    "systemd": True,
}


def told(*, adopt: bool = False, gpu: bool = False, role: dict[str, Any] | None = None, **engine: Any) -> list[str]:
    found = engine_notices.notices("host gpu-1", {**ENGINE, **engine}, ROLE | (role or {}), adopt=adopt, gpu=gpu)
    assert all(one.startswith("host gpu-1: ") for one in found)
    return found


@pytest.mark.parametrize("adopt", [True, False])
def test_keys_are_told_with_before_and_after(adopt: bool) -> None:
    [notice] = told(adopt=adopt)
    assert "db, grafana, proxy and 2 more" in notice
    assert 'log-driver "local" → "json-file"' in notice
    assert "live-restore unset → true" in notice
    assert "debug" not in notice
    assert ("stay as they are" in notice) == (not adopt)
    assert ("restarts once, running containers go on" in notice) == adopt
    assert ("adopt_engine: true" in notice) == (not adopt)


def test_what_is_as_wanted_or_not_ours_to_set_says_nothing() -> None:
    assert told(settings=SETTINGS) == []
    assert told(installed="") == []
    assert told(systemd=False) == []
    assert told(answers=False) == []
    assert told(role={"docker_configure": False}) == []
    assert told(settings={}, settings_error="no JSON") == []
    assert engine_notices.notices("host a", {}, ROLE, adopt=True, gpu=True) == []


def test_reload_is_not_called_a_restart() -> None:
    [notice] = told(adopt=True, settings={**SETTINGS, "live-restore": False})
    assert "live-restore false → true; without a restart" in notice


def test_guard_and_runtime_are_told() -> None:
    assert "rules keep neighbours" in told(settings=SETTINGS, version="20.10.24+dfsg1")[0]
    assert told(settings=SETTINGS, version="20.10.24", role={"docker_guard": False}) == []
    assert "gets NVIDIA's runtime" in told(settings=SETTINGS, gpu=True)[0]
    with_runtime: dict[str, Any] = {"settings": SETTINGS, "runtimes": ["nvidia", "runc"]}
    assert told(gpu=True, **with_runtime) == []
    assert told(gpu=True, cdi=False, api="1.41", **with_runtime) == []
    assert "by CDI" in told(gpu=True, cdi=False, **with_runtime)[0]


@pytest.mark.parametrize(
    "role",
    [
        {},
        {"docker_log_driver": "", "docker_address_pools": [], "docker_registry_mirrors": ["https://m"]},
        {"docker_options": {"debug": True, "log-opts": {"max-size": "1m"}}, "docker_insecure_registries": ["r:5000"]},
    ],
)
@pytest.mark.parametrize("swarm", [True, False])
def test_settings_are_those_of_the_role(role: dict[str, Any], swarm: bool) -> None:
    case = Case("", "docker", {"docker": {**SEEN, "swarm": swarm}}, [], role)
    assert engine_notices.settings({"swarm": swarm}, ROLE | role) == evaluate(case, "__docker_settings")


def test_variables_that_the_inventory_says_plainly_count(tmp_path: Path) -> None:
    (tmp_path / "roles").symlink_to(ROOT / "roles")
    folder = tmp_path / "inventory" / "group_vars" / "all"
    folder.mkdir(parents=True)
    (folder / "docker.yaml").write_text("docker_configure: false\ndocker_log_driver: '{{ x }}'\nother: 1\n")
    (folder / "vault.yaml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    found = role_variables.docker(Repo(tmp_path))
    assert (found["docker_configure"], found["docker_log_driver"]) == (False, "json-file")
    assert "other" not in found
