"""Show what happened during applies, oldest first."""

from __future__ import annotations

import click

from runner import runs
from runner.cli import _complete
from runner.cli._app import App
from runner.cli._known import require_known
from runner.render.reports import events_text

GROUP = "Look"


@click.command()
@click.argument("name", required=False, default="", shell_complete=_complete.deployments)
@click.option(
    "-n", "--lines", type=click.IntRange(min=1), default=200, show_default=True, help="How many of the last events."
)
@click.pass_obj
def command(app: App, name: str, lines: int) -> int:
    """Show the events of the applies that were run from here, or those of one deployment. -v: also what started."""
    every = app.output.verbose
    found = [event for event in runs.events(app.repo, name) if every or event["status"] != "started"]
    if name and not found:
        require_known(app.repo, name)
    data = {"events": found[-lines:]}
    app.output.result(data, lambda: events_text(data, style=app.output.style))
    return 0
