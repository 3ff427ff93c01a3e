"""Status on two axes: is it as the file says, and does it work. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from runner import reach
from runner.ansible_plugins.module_utils.restarts import told
from runner.differences import changes
from runner.domain import Action, Desired, Kind, Observation, Record, Resource, Spec
from runner.failures import Failure
from runner.load import Loaded


@dataclass(frozen=True, slots=True)
class Lately:
    """What applies did, as far as this clone knows."""

    failures: Mapping[str, Failure]
    """The last ones, of those that have not succeeded since."""
    busy: Collection[str] = ()
    """Deployments that an apply is at work on now."""


NOTHING = Lately({})


def rows(  # noqa: PLR0913, PLR0917 - all that is known of all of them
    actions: tuple[Action, ...],
    desired: dict[str, Desired],
    records: dict[str, Record],
    observations: dict[str, Observation],
    faulty: dict[str, Faulty] | None = None,
    lately: Lately = NOTHING,
) -> list[dict[str, Any]]:
    """One row for each deployment, by name; the shape is described in `render.status`."""
    listed = [
        row(a, desired.get(a.deployment), records.get(a.deployment), observations[a.deployment], lately)
        for a in actions
    ]
    listed += [faulty_row(name, it, records.get(name), observations[name]) for name, it in (faulty or {}).items()]
    return sorted(listed, key=lambda item: str(item["name"]))


def matching(listed: list[dict[str, Any]], filters: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows that have these values; `labels.KEY` names a label."""
    return [row for row in listed if all(value_of(row, key) == value for key, value in filters.items())]


def value_of(row: Mapping[str, Any], key: str) -> str:
    """One field of a row as text."""
    field, _, inner = key.partition(".")
    value = row.get(field, "")
    return str(value.get(inner, "") if isinstance(value, dict) else value)


@dataclass(frozen=True, slots=True)
class Faulty:
    """A deployment whose file is there and cannot be used."""

    file: str
    template: str
    """Empty where it cannot be told."""
    reason: str


def faulty(loaded: Loaded, names: Iterable[str]) -> dict[str, Faulty]:
    """Those of the names that have a file which cannot be used, with the first of its faults."""
    found: dict[str, Faulty] = {}
    for name in loaded.names.intersection(names) - loaded.desired.keys():
        first, *others = loaded.faults_of(name)
        more = f" (and {len(others)} more)" if others else ""
        file = first.file if first.file.startswith("deployments/") else f"deployments/{name}.yaml"
        found[name] = Faulty(file, loaded.templates.get(name, ""), f"{first.where}: {first.message}{more}")
    return found


def faulty_row(name: str, it: Faulty, record: Record | None, have: Observation) -> dict[str, Any]:
    """What can still be said when nobody knows what is wanted."""
    shown = row(Action(name, record.provider if record else "", Kind.BLOCKED, it.reason), None, record, have)
    health = {} if record or have.resources else {"health": "unknown", "health_reason": ""}
    return {**shown, **health, "template": it.template or shown["template"], "file": it.file, "state": "unknown"}


def row(
    action: Action, want: Desired | None, record: Record | None, have: Observation, lately: Lately = NOTHING
) -> dict[str, Any]:
    """Status of one deployment."""
    sync, why = _sync(action)
    busy = action.deployment in lately.busy
    failure = lately.failures.get(action.deployment) if sync != "in-sync" else None
    state, detail = (
        health(want, record, have, busy=busy) if action.kind is not Kind.BLOCKED else _seen(record, have, busy=busy)
    )
    resource = have.resource
    endpoints = record.endpoints if record else {}
    return {
        "name": action.deployment,
        "template": want.spec["template"] if want else (record.spec.get("template", "") if record else ""),
        "provider": record.provider if record else action.provider,
        "where": _where(record),
        "engine": str(record.machine.get("engine", "")) if record else "",
        "model": str(_spec(want, record).get("params", {}).get("model") or ""),
        "gpu": str(_spec(want, record).get("machine", {}).get("gpu") or ""),
        "labels": dict(_spec(want, record).get("labels", {})),
        "sync": sync,
        "sync_reason": why,
        "health": state,
        "health_reason": detail,
        "restarts": resource.restarts if resource else 0,
        "since": resource.since if resource else "",
        "price": _price(want, record, have),
        "reach": reach.how(record) if record else "",
        "url": next((str(e["url"]) for e in endpoints.values()), "") if state not in {"missing", "absent"} else "",
        "file": want.file if want else "",
        "owner": want.owner if want else (record.owner if record else ""),
        "state": want.state if want else "absent",
        "protect": bool(want.protect if want else record and record.protect),
        "hold": {"until": want.hold.until, "reason": want.hold.reason} if want and want.hold else None,
        "endpoints": [{"label": name, "url": endpoint["url"]} for name, endpoint in sorted(endpoints.items())],
        "changes": [
            {"field": c.field, "before": c.before, "after": c.after, "forces_replacement": c.forces_replacement}
            for c in (changes(want, record, resource) if want else ())
        ],
        "last_failure": asdict(failure) if failure else None,
    }


def _spec(want: Desired | None, record: Record | None) -> Spec:
    return want.spec if want else record.spec if record else {}


def _where(record: Record | None) -> str:
    """The host, or the address, of its machine; empty where that is this one, or not known."""
    machine = record.machine if record else {}
    found = str(machine.get("host") or machine.get("address") or "")
    return "" if found in {"127.0.0.1", "localhost"} else found


def _sync(action: Action) -> tuple[str, str]:
    if action.kind is Kind.NONE:
        return "in-sync", ""
    if action.kind is Kind.BLOCKED:
        return "unknown", action.reason
    return "drifted", f"would {action.kind}: {action.reason}" if action.kind is not Kind.HELD else action.reason


def health(want: Desired | None, record: Record | None, have: Observation, *, busy: bool = False) -> tuple[str, str]:
    """How well it works, and why. What should not run and is not there misses nothing. `busy`: an apply is at work."""
    state, why = _seen(record, have, busy=busy)
    if state == "missing" and (want is None or want.state != "running"):
        return ("stopped", "nothing is there") if want is not None and want.state == "stopped" else ("absent", "")
    return state, why


def _seen(record: Record | None, have: Observation, *, busy: bool = False) -> tuple[str, str]:
    """What answers is healthy, whether or not the last apply came to its end: that is the other axis."""
    resource = have.resource
    if have.error:
        return "unknown", have.error
    if len(have.resources) > 1:
        return "unknown", "several resources carry this name"
    if resource is None:
        return "missing", ""
    if resource.state == "stopped":
        return "stopped", resource.detail
    if resource.state == "failed":
        return "degraded", resource.detail
    if busy:
        return "progressing", "an apply is at work on it"
    return _running(record, resource, have)


def _running(record: Record | None, resource: Resource, have: Observation) -> tuple[str, str]:
    if resource.state == "pending" or have.health == "starting":
        return "progressing", have.health_detail or "it is not finished"
    if have.health == "unhealthy":
        return "degraded", have.health_detail
    if have.health == "healthy":
        return "healthy", told(resource.restarts)
    if record is None or not record.digest:
        return "progressing", "it is not finished"
    return "unknown", "it cannot be probed from here"


def _price(want: Desired | None, record: Record | None, have: Observation) -> dict[str, Any] | None:
    known = (record.price if record else None) or (want.price if want else None)
    if have.error:
        return None  # nobody knows what runs, so nobody knows what it costs
    if have.resource is None:
        return None if known is None else {**known, "hourly": 0.0}
    if have.resource.state != "stopped":
        return known
    stopped = have.resource.stopped_price
    return {**(known or {}), **stopped} if stopped is not None else None
