"""What is there, now: each provider is asked once, each running service is probed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from runner import fingerprints, identity, providers, vault
from runner.domain import Desired, Health, Observation, Record, Resource, Spec
from runner.errors import ProviderError, RunnerError
from runner.listing import listed
from runner.load import Loaded
from runner.providers.base import Context, ProviderClass
from runner.providers.market import Limited

SHOWN = 3
"""Deployments whose secrets are not known here, by name; of others only how many."""
NO_ID_YET = "this repository has no id yet; the first reconcile makes one and writes it into runner.yaml"


@dataclass
class Observed:
    """Everything that was seen."""

    by_name: dict[str, Observation] = field(default_factory=dict)
    orphans: list[Resource] = field(default_factory=list)
    """Our mark, but neither a file nor a record."""
    failed: dict[str, ProviderError] = field(default_factory=dict)
    """Provider → why it could not be asked."""
    warnings: list[str] = field(default_factory=list)
    """What stands in the way of nothing yet, and may later."""
    providers: dict[str, ProviderClass] = field(default_factory=dict)
    """Those that were asked: they remember what they have seen."""


def open_provider(
    loaded: Loaded, provider: str, records: Mapping[str, Record] | None = None, *, everywhere: bool = False
) -> ProviderClass:
    """A provider, ready to be asked about everything that files and records place with it."""
    kept = records or {}
    hints = [item.spec["machine"] for item in loaded.desired.values() if provider in item.providers]
    hints += [record.machine for record in kept.values() if record.provider == provider]
    return providers.load(provider)(
        Context(
            loaded.repo.root,
            loaded.repo_id,
            settings=dict(loaded.settings.get("providers", {}).get(provider, {})),
            hints=tuple(hints),
            neighbours=tuple(kept.values()),
            secret=lambda source: vault.external(loaded.repo, "", source),
            everywhere=everywhere,
            coming=coming(loaded.desired, kept, provider),
        )
    )


def coming(desired: Mapping[str, Desired], kept: Mapping[str, Record], provider: str) -> dict[str, Spec]:
    """What a plan will probably make or change at a provider, going by records alone: before anybody was asked."""
    return {
        name: want.spec
        for name, want in desired.items()
        if want.state == "running"
        and provider in want.providers
        and ((record := kept.get(name)) is None or record.digest != want.digest or record.state != "running")
    }


def observe(
    loaded: Loaded,
    records: Mapping[str, Record],
    *,
    names: Collection[str] = (),
    probe: bool = True,
    damaged: Mapping[str, RunnerError] = {},
) -> Observed:
    """Ask the providers in use. With names, the rest is left out (and orphans cannot be told); without, those that
    `runner.yaml` names are asked too: what was forgotten may be at one that nobody uses any more. `damaged`: whose
    record cannot be read, and why.
    """
    wanted = set(names) or {*loaded.names, *records, *damaged}
    used = {*_providers_of(loaded.desired, wanted), *(records[n].provider for n in wanted if n in records)}
    used |= set() if names else _configured(loaded.settings)
    opened = {name: open_provider(loaded, name, records) for name in sorted(used) if name in providers.names()}
    observed = Observed(providers=opened)
    resources = _resources(observed, opened)
    for name in sorted(wanted):
        if name in damaged:
            observed.by_name[name] = _unreadable(name, damaged[name])
            continue
        observed.by_name[name] = _observation(
            name, loaded.desired.get(name), records.get(name), tuple(resources.get(name, ())), observed, opened
        )
        if (reason := identity.foreign(records.get(name), loaded.repo_id)) is not None:
            observed.by_name[name] = _blocked(name, [reason])
    _warn(observed, loaded.desired, opened)
    observed.warnings += [] if loaded.has_id else [NO_ID_YET]
    if not names:
        known = {*loaded.names, *records, *damaged}
        observed.orphans = [r for name, found in sorted(resources.items()) if name not in known for r in _there(found)]
    if probe:
        _probe(observed, records)
    _compare_secrets(loaded, records, observed)
    return observed


def _resources(observed: Observed, opened: Mapping[str, ProviderClass]) -> Mapping[str, list[Resource]]:
    """What the providers have, by deployment. A provider that cannot say it is noted as failed."""
    found: dict[str, list[Resource]] = defaultdict(list)
    for name, provider in opened.items():
        try:
            for resource in provider.list():
                found[resource.deployment].append(resource)
        except ProviderError as error:
            observed.failed[name] = error
    return found


def _unreadable(name: str, error: RunnerError) -> Observation:
    """Where it may be stands in its record only."""
    first = error.problems[0]
    return Observation(name, error=f"{first.where}: {first.message}", hint=first.hint, code=first.code)


def _compare_secrets(loaded: Loaded, records: Mapping[str, Record], observed: Observed) -> None:
    """Which values are others than those that were applied. What cannot be read here is said, and stops nothing."""
    comparison = fingerprints.Comparison(loaded.repo)
    unknown: list[str] = []
    for name, seen in observed.by_name.items():
        want, record = loaded.desired.get(name), records.get(name)
        if want is None or record is None or want.state != "running" or not record.secrets or not seen.resources:
            continue
        found = comparison.compare(want, record)
        if found.changed:
            observed.by_name[name] = replace(seen, rotated=found.changed)
        unknown += [f"{name} ({', '.join(found.unknown)})"] if found.unknown else []
    if unknown:
        observed.warnings.append(
            f"not known here, so not compared with what was applied: secrets of {listed(unknown, SHOWN)}"
        )


def _configured(settings: Mapping[str, Any]) -> set[str]:
    usual = settings.get("defaults", {}).get("provider", [])
    return {*settings.get("providers", {}), *([usual] if isinstance(usual, str) else usual)}


def _warn(observed: Observed, desired: Mapping[str, Desired], opened: Mapping[str, ProviderClass]) -> None:
    """Limits of accounts that do not allow for everything that is to be created."""
    new = [desired[name] for name, seen in observed.by_name.items() if name in desired and not seen.resources]
    wanted = [item for item in new if item.state == "running" and not observed.by_name[item.name].error]
    for name, provider in opened.items():
        specs = [item.spec for item in wanted if item.providers[0] == name]
        if specs and name not in observed.failed and isinstance(provider, Limited):
            observed.warnings += provider.shortages(specs)


def _providers_of(desired: Mapping[str, Desired], names: Collection[str]) -> set[str]:
    return {provider for name, item in desired.items() if name in names for provider in item.providers}


def _observation(  # noqa: PLR0913, PLR0917 - the six things that are known of one name
    name: str,
    want: Desired | None,
    record: Record | None,
    resources: tuple[Resource, ...],
    observed: Observed,
    opened: Mapping[str, ProviderClass],
) -> Observation:
    resources, ended = _there(resources, leftovers=want is None or want.state == "absent"), resources
    involved = {*(want.providers if want else ()), *((record.provider,) if record else ())}
    for provider in sorted(involved):
        if provider in observed.failed:
            error = observed.failed[provider]
            return Observation(name, error=f"{provider} could not be asked: {error}", hint=error.hint, code=error.code)
        if provider not in opened:
            text = f"its record names the provider {provider}, which is not installed here"
            return Observation(name, error=text, code="unknown-provider")
    if record is not None and not resources:
        reason = opened[record.provider].blind_spot(record.machine)
        if reason is not None:
            return _blocked(name, [reason], "it cannot be seen: ")
    if want is not None and want.state in ("absent", "stopped") and record is None and not resources:
        reasons = [opened[provider].blind_spot(want.spec["machine"]) for provider in want.providers]
        if any(reasons):
            return _blocked(name, [next(filter(None, reasons))], "it cannot be seen: ")
    if want is not None and want.state == "running" and not resources:
        unfit = [opened[provider].requirements(want.spec) for provider in want.providers]
        if all(unfit):
            return _blocked(name, list(filter(None, unfit)))
    return _seen(name, resources, ended, record)


def _seen(
    name: str, resources: tuple[Resource, ...], ended: tuple[Resource, ...], record: Record | None
) -> Observation:
    """With nothing there, or nothing that runs, what the provider and the record say about its end."""
    ends = str(record.machine.get("ends", "")) if record is not None else ""
    runs = any(r.state != "stopped" for r in resources)
    if ends and not runs and datetime.fromisoformat(ends) <= datetime.now(UTC):
        wait = f"a new lifecycle.ttl {'starts' if resources else 'makes'} it again"
        return Observation(name, resources, gone=f"its time was over at {ends}", wait=wait)
    lost = next((r for r in ended if r.state == "gone"), None)
    if lost is not None and not resources:
        return Observation(name, gone=lost.detail, wait=str(lost.facts.get("wait", "")))
    return Observation(name, resources)


def _there(resources: Sequence[Resource], *, leftovers: bool = True) -> tuple[Resource, ...]:
    """Those that are there now: the machines, or one of the things that are left of a machine when there is none."""
    machines = tuple(r for r in resources if r.state != "gone" and not r.leftover)
    return machines or tuple(r for r in resources if r.leftover and leftovers)[:1]


def _blocked(name: str, reasons: Sequence[ProviderError], before: str = "") -> Observation:
    """With several reasons, one for each candidate; the first one names the rest."""
    error = before + "; ".join(map(str, reasons))
    hint = "; ".join(dict.fromkeys(reason.hint for reason in reasons if reason.hint))
    return Observation(name, error=error, hint=hint, code=reasons[0].code)


def _probe(observed: Observed, records: Mapping[str, Record]) -> None:
    """Health of what runs and was finished; what was not is configured again anyway."""
    checks: dict[str, dict[str, Any]] = {}
    told: dict[str, tuple[Health, str]] = {}
    for name, seen in observed.by_name.items():
        resource, record = seen.resource, records.get(name)
        if resource is None or resource.state != "running" or record is None:
            continue
        if resource.health != "unknown":
            told[name] = (resource.health, resource.health_detail)
        elif record.health:
            checks[name] = record.health
    for name, (state, detail) in {**_answers(checks), **told}.items():
        seen = observed.by_name[name]
        observed.by_name[name] = Observation(name, seen.resources, health=state, health_detail=detail)


def _answers(checks: Mapping[str, dict[str, Any]]) -> dict[str, tuple[Health, str]]:
    if not checks:
        return {}
    from runner import health  # brings HTTP, which is slow to import

    return health.probe_all(checks)
