"""Open a shell on the machine of a deployment, or run a command there."""

from __future__ import annotations

import os
import shlex

import click

from runner.cli._app import App
from runner.cli._shell import shell_of
from runner.errors import UsageError


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.option("--print", "print_only", is_flag=True, help="Only print the ssh command.")
@click.pass_obj
def command(app: App, name: str, words: tuple[str, ...], print_only: bool) -> int:
    """Open a shell on the machine of a deployment, with the pinned host key."""
    shell = shell_of(app, name)[1]
    if not shell:
        raise UsageError(f"{name} runs on this machine", code="this-machine", hint="no ssh is needed")
    full = [*shell, *(["--", shlex.join(words)] if words else [])]
    if not print_only and not app.output.json:
        os.execvp(full[0], full)  # becomes ssh, so that the terminal is its own
    app.output.result({"command": full}, lambda: shlex.join(full))
    return 0
