"""Open a shell on the machine of a deployment, or run a command there."""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Sequence

import click

from runner.cli._app import App, name_argument
from runner.cli._shell import shell_of
from runner.domain import Record
from runner.errors import UsageError
from runner.providers.ssh.client import quoted

GROUP = "Use"


@click.command(context_settings={"ignore_unknown_options": True})
@name_argument
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
@click.option("--print", "print_only", is_flag=True, help="Only print the ssh command.")
@click.option("--config", is_flag=True, help="Only print an entry for ~/.ssh/config.")
@click.pass_obj
def command(app: App, name: str, words: tuple[str, ...], print_only: bool, config: bool) -> int:
    """Open a shell on the machine of a deployment, with the pinned host key."""
    record, shell = shell_of(app, name)
    if not shell:
        raise UsageError(f"{name} runs on this machine", code="this-machine", hint="no ssh is needed")
    if config:
        entry = ssh_config(record, shell)
        app.output.result({"entry": entry}, lambda: entry)
        return 0
    full = [*shell, *([shlex.join(words)] if words else [])]  # the shell's own command line has its --
    if not print_only and not app.output.json:
        os.execvp(full[0], full)  # becomes ssh, so that the terminal is its own
    app.output.result({"command": full}, lambda: shlex.join(full))
    return 0


def ssh_config(record: Record, shell: Sequence[str]) -> str:
    """An entry for OpenSSH's configuration: plain ssh, scp and editors then reach the machine with the pinned key."""
    options = [word for flag, word in itertools.pairwise(shell) if flag == "-o" and not word.startswith("Control")]
    machine = record.machine
    rows = [f"HostName {machine['address']}", f"Port {machine['port']}", f"User {machine['user']}"]
    rows += [f"IdentityFile {quoted(key)}" for flag, key in itertools.pairwise(shell) if flag == "-i"]
    rows += [option.replace("=", " ", 1) for option in options]
    ports = [endpoint["port"] for endpoint in record.endpoints.values() if endpoint["protocol"] != "udp"]
    rows += [f"LocalForward 127.0.0.1:{port} 127.0.0.1:{port}" for port in ports]
    return "\n".join([f"Host slipway-{record.deployment}", *(f"  {row}" for row in rows)])
