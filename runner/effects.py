"""What an action does to a service that somebody is using: whether it restarts, and which data it deletes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from runner.domain import Action, Change, Desired, Effect, Kind, Observation, Record, Resource

QUIET = ("protect", "owner", "access.", "lifecycle.")
"""Fields whose change leaves the service alone."""
WHOLE = "all that it has stored"
"""Where nobody knows under which names."""


def of(kind: Kind, changes: Iterable[Change], record: Record | None, have: Observation) -> Effect:
    """Of one action."""
    resource = have.resource
    runs = resource is not None and resource.state in ("running", "pending")
    if kind is Kind.DESTROY:
        return Effect(deletes=_stored(record, resource))
    if kind is Kind.REPLACE:
        stored = _stored(record, resource)
        kept = resource is not None and _outlives(resource)
        return Effect(restarts=runs, deletes=() if kept else stored, leaves=stored if kept else ())
    return Effect(restarts=runs and (kind in (Kind.RESTART, Kind.ADOPT) or (kind is Kind.UPDATE and _touches(changes))))


def _outlives(resource: Resource) -> bool:
    """Volumes and data folders of hosts that are not ours stay there; rented machines go as a whole."""
    return resource.facts.get("engine") in ("docker", "systemd") and "machine_runs" not in resource.facts


def _touches(changes: Iterable[Change]) -> bool:
    """Without a field that explains it, an update is there because something is wrong with what runs."""
    fields = [change.field for change in changes]
    return not fields or not all(field.startswith(QUIET) for field in fields)


def _stored(record: Record | None, resource: Resource | None) -> tuple[str, ...]:
    if resource is None:
        return ()  # gone already, and its data with it
    service: Mapping[str, Any] = record.spec.get("service") or {} if record is not None else {}
    if not service or resource.facts.get("engine") in ("process", "systemd"):
        return (WHOLE,)
    beside = (service.get("companions") or {}).items()
    own = [*(service.get("volumes") or {})]
    return (*own, *(f"{name} of {one}" for one, its in beside for name in its.get("volumes") or {}))


def renamed(
    actions: Iterable[Action], desired: Mapping[str, Desired], records: Mapping[str, Record]
) -> tuple[Action, ...]:
    """With a hint where a file that is gone and one that is new say the same: most likely it got another name."""
    listed = tuple(actions)
    gone = [a for a in listed if a.deployment not in desired and a.kind in (Kind.DESTROY, Kind.BLOCKED)]
    old = _once((records[a.deployment].digest, a.deployment) for a in gone if a.deployment in records)
    new = _once((desired[a.deployment].digest, a.deployment) for a in listed if a.kind is Kind.CREATE)
    pairs = {old[digest]: new[digest] for digest in old.keys() & new.keys() if digest}
    hints = {
        name: f"looks like a rename: runner rename {o} {n} keeps data and secrets"
        for o, n in pairs.items()
        for name in (o, n)
    }
    return tuple(replace(a, hint=hints.get(a.deployment, a.hint)) for a in listed)


def _once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Digest → name, of those that only one has."""
    found: dict[str, list[str]] = {}
    for digest, name in pairs:
        found.setdefault(digest, []).append(name)
    return {digest: names[0] for digest, names in found.items() if len(names) == 1}
