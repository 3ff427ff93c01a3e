"""Destroy a service: state absent in its file, then reconcile it."""

from __future__ import annotations

import click

from runner.cli._app import App, name_argument, wait_option, yes_option
from runner.cli._desired import change_state
from runner.cli._reconcile import Consent
from runner.errors import Blocked

GROUP = "Deploy"


@click.command()
@name_argument
@yes_option
@wait_option
@click.pass_obj
def command(app: App, name: str, yes: bool, wait_s: float) -> int:
    """Write state: absent into the file of a deployment and remove it, with its data and its secrets."""
    if not yes and not app.output.confirm(f"Destroy {name} with its data and its secrets?"):
        raise Blocked("nothing was changed", code="not-confirmed", hint="confirm, or add --yes")
    return change_state(app, name, "absent", Consent(yes=True, allow_destroy=0, wait_s=wait_s))
