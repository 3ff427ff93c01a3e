"""Reach a service that is not public: forward its ports to this machine."""

from __future__ import annotations

import subprocess

import click

from runner import reach, specs
from runner.cli._app import App, name_argument
from runner.cli._shell import shell_of
from runner.domain import Record
from runner.errors import ProviderError

GROUP = "Use"


@click.command()
@name_argument
@click.option("--print", "print_only", is_flag=True, help="Only print the ssh command.")
@click.pass_obj
def command(app: App, name: str, print_only: bool) -> int:
    """Forward all ports of a deployment to 127.0.0.1 here, until interrupted."""
    import shlex

    record, shell = shell_of(app, name)
    urls = list(specs.urls(specs.endpoints({**record.spec, "access": reach.TUNNEL}, "127.0.0.1")).values())
    if not shell:
        app.output.result({"command": [], "urls": urls}, lambda: f"It runs on this machine: {', '.join(urls)}")
        return 0
    full = [shell[0], "-N", "-o", "ExitOnForwardFailure=yes", "-o", "ControlMaster=no", "-o", "ControlPath=none"]
    full += [*_forwards(record), *shell[1:]]
    if print_only or app.output.json:
        app.output.result({"command": full, "urls": urls}, lambda: shlex.join(full))
        return 0
    app.output.note(f"{', '.join(urls)} until you press Ctrl-C.")
    code = subprocess.run(full, check=False).returncode
    if code:
        raise ProviderError(
            f"the tunnel ended with exit code {code}", code="tunnel-failed", hint="is a port in use here?"
        )
    return 0


def _forwards(record: Record) -> list[str]:
    return [word for port in specs.forwarded(record.spec) for word in ("-L", f"127.0.0.1:{port}:127.0.0.1:{port}")]
