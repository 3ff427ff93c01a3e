"""The nouns that flow through a run, as plain frozen data.

No pydantic here: a no-op plan must not pay for importing it. What people write is checked in `models.py`
and `template.py`, and turned into these once, on load.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Spec = dict[str, Any]
"""JSON-able: everything that decides how a deployment must look. See `resolve.resolve` for its keys."""

State = Literal["running", "stopped", "absent"]
Health = Literal["healthy", "starting", "unhealthy", "unknown"]


class Kind(StrEnum):
    """What a plan does to one deployment. The order is the order of a plan."""

    DESTROY = "destroy"
    REPLACE = "replace"
    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    """Take over what carries our mark and is on no record. Only carried out when it was asked for."""
    START = "start"
    RESTART = "restart"
    """Only ever asked for; no plan comes to it by itself."""
    STOP = "stop"
    BLOCKED = "blocked"
    HELD = "held"
    NONE = "none"


SYMBOLS = {
    Kind.DESTROY: "-",
    Kind.REPLACE: "±",
    Kind.CREATE: "+",
    Kind.UPDATE: "~",
    Kind.ADOPT: "@",
    Kind.START: ">",
    Kind.RESTART: "↻",
    Kind.STOP: "■",
    Kind.BLOCKED: "!",
    Kind.HELD: "⏸",
    Kind.NONE: "=",
}
ORDER = list(Kind)
STARTING = frozenset({Kind.CREATE, Kind.REPLACE, Kind.UPDATE, Kind.ADOPT, Kind.START, Kind.RESTART})
"""After it the service runs."""
ENDING = frozenset({Kind.DESTROY, Kind.STOP})
CHANGING = STARTING | ENDING
DESTRUCTIVE = frozenset({Kind.DESTROY, Kind.REPLACE})


@dataclass(frozen=True, slots=True)
class Hold:
    """No automatic change before the given day."""

    until: str
    """ISO date; the hold ends at the start of that day (UTC)."""
    reason: str


@dataclass(frozen=True, slots=True)
class Desired:
    """One deployment file, checked and resolved."""

    name: str
    file: str
    """Relative to the repository root."""
    state: State
    providers: tuple[str, ...]
    """Candidates, in the order to try."""
    spec: Spec
    digest: str
    """Of `spec` without who may reach it; equal digests mean that the service itself need not change."""
    fixed: tuple[str, ...] = ()
    """Dotted fields of `spec` that cannot change in place with this provider."""
    place: str = ""
    """Deployments with the same place share one machine and its ports; empty: a machine of its own."""
    protect: bool = False
    hold: Hold | None = None
    owner: str = ""
    price: dict[str, Any] | None = None
    """Estimate for one hour of running: {hourly, currency, source, as_of}; None when unknown."""
    notices: tuple[tuple[str, str], ...] = ()
    """(field, why) of fields that are accepted but have no effect yet."""
    version: str = ""
    """Of the template."""


@dataclass(frozen=True, slots=True)
class Record:
    """What was last applied; `inventory/host_vars/<name>/access.yaml`."""

    deployment: str
    provider: str
    state: State
    """Last state that was reached."""
    digest: str
    """Of the spec that is in force. Empty from the first touch of an apply until its end."""
    spec: Spec
    """The spec of that digest: where `before` values come from."""
    machine: dict[str, Any] = field(default_factory=dict)
    """What the provider said of the machine: id, address, engine, …"""
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Port name → {url, host, port, protocol}."""
    health: dict[str, Any] = field(default_factory=dict)
    """How to probe: {host, port, path, status}; empty when nothing can be probed from here."""
    protect: bool = False
    price: dict[str, Any] | None = None
    owner: str = ""
    file: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    """Name → keyed hash of the value that was applied; see `fingerprints`. Empty where none could be made."""
    repo: str = ""
    """Id of the repository that applied it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing at a provider that carries our mark."""

    deployment: str
    provider: str
    id: str
    state: Literal["running", "stopped", "pending", "failed", "gone"]
    """gone: it ended without being asked to, and `detail` says why."""
    digest: str = ""
    """The digest in its mark; empty when unfinished."""
    facts: dict[str, Any] = field(default_factory=dict)
    """engine, address, image… never a secret. `machine_runs`: it must be stopped, whatever its service does;
    `cannot_stop`: why the machine can only be destroyed; `wait`: gone, and until when not to make it again.
    """
    leftover: bool = False
    """A part of a machine that is not there any more, such as a volume: to be removed, never to be used again."""
    detail: str = ""
    """Why it failed or what it waits for."""
    since: str = ""
    """ISO time since when it is in this state; empty when unknown."""
    health: Health = "unknown"
    """What the provider's own look at the service said; unknown where the runner probes by itself."""
    health_detail: str = ""
    restarts: int = 0
    """How often it ended by itself and was started again lately; see `restarts.WINDOW_S`."""
    stopped_price: dict[str, Any] | None = field(default_factory=lambda: {"hourly": 0.0})
    """What it costs while it is stopped: {hourly} and what else a price has; None: unknown."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of one deployment, now."""

    name: str
    resources: tuple[Resource, ...] = ()
    error: str = ""
    """Why it could not be observed; then `resources` says nothing. Absence must be proven."""
    hint: str = ""
    code: str = ""
    """Stable name of the error."""
    health: Health = "unknown"
    health_detail: str = ""
    gone: str = ""
    """Why it is not there, when it ended without being asked to."""
    wait: str = ""
    """Why it is not to be made again yet; empty when it may be."""
    rotated: tuple[str, ...] = ()
    """Secrets whose value is another one than the one that was applied."""

    @property
    def resource(self) -> Resource | None:
        """The one resource, if there is exactly one."""
        return self.resources[0] if len(self.resources) == 1 else None


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs."""

    field: str
    before: Any
    after: Any
    forces_replacement: bool = False


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who reaches a deployment from outside, before and after."""

    before: str
    after: str
    opens: bool
    """Whether somebody may reach it afterwards who could not before, or needs to prove less."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What the repository had agreed on for one deployment, whether or not it was ever applied. From git."""

    protect: bool = False
    hold_until: str = ""
    """ISO date; empty: no hold."""
    ttl: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """Something that kept a deployment safe and does so less from now on."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action does to a service that somebody is using."""

    restarts: bool = False
    """Its callers are cut off for a while."""
    deletes: tuple[str, ...] = ()
    """Data that is lost, by name."""
    leaves: tuple[str, ...] = ()
    """Data that stays where it is, when what replaces it may come to another place."""
    bytes: int | None = None
    """Size of that data; None: unknown, or nothing is deleted."""


@dataclass(frozen=True, slots=True)
class Action:
    """One planned step for one deployment."""

    deployment: str
    provider: str
    kind: Kind
    reason: str
    """For readers; never branch on it."""
    hint: str = ""
    changes: tuple[Change, ...] = ()
    hourly_before: float | None = 0.0
    """None: unknown. 0.0: nothing runs, or it costs nothing."""
    hourly_after: float | None = 0.0
    currency: str = "USD"
    price_source: str = ""
    price_as_of: str = ""
    exposure: Exposure | None = None
    """None when nobody's access changes."""
    effect: Effect = Effect()
    guards: tuple[Guard, ...] = ()
    """What protects less from now on; also where nothing else is to be done."""
    code: str = ""
    """Stable name of what blocks; empty for what is not blocked."""
    resolved: dict[str, Any] = field(default_factory=dict)
    """What it is about, every choice made: see `runner.resolved`. Empty for what changes nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordered actions and what they were computed from."""

    actions: tuple[Action, ...]
    commit: str = ""
    inputs: str = ""
    """Digest of the desired side; a saved plan is refused when it moved."""
    observed: str = ""
    """Digest of the observed side; likewise."""
    warnings: tuple[str, ...] = ()
    """What stands in the way of nothing, and should be known."""

    @property
    def changing(self) -> tuple[Action, ...]:
        """The actions that touch something."""
        return tuple(a for a in self.actions if a.kind in CHANGING)

    @property
    def refused(self) -> tuple[Action, ...]:
        """The actions that something stands in the way of."""
        return tuple(a for a in self.actions if a.kind is Kind.BLOCKED)
