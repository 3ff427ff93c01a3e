"""Without the command line: `ansible-playbook playbooks/site.yml` does the same, and a second time changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from subprocess import CompletedProcess
from typing import Any

import pytest

from runner import records
from runner.repo import Repo
from tests.integration.world import World, ask, refuses

NAMES = ("one", "two")
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=0 ", re.MULTILINE)


@pytest.fixture(scope="module")
def ports(shared: World, port: Callable[[], int]) -> dict[str, int]:
    ports = {name: port() for name in NAMES}
    for name, number in ports.items():
        shared.beacon(name, number, "owner: someone\nlabels: {project: x}\n")
    return ports


def changed(done: CompletedProcess[str]) -> dict[str, int]:
    """Host → number of changes."""
    assert done.returncode == 0, done.stdout + done.stderr
    found = {name: int(number) for name, number in RECAP.findall(done.stdout)}
    assert found.keys() == {*NAMES, "localhost"}
    return found


def everything(world: World) -> dict[str, Any]:
    """All files but secrets, and what the services were started with but their secrets. Of records, whose secrets."""
    told = {name: text for name, text in world.files().items() if "secrets" not in name}
    found: dict[str, Any] = {name: text for name, text in told.items() if not name.endswith("/access.yaml")}
    for name in NAMES:
        record = records.read(Repo(world.root), name)
        found[f"{name} record"] = record and replace(record, secrets=dict.fromkeys(record.secrets, "some value"))
    found["files"] = sorted(world.files())
    found["services"] = world.service_files()
    for name in NAMES:
        folder = world.home / "services" / name
        launch = json.loads((folder / "launch.json").read_text())
        assert launch["env"].pop("TOKEN")
        found[f"{name} launch"] = launch
        found[f"{name} mark"] = (folder / "mark.json").read_text()
        found[f"{name} program"] = (world.home / "programs" / f"{name}.conf").read_text()
    return found


def test_check_mode_before_the_first_apply(fresh: World, port: Callable[[], int]) -> None:
    for name in NAMES:
        fresh.beacon(name, port())
    before = fresh.files()
    said = changed(fresh.ansible("--check", "--diff"))
    assert all(said[name] > 0 for name in NAMES)
    assert fresh.files() == before
    assert not fresh.home.exists()


@pytest.fixture(scope="module")
def applied(shared: World, ports: dict[str, int]) -> World:
    """By Ansible alone."""
    said = changed(shared.ansible())
    assert all(said[name] > 0 for name in NAMES)
    return shared


def test_after_an_apply_nothing_is_left_to_do(applied: World) -> None:
    assert set(applied.actions(code=0).values()) == {"none"}
    before = everything(applied)
    assert set(changed(applied.ansible()).values()) == {0}
    assert everything(applied) == before


def test_check_mode_after_an_apply_names_the_edited_one_only(applied: World, ports: dict[str, int]) -> None:
    file = applied.root / "deployments" / "one.yaml"
    text, before, answers = file.read_text(), everything(applied), ask(ports["one"])
    file.write_text(text + "params: {word: bye}\n")
    said = changed(applied.ansible("--check", "--diff"))
    file.write_text(text)
    assert said["one"] > 0
    assert (said["two"], said["localhost"]) == (0, 0)
    assert everything(applied) == before
    assert ask(ports["one"]) == answers


def test_command_line_writes_the_same_files(applied: World, ports: dict[str, int]) -> None:
    by_ansible = everything(applied)
    for name in NAMES:
        applied.deployment(name, (applied.root / "deployments" / f"{name}.yaml").read_text() + "state: absent\n")
    applied.ok("reconcile", "--yes", "--allow-destroy", "2")
    assert all(refuses(number) for number in ports.values())
    for name in NAMES:
        file = applied.root / "deployments" / f"{name}.yaml"
        file.write_text(file.read_text().replace("state: absent\n", ""))
    applied.ok("reconcile", "--yes")
    assert everything(applied) == by_ansible
