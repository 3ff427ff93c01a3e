"""Show the output of a service."""

from __future__ import annotations

from dataclasses import replace

import click

from runner import records, vault
from runner.cli._app import App, name_argument, selection
from runner.domain import Resource
from runner.errors import UsageError
from runner.load import load
from runner.observe import open_provider
from runner.workflow import plan_loaded

GROUP = "Use"


@click.command()
@name_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted.")
@click.option(
    "-n", "--lines", type=click.IntRange(min=1), default=100, show_default=True, help="How many of the last lines."
)
@click.option("--companion", default="", metavar="NAME", help="Of the container beside it, such as chat.")
@click.pass_obj
def command(app: App, name: str, follow: bool, lines: int, companion: str) -> int:
    """Show the last lines of a service's own output. Known secrets are masked."""
    loaded = load(app.repo)
    observed = plan_loaded(loaded, selection((name,), ())).observed.by_name[name]
    resource = observed.resource
    if resource is None:
        reason = observed.error or "nothing is there"
        raise UsageError(f"{name} has no output: {reason}", code="nothing-there", hint=f"runner reconcile {name}")
    if companion:
        resource = _beside(resource, companion)
    want = loaded.desired.get(name)
    _learn_secrets(app, name, want.spec["secrets"] if want is not None else {})
    provider = open_provider(loaded, resource.provider, records.read_all(app.repo, [name]))
    masked = app.redactor.stream()  # a secret may be broken by a line end
    shown = map(masked.text, provider.logs(resource, follow=follow, lines=lines))
    if app.output.json and not follow:
        app.output.result({"name": name, "lines": list(shown)}, str)
        return 0
    for line in shown:
        if app.output.unread:
            break
        app.output.line({"line": line}, line)
    return 0


def _beside(resource: Resource, companion: str) -> Resource:
    """The same resource, as seen by who reads a companion's output."""
    there = resource.facts.get("companions", {})
    if companion not in there:
        known = ", ".join(sorted(there)) or "none"
        raise UsageError(
            f"{resource.deployment} has no companion {companion}", code="unknown-companion", hint=f"there are: {known}"
        )
    return replace(resource, facts={**resource.facts, "container": there[companion]})


def _learn_secrets(app: App, name: str, wanted: dict[str, str]) -> None:
    """Those of the file and those in force: either may be in the log."""
    record = records.read(app.repo, name)
    missing: set[str] = set()
    for sources in (wanted, record.spec.get("secrets", {}) if record is not None else {}):
        values = vault.known(app.repo, name, sources)
        missing |= sources.keys() - values.keys()
        for value in values.values():
            app.redactor.add(value)
    if missing:
        app.output.warn(f"Not masked, because their values are not known here: {', '.join(sorted(missing))}")
