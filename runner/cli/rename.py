"""Give a service another name, and keep its data and its secrets."""

from __future__ import annotations

import click

from runner import renaming
from runner.apply import recover
from runner.cli import _complete
from runner.cli._app import App, selection, wait_option, yes_option
from runner.cli._reconcile import Consent, carry_out, plan_to_apply
from runner.errors import Blocked
from runner.load import load

GROUP = "Deploy"


@click.command()
@click.argument("old", shell_complete=_complete.deployments)
@click.argument("new")
@yes_option
@wait_option
@click.pass_obj
def command(app: App, old: str, new: str, yes: bool, wait_s: float) -> int:
    """Rename the file of a deployment with its record, secrets and data, then reconcile it: it restarts once.

    Works where the engine can rename what is stored: processes of this machine. A file that was renamed by hand
    already is taken as it is.
    """
    loaded = load(app.repo)
    loaded.require_settings()
    it = renaming.Rename(old, new)
    renaming.check(loaded, it)
    if not yes and not app.output.confirm(f"Rename {old} to {new}? It restarts."):
        raise Blocked("nothing was changed", code="not-confirmed", hint="confirm, or add --yes")
    recover(loaded)
    renaming.carry_out(loaded, it, wait_s, lambda lease: app.output.note(f"Waiting for {lease.deployment}."))
    app.output.note(f"{old} is {new} now: deployments/{new}.yaml. Commit it.")
    planned = plan_to_apply(app, selection((new,), ()))
    return carry_out(app, planned, Consent(yes=True, wait_s=wait_s), f"runner rename {old} {new}")
