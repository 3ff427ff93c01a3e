"""What AWS asks for at this moment, in its own words: list prices and spot prices."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from runner.errors import ProviderError
from runner.providers.aws import catalogue
from runner.providers.aws.api import Api
from runner.providers.aws.seen import Seen
from runner.providers.market import Offer

PRICE_LIST = "us-east-1"
"""The price list is served in three regions only, and covers them all."""
LISTED = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}
MANY = 20
"""More types than this are asked for one region at a time, not type by type."""


@dataclass(frozen=True, slots=True)
class Spot:
    """The cheapest zone of a region."""

    hourly: float
    zone: str


def offers(api: Api, wanted: Mapping[str, Any]) -> tuple[list[Offer], list[ProviderError]]:
    """What fits in the wanted regions: with the prices of now, or of the table with the reason why."""
    places = [wanted["region"]] if isinstance(wanted["region"], str) else list(wanted["region"])
    anything = {"gpus": "none" if wanted.get("gpu") == "none" else "all"}
    asked = {**wanted, "region": places, "gpu": "" if wanted.get("gpu") == "none" else wanted.get("gpu")}
    fitting = catalogue.candidates(asked, anything)
    answers = api.each(places, lambda region: live(api, region, fitting))
    found, failures = [], []
    for region, answer in answers.items():
        if isinstance(answer, ProviderError):
            failures.append(answer)
            found += [one for one in fitting if one.region == region]
        else:
            found += answer
    return found, failures


def live(api: Api, region: str, fitting: Collection[Offer]) -> list[Offer]:
    """The offers that the region has, with the prices of now. Raises ProviderError."""
    here = {one.type: one for one in fitting if one.region == region}
    offered = _offered(api, region)
    known = {name: one for name, one in here.items() if name in offered}
    listed, spot = on_demand(api, region, known), spot_prices(api, region, known)
    found = []
    for name, one in known.items():
        now = one
        if name in listed:
            now = replace(now, hourly=listed[name], source="AWS price list", as_of=_today())
        if name in spot:
            now = replace(now, spot_hourly=spot[name].hourly)
        found.append(now)
    return found


def on_demand(api: Api, region: str, types: Collection[str]) -> dict[str, float]:
    """Type → USD per hour. One call for each type, or the pages of the whole region."""
    wanted = sorted(types) if len(types) <= MANY else [""]
    return {name: price for one in wanted for name, price in _listed(api, region, one) if name in types}


def spot_prices(api: Api, region: str, types: Collection[str], zone: str = "") -> dict[str, Spot]:
    """Type → the cheapest zone now, or the given one."""
    if not types:
        return {}
    rows = api.pages(
        region,
        "describe_spot_price_history",
        "SpotPriceHistory",
        InstanceTypes=sorted(types),
        ProductDescriptions=["Linux/UNIX", "Linux/UNIX (Amazon VPC)"],
        StartTime=datetime.now(UTC),
        **({"Filters": [{"Name": "availability-zone", "Values": [zone]}]} if zone else {}),
    )
    found: dict[str, Spot] = {}
    for row in rows:
        price = Spot(float(row["SpotPrice"]), row["AvailabilityZone"])
        known = found.get(row["InstanceType"])
        if zone in ("", price.zone) and (known is None or price.hourly < known.hourly):
            found[row["InstanceType"]] = price
    return found


def rate(api: Api, machine: Seen) -> dict[str, Any] | None:
    """What a machine costs in one hour, {hourly, currency, source, as_of}; of the table when AWS does not say."""
    what = f"{machine.type} in {machine.zone or machine.region}"
    try:
        if machine.spot:
            spot = spot_prices(api, machine.region, [machine.type], machine.zone).get(machine.type)
            hourly = spot.hourly if spot else None
        else:
            hourly = on_demand(api, machine.region, [machine.type]).get(machine.type)
    except ProviderError:
        hourly = None
    if hourly is None:
        return catalogue.estimate({"type": machine.type, "region": machine.region, "spot": machine.spot}, {})
    source = f"{what}, {'spot price of its start' if machine.spot else 'AWS price list'}"
    return {"hourly": hourly, "currency": "USD", "source": source, "as_of": _today()}


def _offered(api: Api, region: str) -> set[str]:
    rows = api.pages(region, "describe_instance_type_offerings", "InstanceTypeOfferings", LocationType="region")
    return {row["InstanceType"] for row in rows}


def _listed(api: Api, region: str, type_: str) -> Iterator[tuple[str, float]]:
    wanted = {**LISTED, "regionCode": region, **({"instanceType": type_} if type_ else {})}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    asked = {"ServiceCode": "AmazonEC2", "Filters": filters, "MaxResults": 100}
    for text in api.all("pricing", PRICE_LIST, "get_products", "PriceList", **asked):
        product = json.loads(text)
        price = _hourly(product)
        if price:  # reservations of capacity are listed with 0
            yield product["product"]["attributes"]["instanceType"], price


def _hourly(product: Mapping[str, Any]) -> float:
    terms = product.get("terms", {}).get("OnDemand", {}).values()
    dimensions = [one for term in terms for one in term.get("priceDimensions", {}).values()]
    prices = [float(one["pricePerUnit"]["USD"]) for one in dimensions if "USD" in one.get("pricePerUnit", {})]
    return max(prices, default=0.0)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
