"""A create that came to nothing leaves no secrets behind; one that came to something keeps them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runner import ansible_run, locks, processes, records, vault, vault_password
from runner.apply import Job, apply, recover
from runner.redact import Redactor
from runner.workflow import make_plan
from tests import factories as make
from tests.small import Small


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    monkeypatch.setenv(vault_password.PASSWORD_ENV, "correct horse")
    made = Small(tmp_path / "repo")
    made.deployment("web")
    return made


def crash(small: Small) -> None:
    """An apply that ends before Ansible has come to anything."""
    planned = make_plan(small.repo)
    job = Job(planned, Redactor(), "runner reconcile", on_event=print, on_wait=print)
    with pytest.raises(RuntimeError):
        apply(job)


@pytest.fixture
def _ansible_never_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(ansible_run, "run", fails)


@pytest.mark.usefixtures("_ansible_never_starts")
def test_secrets_of_what_never_came_to_be_are_forgotten(small: Small) -> None:
    crash(small)
    assert not small.repo.secrets_file("web").parent.exists()


@pytest.mark.usefixtures("_ansible_never_starts")
@pytest.mark.parametrize("kept", ["record", "secrets"])
def test_secrets_that_something_may_use_are_kept(small: Small, kept: str) -> None:
    if kept == "record":
        records.begin(small.repo, make.record(small.load().desired["web"], machine={}))
    else:
        vault.ensure(small.repo, "web", {"password": "generate"})
    crash(small)
    assert small.repo.secrets_file("web").exists()


@pytest.mark.parametrize(("file", "record"), [(False, False), (True, False), (False, True)])
def test_secrets_of_a_killed_run_go_with_its_file(small: Small, *, file: bool, record: bool) -> None:
    vault.ensure(small.repo, "web", {"password": "generate"})
    if record:
        records.begin(small.repo, make.record(small.load().desired["web"]))
    if not file:
        small.repo.deployment_file("web").unlink()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead = {**processes.identity(), "pid": child.pid}
    locks.leases(small.repo, "test").take([replace(make.lease("web"), process=dead)])
    recover(small.load())
    assert small.repo.secrets_file("web").exists() is (file or record)
