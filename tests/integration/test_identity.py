"""Whose is it, end to end: copies of a repository, clones of one template, records that got lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.world import World, ask, until


def shared_home(folder: Path, other: World) -> str:
    """Settings without an id, with the services in the folder of another repository."""
    engine = json.dumps({"home": str(other.home), "docker_socket": f"{folder}/none"}, ensure_ascii=False)
    return f"providers:\n  local: {engine}\n"


@pytest.fixture
def template(fresh: World, port: Callable[[], int]) -> World:
    """What people clone: it has a deployment, and no id."""
    fresh.settings(shared_home(fresh.root.parent, fresh))
    fresh.beacon("web", port())
    return fresh


@pytest.fixture
def second(template: World, tmp_path: Path) -> World:
    """Another person's clone of it, whose services have the same home."""
    root = tmp_path / "second"
    shutil.copytree(template.root, root, symlinks=True)
    return World(root, template.home)


def id_of(made: World) -> str:
    found = re.search(r"^id: (\S+)$", (made.root / "runner.yaml").read_text(), re.MULTILINE)
    return found[1] if found else ""


def test_first_reconcile_makes_the_id_and_says_so(template: World) -> None:
    assert template.actions(code=2) == {"web": "create"}
    assert template.json("orphans") == {"orphans": [], "unknown": []}
    template.json("status")
    assert id_of(template) == ""
    done = template.run("reconcile", "--yes")
    assert done.returncode == 0, done.stderr
    made = id_of(template)
    assert f"runner.yaml has an id now: {made}. Commit it" in done.stderr
    assert template.actions() == {"web": "none"}
    assert made in (template.root / "inventory" / "host_vars" / "web" / "access.yaml").read_text()


def test_ci_refuses_to_make_one(template: World) -> None:
    answer = template.json("reconcile", "--yes", code=4, env={"CI": "true"})
    assert answer["error"]["code"] == "no-id"
    assert id_of(template) == ""
    assert template.runs() == []


def test_copied_folder_is_the_same_repository(template: World, tmp_path: Path) -> None:
    template.ok("reconcile", "--yes")
    copy = World(tmp_path / "moved", template.home)
    shutil.copytree(template.root, copy.root, symlinks=True)
    assert copy.actions() == {"web": "none"}


def test_clones_of_one_template_are_different_owners(template: World, second: World) -> None:
    template.ok("reconcile", "--yes")
    number = int(re.findall(r"web: (\d+)", (template.root / "deployments" / "web.yaml").read_text())[0])
    before = ask(number)
    assert second.actions(code=2) == {"web": "create"}
    results = second.json("reconcile", "--yes", code=1)["results"]
    assert [(r["result"], r["code"]) for r in results] == [("failed", "name-taken")]
    assert id_of(template) in results[0]["error"]
    assert id_of(second) in results[0]["error"]
    assert second.json("orphans", "--destroy", "--yes")["orphans"] == []
    assert ask(number) == before
    assert template.actions() == {"web": "none"}


def test_fork_that_copied_the_records_is_told_so(template: World, tmp_path: Path) -> None:
    template.ok("reconcile", "--yes")
    fork = World(tmp_path / "fork", template.home)
    shutil.copytree(template.root, fork.root, symlinks=True)
    fork.settings("id: fork\n" + shared_home(tmp_path, template))
    action = fork.plan(code=4)["web"]
    assert (action["action"], action["code"]) == ("blocked", "other-repository")
    assert id_of(template) in action["reason"]
    assert "fork" in action["reason"]
    (fork.root / "deployments" / "web.yaml").unlink()
    assert fork.actions(code=4) == {"web": "blocked"}


def test_what_is_on_no_record_is_taken_over_only_when_asked(template: World) -> None:
    template.ok("reconcile", "--yes")
    number = int(re.findall(r"web: (\d+)", (template.root / "deployments" / "web.yaml").read_text())[0])
    before = ask(number)
    shutil.rmtree(template.root / "inventory" / "host_vars")
    action = template.plan(code=2)["web"]
    assert (action["action"], action["code"]) == ("adopt", "not-recorded")
    refused = template.json("reconcile", "--yes", code=4)
    assert refused["results"] == []
    assert ask(number) == before
    plain = template.ansible()
    assert plain.returncode != 0
    assert "not-recorded" in plain.stdout
    assert ask(number) == before
    assert template.json("adopt", "web", "--yes")["results"][0]["result"] == "changed"
    assert template.actions() == {"web": "none"}
    assert template.json("adopt", "web", "--yes", code=3)["error"]["code"] == "nothing-to-adopt"


def test_killed_before_its_record_was_filled_it_converges_without_adopting(template: World) -> None:
    run = template.start("reconcile", "--yes")
    until(lambda: any((template.home / "services").glob("web/mark.json")) or run.poll() is not None)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    assert template.actions(code=2)["web"] in ("create", "update")
    template.ok("reconcile", "--yes")
    assert template.actions() == {"web": "none"}
