"""Show the version."""

from __future__ import annotations

import click

from runner import __version__
from runner.cli._app import App

GROUP = "Set up"


@click.command()
@click.pass_obj
def command(app: App) -> int:
    """Show the version of Slipway."""
    app.output.result({"version": __version__}, lambda: f"slipway {__version__}")
    return 0
