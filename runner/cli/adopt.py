"""Take over what carries our mark and this name, and is on no record here."""

from __future__ import annotations

import click

from runner.cli import _complete
from runner.cli._app import App, selection, wait_option, yes_option
from runner.cli._reconcile import Consent, carry_out, plan_to_apply
from runner.domain import Kind
from runner.errors import UsageError

GROUP = "Deploy"


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=_complete.deployments)
@yes_option
@wait_option
@click.pass_obj
def command(app: App, names: tuple[str, ...], yes: bool, wait_s: float) -> int:
    """Make it as its file says and put it on record. Its data stays; secrets that are not stored here are made anew."""
    planned = plan_to_apply(app, selection(names, ()))
    for action in planned.plan.actions:
        if action.kind is not Kind.ADOPT:
            message = f"{action.deployment} is not to be adopted: {action.reason}"
            raise UsageError(message, code="nothing-to-adopt", hint=f"see: runner plan {action.deployment}")
    consent = Consent(yes=yes, wait_s=wait_s, adopt=True)
    return carry_out(app, planned, consent, f"runner adopt {' '.join(names)}")
