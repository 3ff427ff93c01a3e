"""How to get onto the machine of a deployment: what ssh and tunnel have in common."""

from __future__ import annotations

from collections.abc import Sequence

from runner import records
from runner.cli._app import App
from runner.domain import Record
from runner.errors import UsageError
from runner.load import load
from runner.observe import open_provider


def shell_of(app: App, name: str) -> tuple[Record, Sequence[str]]:
    """The record, and the command that opens a shell; empty when it runs on this machine."""
    record = records.read(app.repo, name)
    if record is None or "id" not in record.machine:
        raise UsageError(f"{name} was never deployed", code="unknown-deployment", hint=f"runner reconcile {name}")
    provider = open_provider(load(app.repo), record.provider, {name: record})
    return record, provider.shell(record.machine)
