"""Pin the host key of a machine after comparing its fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from runner import generated, records
from runner.cli._app import App
from runner.errors import Blocked, UsageError
from runner.load import load
from runner.observe import open_provider
from runner.providers.ssh.client import SshHost, fingerprint, known_hosts, scan
from runner.repo import Repo

if TYPE_CHECKING:
    from runner.providers.ssh.provider import Provider

HEADER = "# Host keys that people have compared and trusted. Written by `runner trust`; committed.\n"


@click.command()
@click.argument("host")
@click.option("--fingerprint", "expected", help="SHA256:… from the machine's console; then nothing is asked.")
@click.option("--replace", is_flag=True, help="The machine was made anew: forget the old key.")
@click.pass_obj
def command(app: App, host: str, expected: str | None, replace: bool) -> int:
    """Show the host keys that a machine presents, and pin them in inventory/known_hosts once you have compared them."""
    machine = _host(app, host)
    name = machine.alias
    pinned = _rows(app.repo)
    if any(row.split()[0] == name for row in pinned) and not replace:
        raise UsageError(
            f"a key of {host} is pinned already", code="already-trusted", hint="give --replace if it changed"
        )
    keys = scan(machine.login, machine.jump)
    marks = {key: fingerprint(key) for key in keys}
    if expected:
        keys = [key for key in keys if marks[key] == expected]
        if not keys:
            shown = ", ".join(marks.values())
            raise Blocked(
                f"{host} shows {shown}, not {expected}", code="fingerprint-differs", hint="do not connect to it"
            )
    elif not _confirmed(app, host, marks):
        raise Blocked("nothing was pinned", code="not-confirmed", hint="compare, then confirm or give --fingerprint")
    kept = [row for row in pinned if row.split()[0] != name]
    rows = sorted([*kept, *(f"{name} {key}" for key in keys)])
    generated.write(known_hosts(app.repo), HEADER + "".join(row + "\n" for row in rows))
    data = {"host": host, "fingerprints": [marks[key] for key in keys]}
    app.output.result(
        data, lambda: f"{host} is pinned in inventory/known_hosts. Commit it, so that others trust the same."
    )
    return 0


def _host(app: App, asked: str) -> SshHost:
    """A host of the pool, an address that a deployment names, the host of a deployment, or one to go through."""
    loaded = load(app.repo)
    machine = loaded.desired[asked].spec["machine"] if asked in loaded.desired else {}
    hosts = cast("Provider", open_provider(loaded, "ssh", records.read_all(app.repo)))
    found = hosts.host(str(machine.get("host") or machine.get("address") or asked))
    if found is not None:
        return found
    from runner.faults import suggestion

    pool = loaded.settings.get("providers", {}).get("ssh", {}).get("hosts", {})
    raise UsageError(f"there is no SSH host {asked}", code="unknown-host", hint=suggestion(asked, pool))


def _rows(repo: Repo) -> list[str]:
    path = known_hosts(repo)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [row for row in text.splitlines() if row and not row.startswith("#")]


def _confirmed(app: App, host: str, marks: dict[str, str]) -> bool:
    app.output.note(f"{host} shows these host keys. Compare one with the machine's console (ssh-keygen -lf):")
    for key, mark in marks.items():
        app.output.note(f"  {key.split()[0]:24} {mark}")
    return app.output.confirm("Are they the machine's?")
