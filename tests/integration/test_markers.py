"""Ansible's real markers in the values of a deployment, on every way to a host: nothing of them is ever a program.

No file may hold one, so these come together from halves. What is refused at the door is in the last tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import hostile
from tests.integration import world as look
from tests.integration.world import HERE, World, ask

MARKED = hostile.MARKERS


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trap") / "sprung"


def joined(world: World, wheel_file: Path) -> None:
    """A beacon whose environment joins the halves of each marker: what people write passes every check."""
    text = (HERE / "beacon.yaml").read_text().replace("WHEEL", str(wheel_file))
    halves = "".join(f"  {half}{n}: {{description: A half}}\n" for n in range(len(MARKED)) for half in "ab")
    env = "".join(f', M{n}: "{{{{ params.a{n} }}}}{{{{ params.b{n} }}}}"' for n in range(len(MARKED)))
    text = text.replace("params:\n", "params:\n" + halves, 1).replace(
        '{{ params.word }}"}\n', '{{ params.word }}"' + env + "}\n"
    )
    world.template("joined", text)


@pytest.fixture(scope="module")
def applied(shared: World, wheel_file: Path, port: Callable[[], int], trap: Path) -> tuple[World, int]:
    joined(shared, wheel_file)
    number = port()
    params: dict[str, str] = {}
    for n, marker in enumerate(MARKED):
        params |= {f"a{n}": marker[: len(marker) // 2], f"b{n}": marker[len(marker) // 2 :]}
    evil = {**hostile.templates(trap), "PYTHON": hostile.python(trap)}
    wanted = {
        "template": "joined",
        "machine": {"engine": "process"},
        "ports": {"web": number},
        "params": {**params, "word": hostile.python(trap)},
        "env": evil,
        "labels": {**evil, **dict.fromkeys(evil.values(), "a key")},
        "owner": evil["OVERRIDE"],
    }
    shared.deployment("data", json.dumps(wanted, indent=1) + "\n")
    shared.ok("reconcile", "--yes", "-v")
    return shared, number


def test_reconcile_passes_them_on_as_they_are(applied: tuple[World, int], trap: Path) -> None:
    _, number = applied
    env = ask(number)["env"]
    wanted = {f"M{n}": marker for n, marker in enumerate(MARKED)}
    wanted |= {**hostile.templates(trap), "PYTHON": hostile.python(trap), "WORD": hostile.python(trap)}
    assert {name: env[name] for name in wanted} == wanted
    assert not trap.exists()


def test_a_deep_look_finds_nothing_changed(applied: tuple[World, int], trap: Path) -> None:
    world, _ = applied
    assert world.json("drift", "--deep")["deployments"] == []
    assert not trap.exists()


def test_plain_ansible_finds_nothing_to_do(applied: tuple[World, int], trap: Path) -> None:
    world, _ = applied
    before = world.files()
    done = world.ansible()
    assert done.returncode == 0, done.stdout
    assert "changed=0" in done.stdout.partition("data                       : ok=")[2].splitlines()[0]
    assert world.files() == before
    assert not trap.exists()


def test_a_playbook_that_shows_every_variable_evaluates_none(applied: tuple[World, int], trap: Path) -> None:
    world, _ = applied
    names = ["slipway_record", "slipway_spec", "slipway_panel", "slipway_owner", "slipway_settings"]
    task = {"ansible.builtin.debug": {"msg": "{{ hostvars['data'][item] }}"}, "loop": names}
    again = {"ansible.builtin.debug": {"msg": "{{ item }}"}, "loop": "{{ slipway_spec.labels | dict2items }}"}
    play = [{"hosts": "data", "gather_facts": False, "tasks": [task, again]}]
    file = world.root / "show.yml"
    file.write_text(json.dumps(play))
    done = world.ansible(playbook="show.yml")
    file.unlink()
    assert done.returncode == 0, done.stdout
    assert "ok=2" in done.stdout
    assert not trap.exists()


def test_files_with_a_marker_are_refused_where_it_stands(fresh: World) -> None:
    for n, marker in enumerate(MARKED):
        fresh.beacon(f"bad{n}", n + 1, f"env:\n  FINE: x\n  BAD: {json.dumps(f'x{marker}x')}\n")
    fresh.settings((fresh.root / "runner.yaml").read_text() + f"x: {MARKED[0]!r}\n")
    done = fresh.run("--json", "validate")
    assert done.returncode == 3, done.stderr
    faults = {fault["where"]: fault for fault in json.loads(done.stdout)["errors"]}
    assert {fault["code"] for fault in faults.values()} == {"ansible-marker"}
    assert {f"deployments/bad{n}.yaml:6" for n in range(len(MARKED))} < faults.keys()
    assert all(fault["hint"] and MARKED[0] not in fault["message"] for fault in faults.values())


def test_a_secret_with_a_marker_is_refused_and_not_shown(fresh: World, port: Callable[[], int], trap: Path) -> None:
    fresh.beacon("one", port(), "secrets: {token: env:BAD}\nenv: {B: x}\n")
    marker = "canary-" + MARKED[0]
    done = fresh.run("reconcile", "--yes", env={"BAD": marker})
    assert done.returncode == 4, done.stderr  # known in the plan, before anything is touched
    said = done.stdout + done.stderr
    assert all(word in said for word in ("token", "env:BAD", "marker"))
    assert "canary-" not in said
    assert not fresh.home.exists() or not list(look.processes(f"{fresh.home}/services/one/"))
