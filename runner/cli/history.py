"""Show who changed a deployment and what was applied, newest first."""

from __future__ import annotations

from datetime import datetime

import click

from runner import git, runs
from runner.cli._app import App, name_argument
from runner.cli._known import require_known
from runner.render.reports import history_text

GROUP = "Look"


@click.command()
@name_argument
@click.option("-n", "--lines", type=click.IntRange(min=1), default=50, show_default=True, help="How many entries.")
@click.pass_obj
def command(app: App, name: str, lines: int) -> int:
    """Show the commits that touched a deployment's file or record, and the applies that were run from here."""
    repo = app.repo
    commits = git.log(repo.root, [repo.deployment_file(name), repo.record_file(name)], lines)
    entries = [{**commit, "changes": []} for commit in commits]
    entries += [_applied(event) for event in runs.events(repo, name) if event["kind"] == "result"]
    if not entries:
        require_known(repo, name)
    entries.sort(key=lambda entry: datetime.fromisoformat(str(entry["time"])), reverse=True)
    data = {"name": name, "entries": entries[:lines]}
    app.output.result(data, lambda: history_text(data, style=app.output.style, verbose=app.output.verbose))
    return 0


def _applied(event: runs.Event) -> dict[str, object]:
    said = f": {event['message']}" if event["message"] else ""
    subject = f"{event['step']} {event['status']}{said}"
    return {"commit": "", "time": event["time"], "author": f"run {event['run']}", "subject": subject, "changes": []}
