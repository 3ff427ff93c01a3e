"""Desired × record × observation → plan. Pure: no files, no network, no clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from runner import effects, guards, reach
from runner.differences import changes
from runner.digest import digest
from runner.domain import (
    CHANGING,
    ENDING,
    ORDER,
    Action,
    Change,
    Committed,
    Desired,
    Exposure,
    Kind,
    Observation,
    Plan,
    Record,
    Resource,
)
from runner.listing import listed

VALUE_APPLIED, VALUE_CHANGED = "value applied", "value changed"
NOT_RECORDED = "not-recorded"
SHOWN = 3
"""Changed fields that a reason names."""
CANNOT_STOP = "destroy it instead (state: absent), or change its options to some that can be stopped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, and why."""

    kind: Kind
    reason: str
    hint: str = ""
    changes: tuple[Change, ...] = ()
    code: str = ""


def plan(  # noqa: PLR0913 - the three sides of the decision, and what a saved plan is bound to
    desired: Mapping[str, Desired],
    records: Mapping[str, Record],
    observations: Mapping[str, Observation],
    *,
    today: str,
    commit: str = "",
    inputs: str = "",
    unreadable: Collection[str] = (),
    committed: Mapping[str, Committed] = {},
) -> Plan:
    """Decide for every name that has a file or a record; `unreadable` have one that says nothing. `today` is an ISO
    date, UTC. `committed`: what was agreed on, where the file says something else now.
    """
    names = sorted({*desired, *records, *unreadable})
    actions = [
        action(
            name,
            desired.get(name),
            records.get(name),
            observations.get(name) or _unseen(name),
            today,
            committed.get(name),
        )
        for name in names
    ]
    actions.sort(key=lambda a: ORDER.index(a.kind))
    actions = [*effects.renamed(actions, desired, records)]
    return Plan(tuple(actions), commit=commit, inputs=inputs, observed=observed_digest(observations.values()))


def _unseen(name: str) -> Observation:
    return Observation(name, error="it was not looked for", code="not-observed")


def action(  # noqa: PLR0913, PLR0917 - see plan
    name: str,
    want: Desired | None,
    record: Record | None,
    have: Observation,
    today: str,
    committed: Committed | None = None,
) -> Action:
    """The planned step for one deployment, with its price."""
    verdict = decide(want, record, have, today, committed)
    before = _running_price(record, have)
    after = before
    if verdict.kind is Kind.DESTROY:
        after = 0.0
    elif verdict.kind is Kind.STOP:
        after = _stopped_price(have)
    elif verdict.kind in (Kind.CREATE, Kind.REPLACE, Kind.UPDATE, Kind.ADOPT, Kind.START) and want is not None:
        after = want.price["hourly"] if want.price else None
    price = (want.price if want else None) or (record.price if record else None) or {}
    provider = want.providers[0] if want else record.provider if record else ""
    return Action(
        deployment=name,
        provider=(record.provider if record and verdict.kind is Kind.NONE else provider),
        kind=verdict.kind,
        reason=verdict.reason,
        hint=verdict.hint,
        code=verdict.code,
        changes=verdict.changes,
        exposure=_exposure(verdict.kind, want, record, have),
        effect=effects.of(verdict.kind, verdict.changes, record, have),
        guards=guards.lowered(want, record, committed, today),
        hourly_before=before,
        hourly_after=after,
        currency=price.get("currency", "USD"),
        price_source=price.get("source", ""),
        price_as_of=price.get("as_of", ""),
    )


def _exposure(kind: Kind, want: Desired | None, record: Record | None, have: Observation) -> Exposure | None:
    """What the action does to who reaches the deployment from outside."""
    if kind not in CHANGING:
        return None
    runs = have.resource is not None and have.resource.state != "stopped"
    before = reach.access_of(record.spec) if record is not None and (runs or kind is Kind.DESTROY) else None
    ends = want is None or kind in ENDING
    return reach.change(before, None if ends or want is None else want.spec["access"])


def decide(
    want: Desired | None, record: Record | None, have: Observation, today: str, committed: Committed | None = None
) -> Verdict:
    """The decision table; the first row that matches wins."""
    if have.error:
        return Verdict(Kind.BLOCKED, have.error, have.hint, code=have.code)
    if len(have.resources) > 1:
        listed = ", ".join(resource.id for resource in have.resources)
        hint = "remove the one that is not wanted at the provider, then run again"
        reason = f"{len(have.resources)} machines carry this name: {listed}"
        return Verdict(Kind.BLOCKED, reason, hint, code="several-machines")
    verdict = _wanted(want, record, have, committed)
    if verdict.kind is not Kind.NONE and want is not None and want.hold and today < want.hold.until:
        otherwise = "be blocked" if verdict.kind is Kind.BLOCKED else verdict.kind
        reason = f"on hold until {want.hold.until}: {want.hold.reason} (would {otherwise}: {verdict.reason})"
        return Verdict(Kind.HELD, reason, "remove hold: from the file to let it change", verdict.changes)
    return verdict


def _wanted(want: Desired | None, record: Record | None, have: Observation, committed: Committed | None) -> Verdict:
    resource = have.resource
    if want is None or want.state == "absent":
        return _absent(want, record, resource, committed)
    if want.state == "stopped":
        return _stopped(want, record, resource)
    return _running(want, record, have)


def _absent(
    want: Desired | None, record: Record | None, resource: Resource | None, committed: Committed | None
) -> Verdict:
    why = "its file was deleted" if want is None else "state: absent"
    if resource is None and record is None:
        return Verdict(Kind.NONE, "nothing is there")
    if guards.protected(want, record, committed):
        hint = "set protect: false in the file (restore it from git if it is gone), commit, reconcile, then destroy"
        return Verdict(Kind.BLOCKED, f"protected, although {why}", hint, code="protected")
    if resource is None:
        return Verdict(Kind.DESTROY, f"{why}; the resource is gone already, only generated files are left")
    return Verdict(Kind.DESTROY, why)


def _stopped(want: Desired, record: Record | None, resource: Resource | None) -> Verdict:
    if resource is None:
        return Verdict(Kind.NONE, "wanted stopped, and nothing is there")
    if record is None:
        return _unrecorded(resource, "set state: running to take it over, or state: absent to remove it")
    if resource.state in ("running", "pending") or resource.facts.get("machine_runs"):
        if resource.facts.get("cannot_stop"):
            return Verdict(Kind.BLOCKED, f"it cannot be stopped: {resource.facts['cannot_stop']}", CANNOT_STOP)
        return Verdict(Kind.STOP, "state: stopped")
    if unknown := _protection(want, record):
        return Verdict(Kind.STOP, "it is stopped; what it needs is its new protection on record", changes=unknown)
    return Verdict(Kind.NONE, "stopped, as wanted")


def _running(want: Desired, record: Record | None, have: Observation) -> Verdict:
    resource = have.resource
    waits = have.wait and (record is None or record.spec.get("lifecycle") == want.spec.get("lifecycle"))
    if waits:  # whatever else has changed: it would be ended again
        return Verdict(Kind.HELD, f"{have.gone}; {have.wait}", "set state: absent to give it up")
    if resource is None:
        gone = record is not None and record.digest != ""
        why = f": {have.gone}" if have.gone else ""
        return Verdict(Kind.CREATE, f"it was running and is gone{why}" if gone else "new")
    if record is None:
        elsewhere = f"it is at {resource.provider}; name that provider in the file to take it over"
        return _unrecorded(resource, "" if resource.provider in want.providers else elsewhere)
    differences = (*changes(want, record, resource), *_rotated(have), *_protection(want, record))
    forcing = [change.field for change in differences if change.forces_replacement]
    if resource.provider not in want.providers:
        return _replace(want, "provider", differences)
    if forcing:
        return _replace(want, ", ".join(forcing), differences)
    if record.digest != want.digest or resource.digest != want.digest:
        return _update(record, resource, differences)
    if resource.state in ("stopped", "failed"):
        return _start(resource)
    return _kept(record, have, resource, differences)


def _kept(record: Record, have: Observation, resource: Resource, differences: tuple[Change, ...]) -> Verdict:
    """What runs is what is wanted, as far as its digest goes."""
    if have.health == "unhealthy":
        return Verdict(Kind.UPDATE, f"unhealthy: {have.health_detail or resource.detail or 'no answer'}")
    if differences:  # who may reach it, and its protection, are no part of the digest
        return _update(record, resource, differences)
    return Verdict(Kind.NONE, "up to date")


def _rotated(have: Observation) -> tuple[Change, ...]:
    """Values are never known here, only that they are others."""
    return tuple(Change(f"secrets.{name}", VALUE_APPLIED, VALUE_CHANGED) for name in have.rotated)


def _unrecorded(resource: Resource, instead: str) -> Verdict:
    """What carries our mark is ours only if somebody says so: another clone's record may not have come here yet."""
    reason = f"{resource.id} carries our mark and this name, but no record here knows it"
    hint = f"pull, if another clone has made it; else: {instead or f'runner adopt {resource.deployment}'}"
    return Verdict(Kind.BLOCKED if instead else Kind.ADOPT, reason, hint, code=NOT_RECORDED)


def _protection(want: Desired, record: Record | None) -> tuple[Change, ...]:
    """The record protects when the file is gone, so it must know; the digest does not cover this field."""
    if record is None or record.protect == want.protect:
        return ()
    return (Change("protect", record.protect, want.protect),)


def _replace(want: Desired, fields: str, differences: tuple[Change, ...]) -> Verdict:
    if want.protect:
        hint = "set protect: false and reconcile first, or undo the change"
        reason = f"protected, and {fields} cannot change in place"
        return Verdict(Kind.BLOCKED, reason, hint, differences, code="protected")
    return Verdict(Kind.REPLACE, f"{fields} cannot change in place", changes=differences)


def _update(record: Record, resource: Resource, differences: tuple[Change, ...]) -> Verdict:
    if not record.digest:
        return Verdict(Kind.UPDATE, "the last apply did not finish", changes=differences)
    if not resource.digest:
        return Verdict(Kind.UPDATE, "it was never finished", changes=differences)
    if all(change.field == "protect" for change in differences) and record.digest != resource.digest:
        reason = "its digest is not the one that was applied: changed by hand or by another clone"
        return Verdict(Kind.UPDATE, reason, changes=differences)
    if not differences:
        return Verdict(Kind.UPDATE, "its digest is not the one that was applied: changed by hand or by another clone")
    return Verdict(Kind.UPDATE, listed([*map(_said, differences)], SHOWN), "", differences)


def _said(change: Change) -> str:
    return f"{change.field}: {VALUE_CHANGED}" if change.after == VALUE_CHANGED else change.field


def _start(resource: Resource) -> Verdict:
    if resource.state == "failed":
        return Verdict(Kind.START, f"it failed: {resource.detail or 'no reason given'}")
    return Verdict(Kind.START, f"it is stopped: {resource.detail}" if resource.detail else "it is stopped")


def _running_price(record: Record | None, have: Observation) -> float | None:
    resource = have.resource
    if resource is None or resource.state == "stopped":
        return _stopped_price(have)
    return record.price["hourly"] if record is not None and record.price else None


def _stopped_price(have: Observation) -> float | None:
    """Disks are paid for while nothing runs."""
    if have.resource is None:
        return 0.0
    return have.resource.stopped_price["hourly"] if have.resource.stopped_price else None


def observed_digest(observations: Iterable[Observation]) -> str:
    """Fingerprint of what was seen, for saved plans: another plan is made when any of it moved."""
    seen = [[o.name, o.error, [[r.id, r.state, r.digest] for r in o.resources], o.health] for o in observations]
    return digest(sorted(seen, key=lambda row: row[0]))
