"""Show what is: in sync or drifted, healthy or not, since when, at what price."""

from __future__ import annotations

import click

from runner import status
from runner.cli import _complete
from runner.cli._app import App, selection
from runner.load import load
from runner.render.status import deployment_text, status_text
from runner.workflow import Selection, plan_loaded

GROUP = "Look"


@click.command()
@click.argument("name", required=False, shell_complete=_complete.deployments)
@click.pass_obj
def command(app: App, name: str | None) -> int:
    """Show the state of all deployments, or everything about one. Faulty files do not stop it."""
    loaded = load(app.repo)
    if loaded.problems and not app.output.json:
        app.output.warn(f"{len(loaded.problems)} problem(s) in files. See: runner validate")
    planned = plan_loaded(loaded, selection((name,), ()) if name else Selection())
    faulty = status.faulty(loaded, (name,) if name else loaded.names)
    rows = status.rows(planned.plan.actions, loaded.desired, planned.records, planned.observed.by_name, faulty)
    style = app.output.style
    if name and rows:
        app.output.result(rows[0], lambda: deployment_text(rows[0], style=style))
    else:
        app.output.result({"deployments": rows}, lambda: status_text({"deployments": rows}, style=style))
    return 0
