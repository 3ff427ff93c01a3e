"""One folder for each apply: nothing secret in it, and a crash costs one line at most."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from runner import runs
from runner.redact import Redactor
from runner.repo import Repo

CANARY = "canary-5f1c-value"


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


def start(repo: Repo, run_id: str) -> runs.Run:
    redactor = Redactor()
    redactor.add(CANARY)
    return runs.start(repo, run_id, redactor)


def test_ids_are_unique_and_sort_by_time() -> None:
    ids = [runs.new_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert sorted(ids, key=lambda text: text[:15]) == ids


def test_events_are_read_back_in_order_and_by_deployment(repo: Repo) -> None:
    for run_id in ("20260101-000000-aa", "20260102-000000-aa"):
        run = start(repo, run_id)
        for name in ("web", "api"):
            run.event({"deployment": name, "kind": "step"})
        run.close()
    assert [(e["run"][:8], e["deployment"]) for e in runs.events(repo)] == [
        ("20260101", "web"),
        ("20260101", "api"),
        ("20260102", "web"),
        ("20260102", "api"),
    ]
    assert [event["run"][:8] for event in runs.events(repo, "api")] == ["20260101", "20260102"]


def test_no_runs_no_events(repo: Repo) -> None:
    assert list(runs.events(repo)) == []


def test_line_that_a_crash_cut_is_left_out(repo: Repo) -> None:
    run = start(repo, "20260101-000000-aa")
    run.event({"deployment": "web"})
    run.close()
    with (run.folder / "events.jsonl").open("a") as stream:
        stream.write('{"deployment": "we')
    assert [event["deployment"] for event in runs.events(repo)] == ["web"]


NO_EVENTS = [
    b"null",
    b"7",
    b"[]",
    b"{}",
    b'{"deployment": "web"}',
    b'{"deployment": 7, "time": "2026-01-01T00:00:00+00:00", "run": "r"}',
    b'{"deployment": "web", "time": "yesterday", "run": "r"}',
    b'{"deployment": "web", "time": "2026-01-01T00:00:00", "run": "r"}',
    b'{"deployment": "web", "time": "2026-01-01T00:00:00+00:00", "run": "r", "seconds": "long"}',
    b'{"deployment": "web", "time": "2026-01-01T00:00:00+00:00", "run": "r", "message": null}',
    b"[" * 5000,
    b"\xff\xfe",
]


@pytest.mark.parametrize("line", NO_EVENTS)
def test_line_that_is_no_event_is_left_out(repo: Repo, line: bytes) -> None:
    run = start(repo, "20260101-000000-aa")
    run.event({"deployment": "web"})
    run.close()
    with (run.folder / "events.jsonl").open("ab") as stream:
        stream.write(line + b"\n")
    (repo.runs / "a file").write_text("where folders are")
    assert [(event["deployment"], event["status"]) for event in runs.events(repo)] == [("web", "")]


def test_bytes_of_any_kind_in_an_event_are_shown(repo: Repo) -> None:
    run = start(repo, "20260101-000000-aa")
    run.close()
    line = b'{"deployment": "web", "time": "2026-01-01T00:00:00+00:00", "run": "r", "message": "caf\xe9"}\n'
    (run.folder / "events.jsonl").write_bytes(line)
    assert [event["message"] for event in runs.events(repo)] == ["caf\ufffd"]


def test_nothing_secret_is_written(repo: Repo) -> None:
    run = start(repo, "20260101-000000-aa")
    told = run.event({"deployment": "web", "message": f"password is {CANARY}"})
    run.close()
    assert told["message"] == "password is •••"
    assert CANARY not in (run.folder / "events.jsonl").read_text()


def test_what_ansible_acts_on_is_not_rewritten_by_a_secret_that_is_a_common_word(repo: Repo) -> None:
    run = start(repo, "20260101-000000-aa")
    run.redactor.add("local")
    path = run.write("hosts.json", {"web": {"vars": {"slipway_provider": "local"}}})
    run.close()
    assert json.loads(path.read_text()) == {"web": {"vars": {"slipway_provider": "local"}}}


def test_folder_and_files_are_private(repo: Repo) -> None:
    run = start(repo, "20260101-000000-aa")
    assert stat.S_IMODE(run.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(run.write("hosts.json", {}).stat().st_mode) == 0o600


def test_only_the_latest_runs_are_kept(repo: Repo) -> None:
    for number in range(runs.KEPT + 3):
        start(repo, f"20260101-000000-{number:04}").close()
    kept = sorted(path.name for path in repo.runs.iterdir())
    assert len(kept) == runs.KEPT
    assert kept[0] == "20260101-000000-0003"
