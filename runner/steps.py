"""The controller-side steps of an apply, called by Ansible's action plugins: machine, record, index.

Each can be repeated after a crash at any point: the record is blanked before the first touch and filled last.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from runner import file_lock, fingerprints, generated, identity, locks, pages, providers, reach, records, specs, vault
from runner.domain import Kind, Record
from runner.errors import CapacityError, GoneError, ProviderError, QuotaError
from runner.providers.base import Context, Foresighted, Machine, ProviderClass, Scattered
from runner.repo import NO_ID, Repo
from runner.subject import Subject

SAME_PRICE = 0.00005
"""Prices are shown with four decimals."""
LOOPBACK = "127.0.0.1"
"""Where people find a service that they reach by tunnel."""


def machine_present(it: Subject, *, check: bool) -> dict[str, Any]:
    """Ensure there is a machine, and say how to reach it. Raises ProviderError when no candidate has one.

    The record is blanked and the secrets are made before the provider is asked for anything.
    """
    existing = _own_record(it)
    attempts: dict[str, ProviderError] = {}
    for name in _in_order(it.spec["provider"], existing):
        try:
            if existing is None:
                _require_new(it, name)
            if not check:
                _begin(it, name, existing)
                vault.ensure(it.repo, it.name, it.spec["secrets"])
            secrets = _hashed_secrets(it, existing, check=check)
            machine = _created(it, name, check=check)
            if not check:
                machine = _noted(it, name, _open(it, name).ready(machine))
        except (CapacityError, QuotaError) as error:
            attempts[name] = error
            continue
        return {**_facts(machine, name), "record_before": records.fingerprint(existing), "secrets": secrets}
    if len(attempts) == 1:
        raise next(iter(attempts.values()))
    text = "\n".join(f"{name}: {error}" for name, error in attempts.items())
    raise CapacityError(f"no candidate has a machine:\n{text}", code="no-capacity", hint="add a candidate")


def _own_record(it: Subject) -> Record | None:
    """Raises ProviderError where it cannot be told what is ours."""
    if it.repo_id == NO_ID:
        hint = f"run `runner reconcile` once, or write id: {identity.new_id()} into runner.yaml, and commit it"
        raise ProviderError("runner.yaml has no id yet", code=identity.MISSING, hint=hint)
    record = records.read(it.repo, it.name)
    if (reason := identity.foreign(record, it.repo_id)) is not None:
        raise reason
    return record


def _require_new(it: Subject, provider: str) -> None:
    """What is on no record is taken over only where a person asked for it. A plan has looked for it already."""
    if it.purpose in (Kind.CREATE, Kind.ADOPT):
        return
    if _open(it, provider).find(it.mark) is not None:
        message = f"{provider} has something with our mark and this name, but no record here knows it"
        raise ProviderError(message, code="not-recorded", hint=f"runner adopt {it.name}")


def _hashed_secrets(it: Subject, existing: Record | None, *, check: bool) -> dict[str, str]:
    """Of what is about to be put in place: what changes meanwhile is found by the next plan. A check puts nothing in
    place, and other values are the planner's to find.
    """
    if check:
        return existing.secrets if existing is not None else {}
    return fingerprints.applied(it.repo, it.name, it.spec["secrets"])


def _in_order(candidates: Sequence[str], existing: Record | None) -> list[str]:
    """The one that has the machine comes first: another one would make a second machine."""
    return sorted(candidates, key=lambda name: existing is None or name != existing.provider)


def _created(it: Subject, name: str, *, check: bool) -> Machine:
    """Create and note it in the record at once. Where places are shared, one after the other, so that no two choose
    the same; what is rented is rented by all at once.

    A new one also notes its spec, digest or not: the next one must see which ports and GPUs it takes.
    """
    rents = providers.load(name).rents if name in providers.names() else False
    if check:
        provider = _open(it, name)
        return _there(it, provider) if rents else provider.create(it.mark, it.spec)
    answers: dict[str, Any] = {}
    if isinstance(ahead := _open(it, name, answers), Foresighted):
        ahead.look_ahead(it.spec)  # so that nobody waits for an answer while others wait for their turn
    with (
        contextlib.nullcontext() if rents else file_lock.held(locks.shared_folder(it.repo, it.repo_id) / "create.lock")
    ):
        return _noted(it, name, _open(it, name, answers).create(it.mark, it.spec))


def _noted(it: Subject, name: str, machine: Machine) -> Machine:
    """Remember at once where it is: a run that ends here must not lose it. Another machine than before was made from
    what is wanted now, and must not be taken for an old one.
    """
    noted = records.read(it.repo, it.name)
    if noted is not None:
        may_be = records.EXPOSED in noted.machine or reach.exposed(reach.access_of(it.spec))
        kept = _kept(asdict(machine)) | _marked_if(may_be)
        spec = noted.spec if noted.spec and noted.machine.get("id") in (machine.id, None) else it.spec
        records.begin(it.repo, replace(noted, provider=name, machine=kept, spec=spec))
    return machine


def _there(it: Subject, provider: ProviderClass) -> Machine:
    """For a check, nothing is rented."""
    machine = provider.find(it.mark)
    if machine is None:
        raise GoneError(f"{it.name} has no machine to check", code="gone", hint=f"runner reconcile {it.name}")
    return machine


def _kept(machine: Mapping[str, Any]) -> dict[str, Any]:
    """What a record keeps of a machine."""
    rate = {"rate": machine["rate"]} if machine["rate"] else {}
    return {**machine["keep"], **{key: machine[key] for key in ("id", "address", "engine")}, **rate}


def _marked_if(exposed: bool) -> dict[str, Any]:  # noqa: FBT001 - the one thing that it is about
    return {records.EXPOSED: True} if exposed else {}


def machine_found(it: Subject) -> dict[str, Any] | None:
    """How to reach the machine that is there; None when there is none."""
    for name in _providers(it):
        machine = _open(it, name).find(it.mark)
        if machine is not None:
            return _facts(machine, name)
    return None


def machine_absent(it: Subject, *, check: bool) -> None:
    """Ensure the provider says gone. Quiet when it was gone already. Raises ProviderError when something is left."""
    record = _own_record(it)
    for name in () if check else _providers(it):
        provider = _open(it, name)
        reason = provider.blind_spot(record.machine) if record is not None and record.provider == name else None
        if reason is not None:
            raise ProviderError(f"it cannot be seen: {reason}", code=reason.code, hint=reason.hint)
        provider.destroy(it.mark)
        if provider.find(it.mark) is not None:
            hint = "run it again; if that does not help, remove it at the provider"
            raise ProviderError(f"{name} still has {it.name} after its removal", code="not-gone", hint=hint)


def machine_stopped(it: Subject, *, check: bool) -> None:
    """Ensure the provider says stopped, where machines are stopped at all."""
    for name in () if check else _providers(it):
        _open(it, name).stop(it.mark)


def _providers(it: Subject) -> list[str]:
    """Every provider that may have it. Raises ProviderError when nobody can be asked: silence proves nothing."""
    record = _own_record(it)
    own, planned = [record.provider] if record else [], [it.provider] if it.provider else []
    names = [*own, *it.spec.get("provider", []), *planned]
    if not names:
        raise ProviderError(f"it is not known which provider has {it.name}", code="unknown-provider")
    return list(dict.fromkeys(names))


def record_running(
    it: Subject, machine: Mapping[str, Any], panel: Mapping[str, Any], *, ca: str = "", check: bool
) -> bool:
    """The last step of an apply: what is in force now, and the page that says how to use it. `ca` certifies what is
    exposed; empty where nothing is, or everybody trusts who does.
    """
    tunnelled = machine["keep"].get("tunnel", False)
    endpoints = specs.endpoints(it.spec, LOOPBACK if tunnelled else machine["address"], machine["address"])
    record = Record(
        deployment=it.name,
        provider=machine["provider"],
        state="running",
        digest=it.digest,
        spec=it.spec,
        machine=_kept(machine) | _marked_if(reach.exposed(reach.access_of(it.spec))),
        endpoints=endpoints,
        health={} if tunnelled else specs.health_check(it.spec, machine["address"]),
        protect=it.protect,
        price=priced(it.price, machine["rate"]),
        owner=it.owner,
        file=it.file,
        secrets=machine.get("secrets", {}),
        repo=it.repo_id,
    )
    changed: bool = records.fingerprint(record) != machine["record_before"]
    if check:
        return changed
    _open(it, record.provider).settle(it.mark, it.spec, record.machine)
    page_changed = pages.write(it.repo, record, panel)
    certificate = it.repo.access_ca(it.name)
    page_changed |= (
        generated.write(certificate, ca, below=it.repo.root)
        if ca
        else generated.remove(certificate, below=it.repo.root)
    )
    records.write(it.repo, record)  # last: it says that everything else is done
    return page_changed or changed


def priced(planned: dict[str, Any] | None, rate: dict[str, Any] | None) -> dict[str, Any] | None:
    """The real rate where the provider told it, with what the plan said when that was something else."""
    if not rate:
        return planned
    if planned is None:
        return {**rate, "source": f"{rate['source']}; the plan did not know it"}
    if abs(planned["hourly"] - rate["hourly"]) < SAME_PRICE:
        return rate
    return {**rate, "source": f"{rate['source']}; the plan said {planned['hourly']:g}"}


def record_stopped(it: Subject, *, check: bool) -> bool:
    """Remember that it stopped. What was applied stays in force for the next start."""
    record = records.read(it.repo, it.name)
    if record is None:
        return False
    stopped = replace(record, state="stopped", protect=it.protect)
    if stopped == record:
        return False
    if not check:
        records.write(it.repo, stopped)
    return True


def record_absent(it: Subject, *, check: bool) -> bool:
    """Forget what is gone; a replacement keeps its secrets and comes back under the same record."""
    if it.purpose == "replace" or not it.repo.record_file(it.name).exists():
        return False
    if not check:
        records.remove(it.repo, it.name)
    return True


def index(repo: Repo, *, check: bool) -> bool:
    """The table of all deployments in `deployments/README.md`."""
    text = pages.index_page(records.read_each(repo)[0].values())
    path = repo.deployments / "README.md"
    if check:
        return not path.exists() or path.read_text(encoding="utf-8", errors="replace") != text
    return generated.write(path, text, below=repo.root)


def _open(it: Subject, name: str, answers: dict[str, Any] | None = None) -> ProviderClass:
    if name not in providers.names():
        raise ProviderError(f"the provider {name} is not installed here", code="unknown-provider")
    kept, damaged = records.read_each(it.repo)  # one that is damaged stops no other
    if it.name in damaged:
        raise damaged[it.name]
    own = kept.pop(it.name, None)
    place = dict(own.machine) if own is not None and own.provider == name else {}
    return providers.load(name)(
        Context(
            it.repo.root,
            it.repo_id,
            settings=dict(it.settings.get("providers", {}).get(name, {})),
            hints=tuple(hint for hint in (it.spec.get("machine"), place) if hint),
            neighbours=tuple(kept.values()),
            machine=place,
            new=it.purpose == Kind.CREATE,
            secret=lambda source: vault.external(it.repo, "", source),
            everywhere=own is None and not it.spec,
            answers={} if answers is None else answers,
        )
    )


def _begin(it: Subject, provider: str, existing: Record | None) -> None:
    new = Record(it.name, provider, "running", "", {}, protect=it.protect, owner=it.owner, file=it.file)
    blank = existing or replace(new, repo=it.repo_id)
    if "id" not in blank.machine and isinstance(opened := _open(it, provider), Scattered):
        noted = blank.machine if blank.provider == provider else {}
        blank = replace(blank, provider=provider, machine=noted | opened.whereabouts(it.spec, noted))
    records.begin(it.repo, blank)


def _facts(machine: Machine, provider: str) -> dict[str, Any]:
    return {**asdict(machine), "provider": provider}
