"""Show what is: in sync or drifted, healthy or not, since when, at what price."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import click

from runner import failures, locks, status
from runner.cli import _complete
from runner.cli._app import App, Duration, selection
from runner.errors import UsageError
from runner.faults import suggestion
from runner.load import Loaded, load
from runner.render.status import deployment_text, status_text
from runner.render.units import plural
from runner.workflow import Selection, plan_loaded

GROUP = "Look"
FILTERS = ("template", "provider", "where", "engine", "model", "gpu", "sync", "health", "state", "owner")
SOONEST_S = 1.0
"""Looking costs calls: no more often than this."""


@click.command()
@click.argument("name", required=False, shell_complete=_complete.deployments)
@click.option(
    "-o", "--output", "form", type=click.Choice(["wide"]), help="wide, as -v: engine, model, GPU, owner, labels too."
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=VALUE",
    help=f"Only these: {', '.join(FILTERS)} or labels.NAME; may be repeated.",
)
@click.option("--watch", is_flag=True, help="Show it again and again, until interrupted.")
@click.option(
    "--every", type=Duration(), default=5.0, show_default="5s", metavar="TIME", help="With --watch: how often."
)
@click.pass_obj
def command(app: App, name: str | None, form: str | None, filters: tuple[str, ...], watch: bool, every: float) -> int:
    """Show the state of all deployments, or everything about one. Faulty files do not stop it."""
    wanted = _filters(filters)
    while True:
        rows = _rows(app, name, wanted)
        if watch and app.output.live and not app.output.json:
            click.clear()
        if wanted and not rows:
            app.output.note("No deployment is like that. All of them: runner status")
        _show(app, rows, one=name is not None, wide=form == "wide" or app.output.verbose, many=watch)
        if not watch or app.output.unread:
            return 0
        time.sleep(max(every, SOONEST_S))


def _rows(app: App, name: str | None, wanted: dict[str, str]) -> list[dict[str, Any]]:
    loaded = load(app.repo)
    if loaded.problems and not app.output.json:
        app.output.warn(f"{plural(len(loaded.problems), 'problem')} in files. See: runner validate")
    planned = plan_loaded(loaded, selection((name,), ()) if name else Selection())
    faulty = status.faulty(loaded, (name,) if name else loaded.names)
    lately = _lately(app, loaded, [action.deployment for action in planned.plan.actions])
    rows = status.rows(planned.plan.actions, loaded.desired, planned.records, planned.observed.by_name, faulty, lately)
    return status.matching(rows, wanted)


def _lately(app: App, loaded: Loaded, names: list[str]) -> status.Lately:
    working = {lease.deployment for lease in locks.leases(app.repo, loaded.repo_id).all() if lease.process}
    return status.Lately(failures.of(app.repo, names), working)


def _show(app: App, rows: list[dict[str, Any]], *, one: bool, wide: bool, many: bool) -> None:
    """`many`: one of many answers, as JSON one line each."""
    style = app.output.style
    data = rows[0] if one and rows else {"deployments": rows}
    text = (
        partial(deployment_text, data, style=style)
        if one and rows
        else partial(status_text, data, style=style, wide=wide)
    )
    if many:
        app.output.line(data, "" if app.output.json else text())
    else:
        app.output.result(data, text)


def _filters(words: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or (key not in FILTERS and not key.startswith("labels.")):
            hint = suggestion(key, FILTERS)
            raise UsageError(f"{word} is no filter", code="bad-filter", hint=hint or "--filter health=degraded")
        pairs[key] = value
    return pairs
