"""Pin the host key of a machine after comparing its fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from runner import generated, records
from runner.cli import _complete
from runner.cli._app import App
from runner.errors import Blocked, UsageError
from runner.load import load
from runner.observe import open_provider
from runner.providers.ssh import trusted
from runner.providers.ssh.client import SshHost, fingerprint, known_hosts, scan
from runner.repo import Repo

if TYPE_CHECKING:
    from runner.providers.ssh.provider import Provider

GROUP = "Set up"

HEADER = "# Host keys that people have compared and trusted. Written by `runner trust`; committed.\n"


@click.command()
@click.argument("host", shell_complete=_complete.hosts)
@click.option("--fingerprint", "expected", help="SHA256:… from the machine's console; then nothing is asked.")
@click.option("--replace", is_flag=True, help="The machine was made anew: forget the old key.")
@click.pass_obj
def command(app: App, host: str, expected: str | None, replace: bool) -> int:
    """Show the host keys that a machine presents, and pin them in inventory/known_hosts once you have compared them."""
    machine = _host(app, host)
    file = known_hosts(app.repo)
    rows = trusted.rows(file, app.repo.relative(file))
    pinned = [row.partition(" ")[2] for row in rows if row.partition(" ")[0] == machine.alias]
    shown = scan(machine.login, machine.jump)
    known = [key for key in pinned if key in shown]
    if known and not replace and expected in (None, *map(fingerprint, known)):
        return _say(app, host, known, f"{host} is pinned already, and shows that key. Nothing to do.")
    if pinned and not replace:
        raise Blocked(
            f"{host} shows another key than the one that is pinned",
            code="host-key-changed",
            hint="if the machine was made anew, compare its key and give --replace; otherwise do not connect to it",
        )
    keys = _compared(app, host, shown, expected)
    kept = [row for row in rows if row.partition(" ")[0] != machine.alias]
    _write(app.repo, sorted([*kept, *(f"{machine.alias} {key}" for key in keys)]))
    return _say(
        app, host, keys, f"{host} is pinned in inventory/known_hosts. Commit it, so that others trust the same."
    )


def _say(app: App, host: str, keys: list[str], text: str) -> int:
    app.output.result({"host": host, "fingerprints": [fingerprint(key) for key in keys]}, lambda: text)
    return 0


def _write(repo: Repo, rows: list[str]) -> None:
    generated.write(known_hosts(repo), HEADER + "".join(row + "\n" for row in rows), below=repo.root)


def _compared(app: App, host: str, keys: list[str], expected: str | None) -> list[str]:
    """Those that a person vouches for. Raises Blocked when there are none."""
    marks = {key: fingerprint(key) for key in keys}
    if not expected:
        if _confirmed(app, host, marks):
            return keys
        raise Blocked("nothing was pinned", code="not-confirmed", hint="compare, then confirm or give --fingerprint")
    found = [key for key in keys if marks[key] == expected]
    if not found:
        shown = ", ".join(marks.values())
        raise Blocked(f"{host} shows {shown}, not {expected}", code="fingerprint-differs", hint="do not connect to it")
    return found


def _host(app: App, asked: str) -> SshHost:
    """A host of the pool, an address that a deployment names, the host of a deployment, or one to go through."""
    loaded = load(app.repo)
    machine = loaded.desired[asked].spec["machine"] if asked in loaded.desired else {}
    hosts = cast("Provider", open_provider(loaded, "ssh", records.read_each(app.repo)[0]))
    found = hosts.host(str(machine.get("host") or machine.get("address") or asked))
    if found is not None:
        return found
    from runner.faults import suggestion

    pool = loaded.settings.get("providers", {}).get("ssh", {}).get("hosts", {})
    raise UsageError(f"there is no SSH host {asked}", code="unknown-host", hint=suggestion(asked, pool))


def _confirmed(app: App, host: str, marks: dict[str, str]) -> bool:
    app.output.note(f"{host} shows these host keys. Compare one with the machine's console (ssh-keygen -lf):")
    for key, mark in marks.items():
        app.output.note(f"  {key.split()[0]:24} {mark}")
    return app.output.confirm("Are they the machine's?")
