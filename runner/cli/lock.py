"""Lock deployments so that no apply touches them, or list the locks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from runner import identity, locks
from runner.cli import _complete
from runner.cli._app import App
from runner.load import load
from runner.render.reports import locks_text
from runner.workflow import Selection, select

GROUP = "Set up"


@click.command()
@click.argument("name", required=False, shell_complete=_complete.deployments)
@click.option("--reason", default="", help="Shown to whoever meets the lock.")
@click.pass_obj
def command(app: App, name: str | None, reason: str) -> int:
    """Lock one deployment until runner unlock; without a name, list all locks."""
    loaded = load(app.repo)
    loaded.require_settings()
    if name:
        select(loaded, (), Selection((name,)))
        loaded = identity.identified(loaded)[0]
    store = locks.leases(app.repo, loaded.repo_id)
    if name:
        others = store.take([locks.new(name, run="by-hand", purpose=reason or "locked by hand", forever=True)])
        if others:
            raise locks.blocked(others[0])
    data: dict[str, Any] = {"locks": [_row(lease) for lease in (store.all() if loaded.has_id else ())]}
    app.output.result(data, lambda: locks_text(data, style=app.output.style))
    return 0


def _row(lease: locks.Lease) -> dict[str, str]:
    return {
        "deployment": lease.deployment,
        "holder": lease.who,
        "since": _iso(lease.since),
        "expires": _iso(lease.expires) if lease.expires else "",
        "reason": lease.purpose,
        "url": lease.url,
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
