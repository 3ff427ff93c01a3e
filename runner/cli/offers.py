"""Show which machines can be had, cheapest first: GPU, memory, price on demand and as spot."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from runner import providers, records
from runner.cli._app import App
from runner.errors import InvalidRequestError, ProviderError, UsageError
from runner.faults import suggestion
from runner.load import Loaded, load
from runner.observe import open_provider
from runner.providers.market import Offer, Shop
from runner.render.market import offers_text

GROUP = "Choose"


@click.command()
@click.option("--gpu", metavar="MODEL", help="Only with this GPU, e.g. L4; none: without a GPU.")
@click.option("--vram", "vram_gb", type=click.FloatRange(min=0), metavar="GB", help="At least this much on one GPU.")
@click.option("--provider", "only", metavar="NAME", help="Only of this provider.")
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Default: those of runner.yaml; repeatable.")
@click.option("--spot", is_flag=True, help="Only what can be had as spot, by its spot price.")
@click.pass_obj
def command(
    app: App, gpu: str | None, vram_gb: float | None, only: str | None, regions: tuple[str, ...], spot: bool
) -> int:
    """Show which machines can be had, cheapest first. Prices are of now where credentials allow it, else of a dated
    table; where neither knows one, it is unknown.
    """
    loaded = load(app.repo)
    loaded.require_settings()
    if only is not None and only not in providers.names():
        hint = suggestion(only, providers.names())
        raise UsageError(f"there is no provider {only}", code="unknown-provider", hint=hint)
    wanted = {"gpu": gpu or "", "vram_gb": vram_gb or 0, "spot": spot, "region": list(regions)}
    found, failures = _ask(loaded, [only] if only else list(providers.names()), wanted)
    rows = [{"provider": name, **_shown(offer)} for name, offer in _ordered(found, spot=spot)]
    notes = [{"provider": name, "error": str(error), "hint": error.hint} for name, error in failures]
    data: dict[str, Any] = {"offers": rows, "notes": notes}
    app.output.result(data, lambda: offers_text(data, style=app.output.style))
    return 0


def _ask(
    loaded: Loaded, names: list[str], wanted: dict[str, Any]
) -> tuple[list[tuple[str, Offer]], list[tuple[str, ProviderError]]]:
    kept, _ = records.read_each(loaded.repo)
    found: list[tuple[str, Offer]] = []
    failures: list[tuple[str, ProviderError]] = []
    for name in names:
        provider = open_provider(loaded, name, kept)
        if isinstance(provider, Shop):
            try:
                offers, errors = provider.offers(wanted)
            except ProviderError as error:
                offers, errors = (), (error,)
            found += [(name, offer) for offer in offers]
            failures += [(name, error) for error in {str(error): error for error in errors}.values()]
    if not found and failures and isinstance(failures[0][1], InvalidRequestError):  # nobody knows what was asked for
        unknown = failures[0][1]
        raise UsageError(str(unknown), code=unknown.code, hint=unknown.hint)
    return found, failures


def _ordered(found: list[tuple[str, Offer]], *, spot: bool) -> list[tuple[str, Offer]]:
    """By price; unknown ones last, by what the like costs elsewhere."""

    def order(item: tuple[str, Offer]) -> tuple[Any, ...]:
        name, offer = item
        price = offer.spot_hourly if spot else offer.hourly
        about = offer.about if offer.about is not None else float("inf")
        return (price is None, price or 0.0, about, offer.vcpus, name, offer.region, offer.type)

    return sorted(found, key=order)


def _shown(offer: Offer) -> dict[str, Any]:
    return {key: value for key, value in asdict(offer).items() if key != "about"}
