"""Pin the host key of a machine after comparing its fingerprint."""

from __future__ import annotations

from typing import Any

import click

from runner import generated
from runner.cli._app import App
from runner.errors import Blocked, UsageError
from runner.load import load
from runner.providers.ssh.client import alias, fingerprint, known_hosts, scan
from runner.repo import Repo

HEADER = "# Host keys that people have compared and trusted. Written by `runner trust`; committed.\n"


@click.command()
@click.argument("host")
@click.option("--fingerprint", "expected", help="SHA256:… from the machine's console; then nothing is asked.")
@click.option("--replace", is_flag=True, help="The machine was made anew: forget the old key.")
@click.pass_obj
def command(app: App, host: str, expected: str | None, replace: bool) -> int:
    """Show the host keys that a machine presents, and pin them in inventory/known_hosts once you have compared them."""
    login = _login(app, host)
    name = alias(login["address"], login["port"])
    pinned = _rows(app.repo)
    if any(row.split()[0] == name for row in pinned) and not replace:
        raise UsageError(
            f"a key of {host} is pinned already", code="already-trusted", hint="give --replace if it changed"
        )
    keys = scan(login)
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


def _login(app: App, host: str) -> dict[str, Any]:
    """A host of the pool, or the address that a deployment names."""
    loaded = load(app.repo)
    pool: dict[str, Any] = loaded.settings.get("providers", {}).get("ssh", {}).get("hosts", {})
    if host in pool:
        return {"port": 22, **pool[host]}
    for item in loaded.desired.values():
        machine = item.spec["machine"]
        if host in (item.name, machine.get("address")) and machine.get("address"):
            return {"address": machine["address"], "port": machine["port"]}
    from runner.faults import suggestion

    raise UsageError(f"there is no SSH host {host}", code="unknown-host", hint=suggestion(host, pool))


def _rows(repo: Repo) -> list[str]:
    path = known_hosts(repo)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [row for row in text.splitlines() if row and not row.startswith("#")]


def _confirmed(app: App, host: str, marks: dict[str, str]) -> bool:
    app.output.note(f"{host} shows these host keys. Compare one with the machine's console (ssh-keygen -lf):")
    for key, mark in marks.items():
        app.output.note(f"  {key.split()[0]:24} {mark}")
    return app.output.confirm("Are they the machine's?")
