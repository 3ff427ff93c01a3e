"""The main loop, seen from the command line: create, change, stop, start, restart, and every way to the end."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.world import World, ask, processes, refuses


@pytest.fixture(scope="module")
def ports(port: Callable[[], int]) -> dict[str, int]:
    return {name: port() for name in ("web", "kept", "absent", "deleted", "doomed", "orphan")}


@pytest.fixture(scope="module")
def made(shared: World, ports: dict[str, int]) -> World:
    """Everything that this module needs, brought up by one run."""
    extra = {"kept": "protect: true\n", "web": "provider: [local]\n"}
    for name, number in ports.items():
        shared.beacon(name, number, extra.get(name, ""))
    shared.ok("reconcile", "--yes")
    assert len(shared.runs()) == 1
    return shared


def test_after_a_create_nothing_is_left_to_do(made: World, ports: dict[str, int]) -> None:
    assert set(made.actions(code=0).values()) == {"none"}
    assert all(ask(number)["env"]["WORD"] == "hello" for number in ports.values())
    assert made.leftovers() == []


def test_second_reconcile_runs_no_ansible_and_changes_no_file(made: World) -> None:
    before, runs, services = made.files(), made.runs(), made.service_files()
    assert made.json("reconcile", "--yes")["results"] == []
    assert (made.files(), made.runs(), made.service_files()) == (before, runs, services)


def test_changed_field_is_the_only_change_of_the_plan(made: World, ports: dict[str, int]) -> None:
    file = made.beacon("web", ports["web"], "provider: [local]\nparams: {word: bye}\n")
    plan = made.plan(code=2)
    assert {name: item["action"] for name, item in plan.items() if item["action"] != "none"} == {"web": "update"}
    change = {"field": "params.word", "before": "hello", "after": "bye", "forces_replacement": False}
    assert plan["web"]["changes"] == [change]

    pids = {name: ask(number)["pid"] for name, number in ports.items()}
    assert [r["result"] for r in made.json("reconcile", "--yes")["results"]] == ["changed"]
    answer = ask(ports["web"])
    assert (answer["env"]["WORD"], answer["argv"][1]) == ("bye", "bye")
    assert {name for name, number in ports.items() if ask(number)["pid"] != pids[name]} == {"web"}
    assert made.actions("web", code=0) == {"web": "none"}
    assert file.read_text().endswith("params: {word: bye}\n")


def test_stop_start_and_restart(made: World, ports: dict[str, int]) -> None:
    secret = ask(ports["web"])["env"]["TOKEN"]
    made.ok("stop", "web")
    assert refuses(ports["web"])
    assert "state: stopped\n" in (made.root / "deployments" / "web.yaml").read_text()
    assert made.actions("web", code=0) == {"web": "none"}
    assert (made.status("web")["health"], made.status("web")["sync"]) == ("stopped", "in-sync")

    made.ok("start", "web")
    started = ask(ports["web"])
    assert started["env"]["TOKEN"] == secret
    assert made.actions("web", code=0) == {"web": "none"}

    before = made.files()
    made.ok("restart", "web")
    assert ask(ports["web"])["pid"] != started["pid"]
    assert made.actions("web", code=0) == {"web": "none"}
    assert made.files() == before


def test_hold_keeps_a_change_back(made: World, ports: dict[str, int]) -> None:
    file = made.root / "deployments" / "kept.yaml"
    text = file.read_text()
    file.write_text(text + 'params: {word: later}\nhold: {until: 2999-01-01, reason: "demo week"}\n')
    item = made.plan("kept", code=0)["kept"]
    assert item["action"] == "held"
    assert "demo week" in item["reason"]
    made.ok("reconcile", "kept", "--yes")
    assert ask(ports["kept"])["env"]["WORD"] == "hello"
    file.write_text(text)


def test_protected_deployment_survives_its_file(made: World) -> None:
    file = made.root / "deployments" / "kept.yaml"
    text = file.read_text()
    file.unlink()
    done = made.run("reconcile", "kept", "--yes", "--allow-destroy")
    assert done.returncode == 4
    assert "protected" in done.stderr
    file.write_text(text)
    done = made.run("destroy", "kept", "--yes")
    assert done.returncode == 4
    assert "protected" in done.stderr
    file.write_text(text)
    assert made.actions("kept", code=0) == {"kept": "none"}


def test_deleted_file_and_absent_state_destroy_only_when_allowed(made: World, ports: dict[str, int]) -> None:
    (made.root / "deployments" / "deleted.yaml").unlink()
    made.beacon("absent", ports["absent"], "state: absent\n")
    names = ["absent", "deleted"]
    assert made.actions(*names, code=2) == dict.fromkeys(names, "destroy")

    runs = made.runs()
    done = made.run("reconcile", *names, "--yes")
    assert done.returncode == 4
    assert "--allow-destroy" in done.stderr
    assert made.runs() == runs
    assert not any(refuses(ports[name]) for name in names)

    made.ok("reconcile", *names, "--yes", "--allow-destroy", "2")
    assert {name: made.traces(name) for name in names} == {name: [] for name in names}
    assert all(refuses(ports[name]) for name in names)
    assert made.actions("absent", code=0) == {"absent": "none"}


def test_destroy_leaves_nothing(made: World, ports: dict[str, int]) -> None:
    killed = subprocess.Popen(["true"])
    killed.wait()
    for folder in ("inventory/host_vars/doomed", "deployments/access"):
        name = "access.yaml" if "host_vars" in folder else "doomed.md"
        (made.root / folder / f".{name}.{killed.pid}-0.tmp").write_text("half a fi")
    made.ok("destroy", "doomed", "--yes")
    assert made.traces("doomed") == []
    assert refuses(ports["doomed"])
    assert "state: absent" in (made.root / "deployments" / "doomed.yaml").read_text()


def test_orphan_is_listed_and_removed_on_request(made: World, ports: dict[str, int]) -> None:
    (made.root / "deployments" / "orphan.yaml").unlink()
    (made.root / "deployments" / "access" / "orphan.md").unlink()
    shutil.rmtree(made.root / "inventory" / "host_vars" / "orphan")
    assert [o["deployment"] for o in made.json("orphans")["orphans"]] == ["orphan"]
    assert ask(ports["orphan"])
    made.ok("orphans", "--destroy", "--yes")
    assert made.traces("orphan") == []
    assert refuses(ports["orphan"])
    assert made.json("orphans")["orphans"] == []


def test_protection_that_changed_is_on_record(made: World, ports: dict[str, int]) -> None:
    pid = ask(ports["kept"])["pid"]
    made.beacon("kept", ports["kept"])
    change = {"field": "protect", "before": True, "after": False, "forces_replacement": False}
    assert made.plan("kept", code=2)["kept"]["changes"] == [change]
    made.ok("reconcile", "kept", "--yes")
    assert made.actions("kept", code=0) == {"kept": "none"}
    assert ask(ports["kept"])["pid"] == pid


def test_destroy_of_everything_needs_the_number_and_ends_the_daemon(made: World) -> None:
    files = list((made.root / "deployments").glob("*.yaml"))
    for file in files:
        file.write_text(file.read_text().replace("protect: true", "protect: false"))
    made.ok("reconcile", "--yes", "--allow-destroy")
    for file in files:
        file.unlink()
    left = str(len(made.services()))
    done = made.run("reconcile", "--yes", "--allow-destroy")
    assert done.returncode == 4
    assert f"--allow-destroy {left}" in done.stderr
    made.ok("reconcile", "--yes", "--allow-destroy", left)
    assert processes(str(made.home)) == []
    assert [file for file in made.service_files() if "/" in file] == []
    assert [file for file in made.files() if "host_vars" in file or "access" in file] == []
    assert made.leftovers() == []
    assert Path(made.home / "supervisor.sock").exists() is False
