"""Load, observe, plan: the read-only half of every command. Effects at the edge, decisions in `plan`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from runner import git, memory, plan, records
from runner.committed import committed
from runner.domain import Kind, Plan, Record
from runner.errors import Blocked, UsageError
from runner.load import Loaded, inputs_digest, load
from runner.observe import Observed, observe
from runner.repo import Repo

MANY_DESTROYS = 2
"""From this number on, destroying more than half of all deployments must be spelled out."""


@dataclass(frozen=True)
class Planned:
    """A plan and everything that it was made from."""

    loaded: Loaded
    records: dict[str, Record]
    observed: Observed
    plan: Plan


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deployments a command is about; no names means all."""

    names: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def make_plan(repo: Repo, selection: Selection = Selection(), *, secrets_here: bool = True) -> Planned:
    """Read the files, look at the world, decide. Raises InvalidFiles, UsageError. Touches nothing. `secrets_here`:
    whether this machine is the one that will apply it, and so must have the secrets.
    """
    loaded = load(repo)
    loaded.require_valid(selection.names)
    return plan_loaded(loaded, selection, secrets_here=secrets_here)


@memory.lasting()
def plan_loaded(loaded: Loaded, selection: Selection = Selection(), *, secrets_here: bool = True) -> Planned:
    """Like `make_plan`, for files that are loaded already and may have faults; their deployments are left out."""
    loaded.require_settings()
    kept, damaged = records.read_each(loaded.repo)
    chosen = select(loaded, {*kept, *damaged}, selection)
    observed = observe(loaded, kept, names=chosen if selection != Selection() else (), damaged=damaged)
    desired = {name: item for name, item in loaded.desired.items() if name in chosen}
    # A file with a fault is never taken for a deleted one.
    faulty = loaded.names - loaded.desired.keys()
    known = {name: record for name, record in kept.items() if name in chosen and name not in faulty}
    head = git.head(loaded.repo.root)
    made = plan.plan(
        desired,
        known,
        observed.by_name,
        today=datetime.now(UTC).date().isoformat(),
        commit=head,
        inputs=inputs_digest(desired.values()),
        unreadable=(damaged.keys() & chosen) - faulty,
        committed=committed(loaded.repo, head, known.keys() - loaded.names),
    )
    return completed(Planned(loaded, kept, observed, made), secrets_here=secrets_here)


def completed(planned: Planned, *, secrets_here: bool = True) -> Planned:
    """With what its actions will meet, as far as that is known before. Costs nothing where nothing is to be done."""
    if not (planned.plan.changing or planned.plan.refused):
        return planned
    from runner import foresight

    foreseen = foresight.complete(
        planned.plan, planned.loaded, planned.records, planned.observed, secrets_here=secrets_here
    )
    warnings = [*dict.fromkeys((*planned.observed.warnings, *foreseen.warnings))]
    planned.observed.warnings = warnings
    return replace(planned, plan=replace(foreseen.plan, warnings=tuple(warnings)))


def select(loaded: Loaded, kept: Collection[str], selection: Selection) -> set[str]:
    """The chosen names. Raises UsageError for names that nobody knows."""
    everything = {*loaded.names, *kept}
    unknown = sorted({*selection.names, *selection.exclude} - everything)
    if unknown:
        from runner.faults import suggestion

        hint = suggestion(unknown[0], everything, otherwise="see: runner status")
        raise UsageError(f"there is no deployment {unknown[0]}", code="unknown-deployment", hint=hint)
    return set(selection.names or everything) - set(selection.exclude)


def require_allowed(planned: Planned, allow_destroy: int | None) -> None:
    """Raises Blocked when the plan destroys more than was allowed: None, any (0) or exactly that many."""
    destroys = [a for a in planned.plan.actions if a.kind is Kind.DESTROY]
    replaces = [a for a in planned.plan.actions if a.kind is Kind.REPLACE]
    count = len(destroys)
    if allow_destroy is None and (destroys or replaces):
        names = ", ".join(a.deployment for a in [*destroys, *replaces][:5])
        message = f"the plan destroys {count} and replaces {len(replaces)}: {names}"
        raise Blocked(message, code="destroy-not-allowed", hint="read the plan, then add --allow-destroy")
    if allow_destroy and not count + len(replaces):
        message = f"--allow-destroy {allow_destroy} was given, but the plan destroys and replaces nothing"
        raise Blocked(message, code="destroy-count", hint="read the plan, then leave --allow-destroy out")
    if allow_destroy and count + len(replaces) != allow_destroy:
        message = (
            f"--allow-destroy {allow_destroy} was given, but the plan destroys or replaces {count + len(replaces)}"
        )
        raise Blocked(message, code="destroy-count", hint=f"read the plan; --allow-destroy {count + len(replaces)}")
    known = {*planned.loaded.names, *planned.records}
    many = sum(a.deployment in known for a in destroys)  # orphans are no deployments
    if many >= MANY_DESTROYS and many * 2 > len(known) and allow_destroy != count + len(replaces):
        message = f"the plan destroys {many} of {len(known)} deployments"
        raise Blocked(message, code="mass-destroy", hint=f"if that is meant: --allow-destroy {count + len(replaces)}")


def without_adoptions(made: Plan) -> Plan:
    """The plan where nobody has asked to take over what is on no record."""
    kinds = {Kind.ADOPT: Kind.BLOCKED}
    return replace(made, actions=tuple(replace(a, kind=kinds.get(a.kind, a.kind)) for a in made.actions))


def require_same(saved: Plan, planned: Planned) -> None:
    """Raises Blocked unless a saved plan still fits files and world."""
    now = planned.plan
    moved = [
        what
        for what, before, after in (
            ("the commit", saved.commit, now.commit),
            ("the files", saved.inputs, now.inputs),
            ("what is observed", saved.observed, now.observed),
            ("the actions", _steps(saved), _steps(now)),
        )
        if before != after
    ]
    if moved:
        message = f"the saved plan no longer fits: {' and '.join(moved)} changed since"
        raise Blocked(message, code="stale-plan", hint="make a new one: runner plan --out FILE")


def _steps(made: Plan) -> list[tuple[str, Kind]]:
    """Records and the calendar also decide, and are part of no digest."""
    return [(a.deployment, a.kind) for a in made.actions]
