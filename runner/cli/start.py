"""Start a service: state running in its file, then reconcile it."""

from __future__ import annotations

import click

from runner.cli._app import App, name_argument, wait_option
from runner.cli._desired import change_state
from runner.cli._reconcile import Consent

GROUP = "Deploy"


@click.command()
@name_argument
@wait_option
@click.pass_obj
def command(app: App, name: str, wait_s: float) -> int:
    """Write state: running into the file of a deployment and reconcile it."""
    return change_state(app, name, "running", Consent(yes=True, wait_s=wait_s))
