"""Take away a lock that nobody is using any more."""

from __future__ import annotations

import click

from runner import locks
from runner.cli._app import App, name_argument
from runner.errors import UsageError
from runner.load import load

GROUP = "Set up"


@click.command()
@name_argument
@click.option("--reason", required=True, help="Why it is safe to take it away.")
@click.pass_obj
def command(app: App, name: str, reason: str) -> int:
    """Remove the lock of a deployment. An apply that still runs is not stopped by it."""
    loaded = load(app.repo)
    loaded.require_settings()
    store = locks.leases(app.repo, loaded.repo_id)
    lease = next((lease for lease in (store.all() if loaded.has_id else ()) if lease.deployment == name), None)
    if lease is None:
        raise UsageError(f"{name} is not locked", code="not-locked", hint="see: runner lock")
    store.release([lease])
    app.output.note(f"{name} is unlocked; {lease.who} held it for: {lease.purpose}. Reason: {reason}")
    app.output.result({"deployment": name, "was_held_by": lease.who, "reason": reason}, str)
    return 0
