"""Status on two axes: is it as the file says, and does it work; with the reason, the price and the address."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from runner import plan, status
from runner.domain import Action, Desired, Hold, Kind, Observation, Record
from runner.failures import Failure
from tests import factories as make
from tests.factories import TODAY, desired, nothing, record, seen, spec

WANT = desired()
RECORD = record(WANT)
NEWER = desired(spec=spec(params={"model": "large"}))
BLANK = replace(RECORD, digest="")


def row(want: Desired | None, kept: Record | None, have: Observation) -> dict[str, Any]:
    return status.row(plan.action(have.name, want, kept, have, TODAY), want, kept, have)


@pytest.mark.parametrize(
    ("want", "kept", "have", "sync", "why"),
    [
        pytest.param(WANT, RECORD, seen(), "in-sync", "", id="up to date"),
        pytest.param(desired(state="stopped"), RECORD, seen(state="stopped"), "in-sync", "", id="stopped as wanted"),
        pytest.param(NEWER, RECORD, seen(), "drifted", "would update: params.model", id="changed"),
        pytest.param(WANT, None, nothing(), "drifted", "would create: new", id="new"),
        pytest.param(None, RECORD, seen(), "drifted", "would destroy: its file was deleted", id="deleted"),
        pytest.param(
            desired(hold=Hold("2026-12-24", "demo"), spec=NEWER.spec),
            RECORD,
            seen(),
            "drifted",
            "on hold until 2026-12-24: demo (would update: params.model)",
            id="held",
        ),
        pytest.param(WANT, RECORD, Observation("web", error="aws: 503"), "unknown", "aws: 503", id="not observed"),
        pytest.param(
            desired(state="absent", protect=True),
            RECORD,
            seen(),
            "unknown",
            "protected, although state: absent",
            id="protected",
        ),
    ],
)
def test_sync(want: Desired | None, kept: Record | None, have: Observation, sync: str, why: str) -> None:
    found = row(want, kept, have)
    assert (found["sync"], found["sync_reason"]) == (sync, why)


TWO = Observation("web", (make.resource(id="one"), make.resource(id="two")))


@pytest.mark.parametrize(
    ("kept", "have", "health", "why"),
    [
        pytest.param(RECORD, seen(), "healthy", "", id="healthy"),
        pytest.param(RECORD, seen(health="unknown"), "unknown", "it cannot be probed from here", id="not probed"),
        pytest.param(RECORD, seen(health="starting", said="loads"), "progressing", "loads", id="starting"),
        pytest.param(RECORD, seen(health="unhealthy", said="502"), "degraded", "502", id="unhealthy"),
        pytest.param(RECORD, seen(state="failed", detail="exit 1"), "degraded", "exit 1", id="failed"),
        pytest.param(RECORD, seen(state="stopped", detail="by hand"), "stopped", "by hand", id="stopped"),
        pytest.param(RECORD, seen(state="pending"), "progressing", "it is not finished", id="pending"),
        pytest.param(BLANK, seen(), "healthy", "", id="apply did not finish, and it serves"),
        pytest.param(None, seen(), "healthy", "", id="never recorded"),
        pytest.param(BLANK, seen(health="unknown"), "progressing", "it is not finished", id="not finished, not probed"),
        pytest.param(BLANK, seen(health="unhealthy", said="502"), "degraded", "502", id="not finished, and broken"),
        pytest.param(RECORD, nothing(), "missing", "", id="gone"),
        pytest.param(RECORD, Observation("web", error="no key"), "unknown", "no key", id="not observed"),
        pytest.param(RECORD, TWO, "unknown", "several resources carry this name", id="two of one name"),
    ],
)
def test_health(kept: Record | None, have: Observation, health: str, why: str) -> None:
    found = row(WANT, kept, have)
    assert (found["health"], found["health_reason"]) == (health, why)


@pytest.mark.parametrize(
    ("want", "kept", "sync", "health"),
    [
        pytest.param(desired(state="absent"), None, "in-sync", ("absent", ""), id="never was"),
        pytest.param(desired(state="absent"), RECORD, "drifted", ("absent", ""), id="generated files are left"),
        pytest.param(None, RECORD, "drifted", ("absent", ""), id="its file is deleted too"),
        pytest.param(desired(state="stopped"), None, "in-sync", ("stopped", "nothing is there"), id="stopped"),
        pytest.param(WANT, RECORD, "drifted", ("missing", ""), id="wanted running"),
    ],
)
def test_nothing_is_missing_that_should_not_run(
    want: Desired | None, kept: Record | None, sync: str, health: tuple[str, str]
) -> None:
    found = row(want, kept, nothing())
    assert (found["sync"], (found["health"], found["health_reason"])) == (sync, health)


FAULTY = status.Faulty("deployments/web.yaml", "jupyter", "deployments/web.yaml:3: state must be text")


def test_row_of_a_faulty_file_says_why_and_what_runs() -> None:
    found = status.faulty_row("web", FAULTY, RECORD, seen())
    assert (found["sync"], found["sync_reason"], found["state"]) == ("unknown", FAULTY.reason, "unknown")
    assert (found["health"], found["price"], found["url"]) == ("healthy", make.PRICE, "http://127.0.0.1:8888")
    assert status.faulty_row("web", FAULTY, RECORD, nothing())["health"] == "missing"
    assert status.faulty_row("web", FAULTY, None, nothing())["health"] == "unknown"


def test_row_tells_everything_about_one_deployment() -> None:
    protected = desired(protect=True, owner="team", hold=Hold("2026-12-24", "demo"))
    assert row(protected, record(protected), seen()) == {
        "name": "web",
        "template": "jupyter",
        "provider": "local",
        "sync": "in-sync",
        "sync_reason": "",
        "health": "healthy",
        "health_reason": "",
        "restarts": 0,
        "since": "2026-06-14",
        "price": make.PRICE,
        "url": "http://127.0.0.1:8888",
        "reach": "here",
        "file": "deployments/web.yaml",
        "owner": "team",
        "state": "running",
        "protect": True,
        "hold": {"until": "2026-12-24", "reason": "demo"},
        "where": "",
        "engine": "process",
        "model": "small",
        "gpu": "",
        "labels": {},
        "endpoints": [{"label": "web", "url": "http://127.0.0.1:8888"}],
        "changes": [],
        "last_failure": None,
    }


def test_row_of_a_deleted_file_is_told_by_its_record() -> None:
    found = row(None, record(protect=True, owner="team", provider="far"), seen())
    told = {key: found[key] for key in ("template", "provider", "file", "owner", "state", "protect")}
    assert told == {
        "template": "jupyter",
        "provider": "far",
        "file": "",
        "owner": "team",
        "state": "absent",
        "protect": True,
    }


def test_row_of_what_never_ran_has_no_address() -> None:
    found = row(WANT, None, nothing())
    assert (found["url"], found["endpoints"], found["since"], found["provider"]) == ("", [], "", "local")
    assert row(WANT, RECORD, nothing())["url"] == ""


def test_changes_are_shown_field_by_field() -> None:
    changed = {"field": "params.model", "before": "small", "after": "large", "forces_replacement": False}
    assert row(NEWER, RECORD, seen())["changes"] == [changed]


@pytest.mark.parametrize(
    ("want", "kept", "have", "hourly"),
    [
        (WANT, RECORD, seen(), 0.5),
        (replace(WANT, price={**make.PRICE, "hourly": 9.0}), RECORD, seen(), 0.5),
        (WANT, None, seen(), 0.5),
        (WANT, RECORD, seen(state="stopped"), 0.0),
        (WANT, RECORD, nothing(), 0.0),
    ],
)
def test_price_is_what_runs_now(want: Desired, kept: Record | None, have: Observation, hourly: float) -> None:
    assert row(want, kept, have)["price"] == {**make.PRICE, "hourly": hourly}


def test_unknown_price_stays_unknown() -> None:
    assert row(replace(WANT, price=None), replace(RECORD, price=None), seen())["price"] is None


def test_rows_are_sorted_by_name_not_by_danger() -> None:
    wanted = {"b": desired("b"), "c": desired("c", state="stopped")}
    kept = {"a": record(desired("a"))}
    have = {"a": seen(desired("a")), "b": nothing("b"), "c": nothing("c")}
    actions = plan.plan(wanted, kept, have, today=TODAY).actions
    assert [found["name"] for found in status.rows(actions, wanted, kept, have)] == ["a", "b", "c"]


FAILURE = Failure(
    time="2026-11-21T01:00:00+00:00",
    commit="3511be88711edbff",
    run="r1",
    action="update",
    step="Ensure the container is started",
    error="it ended",
    hint="look",
    code="unhealthy",
    log="Traceback\n  out of oil",
    rolled_back=True,
)


def test_failure_is_kept_until_it_is_in_sync_again() -> None:
    lately = status.Lately({"web": FAILURE})
    after = status.row(plan.action("web", WANT, BLANK, seen(), TODAY), WANT, BLANK, seen(), lately)
    assert (after["health"], after["sync"]) == ("healthy", "drifted")  # the version before serves
    assert after["last_failure"] == asdict(FAILURE)
    mended = status.row(plan.action("web", WANT, RECORD, seen(), TODAY), WANT, RECORD, seen(), lately)
    assert mended["last_failure"] is None


def test_apply_at_work_is_progress() -> None:
    lately = status.Lately({}, {"web"})
    found = status.row(plan.action("web", WANT, BLANK, seen(), TODAY), WANT, BLANK, seen(), lately)
    assert (found["health"], found["health_reason"]) == ("progressing", "an apply is at work on it")


def test_price_of_what_cannot_be_seen_is_unknown() -> None:
    want, kept = make.desired(), make.record()
    blind = Observation("web", error="the API is down")
    [row] = status.rows((Action("web", "local", Kind.BLOCKED, "x"),), {"web": want}, {"web": kept}, {"web": blind})
    assert row["price"] is None


@pytest.mark.parametrize(
    ("access", "machine", "reach"),
    [
        ({"expose": "tunnel"}, {"engine": "process"}, "here"),
        ({"expose": "tunnel"}, {"engine": "docker", "tunnel": True}, "tunnel"),
        ({"expose": {"cidr": ["10.0.0.0/8"]}}, {"engine": "docker", "tunnel": True}, "network"),
        ({"expose": "public"}, {"engine": "docker", "tunnel": True}, "public"),
    ],
)
def test_address_says_from_where_it_holds(access: dict[str, Any], machine: dict[str, Any], reach: str) -> None:
    want = make.desired(spec=make.spec(access={**access, "ports": {}}))
    kept = replace(make.record(want), machine={"id": "x", **machine})
    [row] = status.rows((Action("web", "local", Kind.NONE, ""),), {"web": want}, {"web": kept}, {"web": seen(want)})
    assert row["reach"] == reach
