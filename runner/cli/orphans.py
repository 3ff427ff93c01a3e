"""List what carries our mark and has neither a file nor a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from runner import providers, records
from runner.cli._app import App, wait_option, yes_option
from runner.cli._reconcile import Consent, carry_out
from runner.domain import Action, Kind, Plan, Record, Resource
from runner.errors import ProviderError
from runner.load import Loaded, load
from runner.observe import Observed, open_provider
from runner.readback import UNNAMED
from runner.render.reports import orphans_text
from runner.workflow import Planned

GROUP = "Look"


@click.command()
@click.option("--destroy", is_flag=True, help="Remove them.")
@yes_option
@wait_option
@click.pass_obj
def command(app: App, destroy: bool, yes: bool, wait_s: float) -> int:
    """Ask every provider for what carries this repository's mark and belongs to nothing."""
    loaded = load(app.repo)
    loaded.require_settings()
    found, unknown = _find(loaded)
    if destroy and found:
        return _destroy(app, loaded, found, Consent(yes=yes, allow_destroy=0, wait_s=wait_s))
    data = {"orphans": [_row(resource, loaded.repo_id) for resource in found], "unknown": unknown}
    app.output.result(data, lambda: orphans_text(data, style=app.output.style))
    return 1 if unknown else 0


def _find(loaded: Loaded) -> tuple[list[Resource], list[dict[str, str]]]:
    kept, damaged = records.read_each(loaded.repo)
    known = {*loaded.names, *kept, *damaged}
    found: list[Resource] = []
    problems = [problem for error in damaged.values() for problem in error.problems]
    unknown = [{"provider": "", "error": f"{p.where}: {p.message}", "hint": p.hint} for p in problems]
    for name in providers.names():
        provider = open_provider(loaded, name, kept, everywhere=True)
        try:
            there = [r for r in provider.list() if r.state != "gone"]
            found += [r for r in there if r.deployment not in known]
            unknown += [_behind(r) for r in there if r.leftover and _is_elsewhere(r, kept)]
            unknown += [_second(r, kept[r.deployment]) for r in there if provider.rents and _is_second(r, kept)]
            blindness = provider.blind_spot({})
            if blindness is not None:
                raise blindness
        except ProviderError as error:
            unknown.append({"provider": name, "error": str(error), "hint": error.hint})
    return found, unknown


def _is_second(resource: Resource, kept: Mapping[str, Record]) -> bool:
    """Whether the record of its deployment knows another machine than this one."""
    record = kept.get(resource.deployment)
    noted = record.machine.get("id") if record is not None else None
    return noted is not None and not resource.leftover and resource.id != noted


def _is_elsewhere(resource: Resource, kept: Mapping[str, Record]) -> bool:
    """Whether the deployment that has left this behind runs at another place now."""
    record = kept.get(resource.deployment)
    if record is None or providers.load(resource.provider).rents:
        return False
    same_engine = record.machine.get("engine") == resource.facts.get("engine")
    same_host = resource.facts.get("host") in (None, record.machine.get("host"))
    return not (record.provider == resource.provider and same_engine and same_host)


def _behind(resource: Resource) -> dict[str, str]:
    """Its name is in use, so by that name nothing can be removed without ending what runs."""
    where = resource.facts.get("host") or "this machine"
    error = f"{where} still has what {resource.deployment} stored before it moved, {resource.detail}"
    hint = f"when it is not wanted any more, on {where}: docker volume rm NAME…"
    return {"provider": resource.provider, "id": resource.id, "error": error, "hint": hint}


def _second(resource: Resource, record: Record) -> dict[str, str]:
    """It costs, but only a person can tell which one is wanted: by its name, `destroy` would end both."""
    error = f"{resource.id} carries the name of {resource.deployment}, whose record knows {record.machine['id']}"
    hint = "terminate the one that is not wanted, by its id"
    return {"provider": resource.provider, "id": resource.id, "error": error, "hint": hint}


def _row(resource: Resource, repo_id: str) -> dict[str, Any]:
    return {
        "provider": resource.provider,
        "id": resource.id,
        "deployment": resource.deployment,
        "repository": repo_id,
        "host": str(resource.facts.get("host") or resource.facts.get("region") or ""),
        "leftover": resource.leftover,
        "state": resource.state,
        "since": resource.since,
        "detail": resource.detail,
        "price": _price(resource),
    }


def _whose(name: str, found: list[Resource], loaded: Loaded) -> str:
    """What exactly goes with an orphan, and whose mark it carries."""
    ours = [r for r in found if r.deployment == name]
    ids = ", ".join(f"{r.id} on {r.facts['host']}" if r.facts.get("host") else r.id for r in ours)
    return f"orphan: {ids}; marked {name} of the repository {loaded.repo_id}, and there is no file and no record"


def _price(resource: Resource) -> dict[str, Any] | None:
    if resource.state == "stopped":
        return resource.stopped_price
    return providers.load(resource.provider).price(resource.facts)


def _destroy(app: App, loaded: Loaded, found: list[Resource], consent: Consent) -> int:
    """The same path as every destroy: shown, agreed to, locked, run by Ansible, told by events.

    A run works on a name at one provider only; what carries it at others is left to the next one.
    """
    nameless = [r for r in found if r.deployment == UNNAMED]
    found = [r for r in found if r.deployment != UNNAMED]
    for resource in nameless:
        where = f"{resource.id} at {resource.provider}"
        app.output.warn(f"{where} carries our mark and no proper name of a deployment: remove it there, by its id.")
    things = {r.deployment: r.provider for r in reversed(found)}  # a machine and what is left of another: one step
    actions = tuple(Action(name, things[name], Kind.DESTROY, _whose(name, found, loaded)) for name in sorted(things))
    code = carry_out(app, Planned(loaded, {}, Observed(), Plan(actions)), consent, "runner orphans --destroy")
    later = {f"{r.deployment} at {r.provider}" for r in found if things[r.deployment] != r.provider}
    if later:
        app.output.warn(f"Still there: {', '.join(sorted(later))}. Run it again.")
    return code or (1 if later else 0)
