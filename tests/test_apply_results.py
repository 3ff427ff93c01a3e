"""An action counts as done only with proof: steps on its host that worked, and the record that its last step writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner import ansible_run, apply, records, results
from runner.ansible_run import HostResult, Outcome
from runner.apply import Job
from runner.domain import Kind, Record
from runner.redact import Redactor
from runner.results import Result
from runner.workflow import make_plan
from tests import factories as make
from tests.small import Small

RUNNING, BLANK = make.record(), make.record(digest="")
STOPPED = make.record(state="stopped")
CONVERGING = (Kind.CREATE, Kind.REPLACE, Kind.UPDATE, Kind.START, Kind.RESTART)
PROMISES: list[tuple[Kind, Record | None, bool]] = [
    *((kind, record, record is RUNNING) for kind in CONVERGING for record in (RUNNING, BLANK, STOPPED, None)),
    *((Kind.STOP, record, record in (STOPPED, None)) for record in (RUNNING, BLANK, STOPPED, None)),
    *((Kind.DESTROY, record, record is None) for record in (RUNNING, BLANK, STOPPED, None)),
]


@pytest.mark.parametrize(("kind", "record", "done"), PROMISES)
def test_each_action_promises_a_record(kind: Kind, record: Record | None, done: bool) -> None:
    assert results.as_promised(kind, record) is done


@pytest.mark.parametrize(
    ("said", "ok"),
    [
        ({"ok": {"web": 2}}, True),
        ({"ok": {"web": 2}, "failures": {"web": 1}}, False),
        ({"dark": {"web": 1}}, False),
        ({"skipped": {"web": 3}}, False),
        ({}, False),
    ],
)
def test_host_is_ok_only_if_something_was_done_on_it(said: dict[str, Any], ok: bool) -> None:
    outcome = Outcome("successful", {"web": HostResult()})
    ansible_run._stats(said, outcome)
    assert outcome.hosts["web"].ok is ok


@pytest.mark.parametrize("hosts", [{}, {"web": HostResult(ok=True)}, {"": HostResult(ok=True)}])
def test_success_of_ansible_alone_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: dict[str, HostResult]
) -> None:
    small = Small(tmp_path / "repo")
    small.deployment("web")
    monkeypatch.setattr(ansible_run, "run", lambda *_, **__: Outcome("successful", hosts))
    done = apply.apply(Job(make_plan(small.repo), Redactor(), "runner reconcile", on_event=print, on_wait=print))
    assert [(r.result, r.code) for r in done.results] == [("failed", "no-result")]
    assert records.read(small.repo, "web") is None


def test_table_without_proof_is_told_unless_everything_failed() -> None:
    well, failed = Result("web", "create", "changed"), Result("web", "create", "failed")
    assert results.table_error(Outcome("successful"), [well])
    assert not results.table_error(Outcome("failed"), [failed])
    assert not results.table_error(Outcome("successful", {"": HostResult(ok=True)}), [well])
