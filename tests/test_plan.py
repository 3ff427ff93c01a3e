"""The decision table of the design, row by row; then order, changes, prices and fingerprints.

Where the table leaves room: a stopped or failed service whose digest differs gets `update`, which also starts it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runner import plan
from runner.domain import ORDER, Action, Change, Desired, Hold, Kind, Observation, Record
from tests import factories as make
from tests.factories import TODAY, desired, nothing, record, seen, spec

WANT = desired()
STOPPED = desired(state="stopped")
ABSENT = desired(state="absent")
RECORD = record(WANT)
NEWER = desired(spec=spec(params={"model": "large"}))
FORCED = desired(spec=spec(machine={"engine": "docker"}))
MOVED = desired(spec=spec(provider=["other"]))
HELD = Hold("2026-12-24", "demo week")
RENTED = {"engine": "docker", "machine_runs": True}
RENEWED = desired(spec=spec(lifecycle={"ttl": "9h"}))
NO_STOP = {**RENTED, "cannot_stop": "spot"}
LOST = Observation("web", gone="taken back")
OVER = replace(make.seen(WANT, state="stopped"), gone="its time was over", wait="a new ttl starts it again")
LOST_AGAIN = Observation("web", gone="taken back, 2 times", wait="the next try is at 10:00 UTC")
UNRECORDED = "id-web carries our mark and this name, but no record here knows it"
TWO = Observation("web", (make.resource(id="one"), make.resource(id="two")))

CANNOT_BE_OBSERVED: list[Any] = [
    ("API down", WANT, RECORD, Observation("web", error="aws did not answer"), Kind.BLOCKED, "aws did not answer"),
    ("API down, nothing recorded", WANT, None, Observation("web", error="no key"), Kind.BLOCKED, "no key"),
    ("API down, file deleted", None, RECORD, Observation("web", error="aws: 503"), Kind.BLOCKED, "aws: 503"),
    ("API down, state absent", ABSENT, RECORD, Observation("web", error="aws: 503"), Kind.BLOCKED, "aws: 503"),
    ("API down, on hold", desired(hold=HELD), None, Observation("web", error="down"), Kind.BLOCKED, "down"),
    ("two of one name", WANT, RECORD, TWO, Kind.BLOCKED, "2 machines carry this name: one, two"),
    ("two of one name, file deleted", None, RECORD, TWO, Kind.BLOCKED, "2 machines carry this name: one, two"),
]
ON_HOLD: list[Any] = [
    (
        "differs",
        desired(hold=HELD),
        None,
        nothing(),
        Kind.HELD,
        "on hold until 2026-12-24: demo week (would create: new)",
    ),
    ("same", desired(hold=HELD), RECORD, seen(), Kind.NONE, "up to date"),
    (
        "state absent",
        desired(state="absent", hold=HELD),
        RECORD,
        seen(),
        Kind.HELD,
        "on hold until 2026-12-24: demo week (would destroy: state: absent)",
    ),
    (
        "blocked",
        desired(state="absent", protect=True, hold=HELD),
        RECORD,
        seen(),
        Kind.HELD,
        "on hold until 2026-12-24: demo week (would be blocked: protected, although state: absent)",
    ),
    ("its last day", desired(hold=Hold("2026-06-16", "demo")), None, nothing(), Kind.HELD, ""),
    ("the day it ends", desired(hold=Hold(TODAY, "demo")), None, nothing(), Kind.CREATE, "new"),
]
ABSENT_OR_DELETED: list[Any] = [
    ("absent, nothing there", ABSENT, None, nothing(), Kind.NONE, "nothing is there"),
    ("deleted, running", None, RECORD, seen(), Kind.DESTROY, "its file was deleted"),
    ("deleted, stopped", None, RECORD, seen(state="stopped"), Kind.DESTROY, "its file was deleted"),
    ("deleted, failed", None, RECORD, seen(state="failed"), Kind.DESTROY, "its file was deleted"),
    ("absent, running", ABSENT, RECORD, seen(), Kind.DESTROY, "state: absent"),
    ("absent, running, never recorded", ABSENT, None, seen(), Kind.DESTROY, "state: absent"),
    (
        "deleted, only the record is left",
        None,
        RECORD,
        nothing(),
        Kind.DESTROY,
        "its file was deleted; the resource is gone already, only generated files are left",
    ),
    (
        "absent, protected",
        desired(state="absent", protect=True),
        RECORD,
        seen(),
        Kind.BLOCKED,
        "protected, although state: absent",
    ),
    (
        "deleted, protected by its record",
        None,
        replace(RECORD, protect=True),
        seen(),
        Kind.BLOCKED,
        "protected, although its file was deleted",
    ),
    (
        "absent, the file no longer protects",
        ABSENT,
        replace(RECORD, protect=True),
        seen(),
        Kind.DESTROY,
        "state: absent",
    ),
]
WANTED_STOPPED: list[Any] = [
    ("running", STOPPED, RECORD, seen(), Kind.STOP, "state: stopped"),
    ("starting", STOPPED, RECORD, seen(state="pending"), Kind.STOP, "state: stopped"),
    ("stopped", STOPPED, RECORD, seen(state="stopped"), Kind.NONE, "stopped, as wanted"),
    ("failed", STOPPED, RECORD, seen(state="failed"), Kind.NONE, "stopped, as wanted"),
    ("running, never recorded", STOPPED, None, seen(), Kind.BLOCKED, UNRECORDED),
    ("nothing there", STOPPED, None, nothing(), Kind.NONE, "wanted stopped, and nothing is there"),
    ("still stopping", STOPPED, RECORD, seen(state="stopped", facts=RENTED), Kind.STOP, "state: stopped"),
    ("failed on a rented machine", STOPPED, RECORD, seen(state="failed", facts=RENTED), Kind.STOP, "state: stopped"),
    ("machine that cannot stop", STOPPED, RECORD, seen(facts=NO_STOP), Kind.BLOCKED, "it cannot be stopped: spot"),
    ("was taken back", STOPPED, RECORD, LOST, Kind.NONE, "wanted stopped, and nothing is there"),
]
WANTED_RUNNING: list[Any] = [
    ("nothing", WANT, None, nothing(), Kind.CREATE, "new"),
    ("nothing, but recorded", WANT, RECORD, nothing(), Kind.CREATE, "it was running and is gone"),
    ("time over, stopped", WANT, RECORD, OVER, Kind.HELD, "its time was over; a new ttl starts it again"),
    (
        "time over, stopped, other params",
        NEWER,
        RECORD,
        OVER,
        Kind.HELD,
        "its time was over; a new ttl starts it again",
    ),
    ("time over, stopped, replaced", FORCED, RECORD, OVER, Kind.HELD, "its time was over; a new ttl starts it again"),
    ("time over, stopped, new ttl", RENEWED, RECORD, OVER, Kind.UPDATE, "lifecycle.ttl"),
    ("taken back", WANT, RECORD, LOST, Kind.CREATE, "it was running and is gone: taken back"),
    ("ended before it was finished", WANT, None, LOST, Kind.CREATE, "new"),
    ("taken back again", WANT, RECORD, LOST_AGAIN, Kind.HELD, "taken back, 2 times; the next try is at 10:00 UTC"),
    (
        "time was over, and a new one is given",
        RENEWED,
        RECORD,
        LOST_AGAIN,
        Kind.CREATE,
        "it was running and is gone: taken back, 2 times",
    ),
    ("nothing, blank record", WANT, replace(RECORD, digest=""), nothing(), Kind.CREATE, "new"),
    ("other provider", MOVED, RECORD, seen(), Kind.REPLACE, "provider cannot change in place"),
    ("fixed option differs", FORCED, RECORD, seen(), Kind.REPLACE, "machine.engine cannot change in place"),
    (
        "replacement that nobody has noted yet",
        FORCED,
        replace(RECORD, digest=""),
        seen(WANT, facts={"made_for": FORCED.digest}),
        Kind.UPDATE,
        "",
    ),
    (
        "replacement that was made for something else",
        FORCED,
        RECORD,
        seen(WANT, facts={"made_for": WANT.digest}),
        Kind.REPLACE,
        "machine.engine cannot change in place",
    ),
    ("fixed option differs, stopped", FORCED, RECORD, seen(state="stopped"), Kind.REPLACE, ""),
    (
        "fixed option differs, protected",
        replace(FORCED, protect=True),
        RECORD,
        seen(),
        Kind.BLOCKED,
        "protected, and machine.engine cannot change in place",
    ),
    ("stopped", WANT, RECORD, seen(state="stopped"), Kind.START, "it is stopped"),
    ("failed", WANT, RECORD, seen(state="failed", detail="exit 1"), Kind.START, "it failed: exit 1"),
    ("failed, nobody knows why", WANT, RECORD, seen(state="failed"), Kind.START, "it failed: no reason given"),
    ("stopped, digest differs", NEWER, RECORD, seen(state="stopped"), Kind.UPDATE, "params.model"),
    ("failed, digest differs", NEWER, RECORD, seen(state="failed"), Kind.UPDATE, "params.model"),
    ("never recorded", WANT, None, seen(), Kind.ADOPT, UNRECORDED),
    ("never recorded, stopped", WANT, None, seen(state="stopped"), Kind.ADOPT, UNRECORDED),
    ("never recorded, unfinished", WANT, None, seen(digest=""), Kind.ADOPT, UNRECORDED),
    ("never recorded, elsewhere", replace(WANT, providers=("aws",)), None, seen(), Kind.BLOCKED, UNRECORDED),
    ("blank record", WANT, replace(RECORD, digest=""), seen(), Kind.UPDATE, "the last apply did not finish"),
    ("blank mark", WANT, RECORD, seen(digest=""), Kind.UPDATE, "it was never finished"),
    ("digest differs", NEWER, RECORD, seen(), Kind.UPDATE, "params.model"),
    (
        "changed by hand",
        WANT,
        RECORD,
        seen(digest="another"),
        Kind.UPDATE,
        "its digest is not the one that was applied: changed by hand or by another clone",
    ),
    (
        "unhealthy",
        WANT,
        RECORD,
        seen(health="unhealthy", said="api answered 502"),
        Kind.UPDATE,
        "unhealthy: api answered 502",
    ),
    ("unhealthy, silent", WANT, RECORD, seen(health="unhealthy"), Kind.UPDATE, "unhealthy: no answer"),
    ("up to date", WANT, RECORD, seen(), Kind.NONE, "up to date"),
    ("up to date, still starting", WANT, RECORD, seen(health="starting"), Kind.NONE, "up to date"),
    ("up to date, not probed", WANT, RECORD, seen(health="unknown"), Kind.NONE, "up to date"),
]
TABLE = [
    pytest.param(*row[1:], id=f"{want}: {row[0]}")
    for want, rows in {
        "any": CANNOT_BE_OBSERVED,
        "hold": ON_HOLD,
        "absent": ABSENT_OR_DELETED,
        "stopped": WANTED_STOPPED,
        "running": WANTED_RUNNING,
    }.items()
    for row in rows
]


@pytest.mark.parametrize(("want", "kept", "have", "kind", "reason"), TABLE)
def test_decision_table(want: Desired | None, kept: Record | None, have: Observation, kind: Kind, reason: str) -> None:
    verdict = plan.decide(want, kept, have, TODAY)
    assert verdict.kind is kind
    assert verdict.reason
    assert verdict.reason == (reason or verdict.reason)


def only(want: Desired | None, kept: Record | None, have: Observation) -> Action:
    name = have.name
    made = plan.plan({name: want} if want else {}, {name: kept} if kept else {}, {name: have}, today=TODAY)
    [action] = made.actions
    return action


def test_blocked_says_what_to_do() -> None:
    assert only(WANT, None, Observation("web", error="no key", hint="export AWS_KEY")).hint == "export AWS_KEY"
    assert "remove the one that is not wanted" in only(WANT, RECORD, TWO).hint
    assert "protect: false" in only(None, replace(RECORD, protect=True), seen()).hint
    assert "protect: false" in only(replace(FORCED, protect=True), RECORD, seen()).hint


def test_what_was_not_looked_for_is_blocked() -> None:
    made = plan.plan({"web": WANT}, {"web": RECORD, "old": record(desired("old"))}, {}, today=TODAY)
    assert [a.kind for a in made.actions] == [Kind.BLOCKED, Kind.BLOCKED]


def test_every_name_of_a_file_or_a_record_has_one_action() -> None:
    old = record(desired("old"))
    seen_names = {"web": seen(), "old": nothing("old"), "orphan": nothing("orphan")}
    made = plan.plan({"web": WANT}, {"web": RECORD, "old": old}, seen_names, today=TODAY)
    assert sorted(a.deployment for a in made.actions) == ["old", "web"]


def test_plan_is_ordered_by_danger_then_by_name() -> None:
    cases: dict[str, tuple[Desired | None, Record | None, Observation]] = {}
    for name in ("b", "a"):
        it = desired(name)
        cases |= {
            f"stop-{name}": (desired(f"stop-{name}", state="stopped"), record(it), seen(it)),
            f"start-{name}": (desired(f"start-{name}"), record(it), seen(it, state="stopped")),
            f"create-{name}": (desired(f"create-{name}"), None, nothing(f"create-{name}")),
            f"update-{name}": (desired(f"update-{name}"), record(it, digest=""), seen(it)),
            f"adopt-{name}": (desired(f"adopt-{name}"), None, seen(it)),
            f"replace-{name}": (desired(f"replace-{name}", spec=FORCED.spec), record(it), seen(it)),
            f"destroy-{name}": (None, record(it), seen(it)),
            f"blocked-{name}": (None, record(it), Observation("x", error="down")),
            f"held-{name}": (desired(f"held-{name}", hold=HELD), None, nothing()),
            f"none-{name}": (it, record(it), seen(it)),
        }
    made = plan.plan(
        {name: want for name, (want, _, _) in cases.items() if want},
        {name: kept for name, (_, kept, _) in cases.items() if kept},
        {name: have for name, (_, _, have) in cases.items()},
        today=TODAY,
    )
    kinds = ("destroy", "replace", "create", "update", "adopt", "start", "stop", "blocked", "held", "none")
    assert [a.deployment for a in made.actions] == [f"{kind}-{name}" for kind in kinds for name in ("a", "b")]
    assert [str(kind) for kind in ORDER if kind is not Kind.RESTART] == list(kinds)
    assert {a.deployment for a in made.changing} == {f"{kind}-{name}" for kind in kinds[:7] for name in ("a", "b")}
    assert {a.deployment for a in made.refused} == {"blocked-a", "blocked-b"}


def changes(after: dict[str, Any], **more: Any) -> list[Change]:
    return list(only(desired(spec=spec(**after), **more), RECORD, seen()).changes)


def test_changes_name_field_before_and_after() -> None:
    assert changes({"params": {"model": "large", "context": 8}, "env": {"A": "1"}}) == [
        Change("env.A", None, "1"),
        Change("params.context", None, 8),
        Change("params.model", "small", "large"),
    ]


def test_changed_field_that_cannot_change_in_place_forces_replacement() -> None:
    assert changes({"machine": {"engine": "docker"}, "owner": "other"}) == [
        Change("machine.engine", "auto", "docker", forces_replacement=True),
        Change("owner", "team", "other"),
    ]


@pytest.mark.parametrize(("engine", "why"), [("process", "what is there already"), ("auto", "left open")])
def test_fixed_field_forces_nothing_when_it_fits_what_is_there(engine: str, why: str) -> None:
    kept = record(desired(spec=spec(machine={"engine": "docker"})))
    action = only(desired(spec=spec(machine={"engine": engine})), kept, seen())
    assert action.kind is Kind.UPDATE, why
    assert not any(change.forces_replacement for change in action.changes)


def test_derived_changes_are_shown_only_when_nothing_declared_explains_them() -> None:
    service = {**spec()["service"], "image": "example/app:2"}
    assert changes({"service": service}) == [Change("service.image", "example/app:1", "example/app:2")]
    assert changes({"service": service, "owner": "other"}) == [Change("owner", "team", "other")]


def test_secret_in_a_change_is_shown_by_name() -> None:
    service = {**spec()["service"], "env": {"TOKEN": {"secret_parts": [{"secret": "password"}]}}}
    assert changes({"service": service}) == [
        Change("service.env.TOKEN", "Bearer <secret password>", "<secret password>"),
    ]


def test_update_names_three_fields_and_counts_the_rest() -> None:
    env = dict.fromkeys("ABCDE", "1")
    assert only(desired(spec=spec(env=env)), RECORD, seen()).reason == "env.A, env.B, env.C and 2 more"


def test_provider_is_where_it_will_be_or_where_it_stays() -> None:
    candidates = desired(spec=spec(provider=["first", "local"]))
    assert only(candidates, None, nothing()).provider == "first"
    assert (
        only(candidates, record(candidates, provider="local"), seen(candidates, provider="local")).provider == "local"
    )
    assert only(None, record(provider="gone"), seen()).provider == "gone"


def test_fingerprint_of_the_world_moves_with_what_matters_only() -> None:
    other = seen(desired("other"))
    base = plan.observed_digest([seen(), other])
    assert plan.observed_digest([other, seen()]) == base
    assert plan.observed_digest([seen(since="2026-06-15", detail="x"), other]) == base
    moved = [seen(state="stopped"), seen(digest="x"), seen(id="x"), seen(health="unhealthy"), nothing(), TWO]
    digests = {plan.observed_digest([have, other]) for have in [*moved, Observation("web", error="down")]}
    assert len(digests) == len(moved) + 1
    assert base not in digests


@pytest.mark.parametrize(
    ("before", "after", "facts", "kind"),
    [
        ({"spot": {"type": "one-time"}}, {}, {"type": "g6.xlarge", "spot": {"type": "one-time"}}, Kind.REPLACE),
        ({}, {"spot": {"type": "one-time"}}, {"type": "g6.xlarge"}, Kind.REPLACE),
        ({}, {"spot": {"type": "one-time"}}, {"spot": {"type": "one-time"}}, Kind.UPDATE),
        ({"region": "eu-west-1"}, {"region": ["us-east-1", "eu-west-1"]}, {"region": "eu-west-1"}, Kind.UPDATE),
        ({"region": "eu-west-1"}, {"region": ["us-east-1", "us-east-2"]}, {"region": "eu-west-1"}, Kind.REPLACE),
    ],
)
def test_fixed_field_forces_nothing_where_the_machine_has_it(before: Any, after: Any, facts: Any, kind: Kind) -> None:
    old, fixed = desired(spec=spec(machine=before)), ("machine.spot.type", "machine.region")
    new = desired(spec=spec(machine=after), fixed=fixed)
    assert plan.decide(new, record(old), seen(old, facts=facts), TODAY).kind is kind
