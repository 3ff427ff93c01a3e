"""Show what the accounts may have at a time, what they have, and what is left."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from runner import providers, records
from runner.cli._app import App
from runner.errors import ProviderError, UsageError
from runner.faults import suggestion
from runner.load import load
from runner.observe import open_provider
from runner.providers.market import Limited, Quota
from runner.render.market import quota_text

GROUP = "Choose"


@click.command()
@click.option("--provider", "only", metavar="NAME", help="Only of this provider.")
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Default: those in use; repeatable.")
@click.pass_obj
def command(app: App, only: str | None, regions: tuple[str, ...]) -> int:
    """Show the limits of the accounts, what is used of them and what is left. Exit code 1 when one cannot be read."""
    loaded = load(app.repo)
    loaded.require_settings()
    if only is not None and only not in providers.names():
        hint = suggestion(only, providers.names())
        raise UsageError(f"there is no provider {only}", code="unknown-provider", hint=hint)
    kept, _ = records.read_each(loaded.repo)
    rows: list[dict[str, Any]] = []
    unknown: list[dict[str, str]] = []
    for name in [only] if only else providers.names():
        provider = open_provider(loaded, name, kept)
        if not isinstance(provider, Limited):
            continue
        try:
            quotas, failures = provider.quotas(regions)
        except ProviderError as error:
            quotas, failures = (), (error,)
        rows += [{"provider": name, **_row(quota)} for quota in quotas]
        unknown += [{"provider": name, "error": str(error), "hint": error.hint} for error in failures]
    data = {"quotas": rows, "unknown": unknown}
    app.output.result(data, lambda: quota_text(data, style=app.output.style))
    return 1 if unknown else 0


def _row(quota: Quota) -> dict[str, Any]:
    known = quota.limit is not None and quota.used is not None
    left = max(quota.limit - quota.used, 0.0) if known and quota.limit is not None and quota.used is not None else None
    return {**asdict(quota), "left": left}
