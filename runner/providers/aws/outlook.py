"""Which machine of AWS a deployment will be on: the one that it has, else the first that `create` tries. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.domain import Resource, Spec
from runner.providers.aws import catalogue
from runner.providers.aws.wanted import markets, offers
from runner.providers.market import Offer
from runner.providers.outlook import Outlook


def of(spec: Spec, settings: Mapping[str, Any], there: Resource | None) -> Outlook:
    """Nothing of other people's is on such a machine, so there is nothing that it could meet there."""
    if there is not None and there.facts.get("type"):
        market = "spot" if there.facts.get("spot") else "on-demand"
        known = next(
            (one for one in catalogue.offers([there.facts["region"]]) if one.type == there.facts["type"]), None
        )
        place = f"{there.facts['type']} ({market}) in {there.facts.get('zone') or there.facts['region']}"
        return Outlook(place=place, engine="docker", gpus=_gpus(known))
    found = offers(spec, settings)
    if not found:
        return Outlook(engine="docker")
    place = f"{found[0].type} ({markets(spec['machine'])[0]}) in {found[0].region}"
    return Outlook(place=place, engine="docker", gpus=_gpus(found[0]), chosen=len(found) > 1)


def _gpus(offer: Offer | None) -> str:
    return f"{offer.gpus} × {offer.gpu}" if offer is not None and offer.gpu else ""
