"""What a person can choose from without knowing AWS's types: the cheapest that fits, or a GPU. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner.providers.aws import catalogue
from runner.providers.aws.wanted import regions
from runner.providers.base import Choice
from runner.providers.market import Offer

USUAL_ARCH = "x86_64"


def choices(settings: Mapping[str, Any]) -> Iterable[Choice]:
    """Each GPU once, with the smallest number of them that is rented, cheapest first."""
    smallest: dict[str, Offer] = {}
    whole = [o for o in catalogue.offers(regions({}, settings)) if o.gpu and o.share == 1 and o.arch == USUAL_ARCH]
    for offer in sorted(whole, key=lambda o: (o.gpus, _cost(o))):
        smallest.setdefault(offer.gpu, offer)
    yield Choice("cheapest that fits", {}, "up to", max(o.gpus * o.vram_gb for o in whole))
    for gpu, offer in sorted(smallest.items(), key=lambda item: _cost(item[1])):
        several = f"{offer.gpus} × " if offer.gpus > 1 else ""
        yield Choice(gpu, {"gpu": gpu}, several + gpu, offer.gpus * offer.vram_gb)


def _cost(offer: Offer) -> float:
    return offer.hourly if offer.hourly is not None else float("inf")
