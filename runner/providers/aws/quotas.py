"""How many vCPUs the account may have at a time, by family and market, and how many it has."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from runner.errors import InvalidRequestError, ProviderError
from runner.providers.aws import catalogue
from runner.providers.aws.api import Api
from runner.providers.market import Quota

Market = Literal["on-demand", "spot"]
Kind = tuple[Market, str]
CODES: dict[Kind, str] = {
    ("on-demand", "G"): "L-DB2E81BA",
    ("on-demand", "P"): "L-417A185B",
    ("on-demand", "Standard"): "L-1216C47A",
    ("spot", "G"): "L-3819A6DF",
    ("spot", "P"): "L-7212CCBC",
    ("spot", "P5"): "L-C4BD4855",
    ("spot", "Standard"): "L-34B43A08",
}
_FAMILIES = {"g": "G", "gr": "G", "vt": "G", "p": "P"} | dict.fromkeys(
    ("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"), "Standard"
)
_UNDECIDED = "p6"
"""Public notes disagree about which spot quota these count for."""
RAISE = "https://console.aws.amazon.com/servicequotas/home/services/ec2/quotas"


class Quotas:
    """What is known of the limits, each read once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._limits: dict[tuple[str, str], float | None] = {}

    def limit(self, region: str, kind: Kind) -> float | None:
        """One call for each limit; None when it is not known, or cannot be read."""
        key = (region, CODES.get(kind, ""))
        if key not in self._limits:
            self._limits[key] = self._read(*key) if key[1] else None
        return self._limits[key]

    def table(self, region: str) -> list[Quota]:
        """All limits of a region with what is used of them. Raises ProviderError."""
        rows = self._api.all("service-quotas", region, "list_service_quotas", "Quotas", ServiceCode="ec2")
        found = {row["QuotaCode"]: row for row in rows}
        used = in_use(self._api, region)
        return [
            Quota(
                region,
                name=found.get(code, {}).get("QuotaName", f"{family} {market}"),
                code=code,
                market=market,
                unit="vCPU",
                limit=found[code]["Value"] if code in found else self.limit(region, (market, family)),
                used=used[market, family],
            )
            for (market, family), code in CODES.items()
        ]

    def _read(self, region: str, code: str) -> float | None:
        for operation in ("get_service_quota", "get_aws_default_service_quota"):
            try:
                answer = self._api.ask("service-quotas", region, operation, ServiceCode="ec2", QuotaCode=code)
            except ProviderError as error:
                if error.code == "no-such-resource-exception":  # never changed for this account: the default holds
                    continue
                return None
            return float(answer["Quota"]["Value"])
        return None


def kind(type_: str, market: Market) -> Kind | None:
    """Which limit a type counts for; None when that is not known here."""
    found = re.match(r"([a-z]+)(\d*)", type_)
    family = _FAMILIES.get(found[1]) if found else None
    if found is None or family is None:
        return None
    if market == "spot" and family == "P":
        generation = found[1] + found[2]
        return None if generation == _UNDECIDED else ("spot", "P5" if generation == "p5" else "P")
    return (market, family)


def in_use(api: Api, region: str) -> dict[Kind, float]:
    """vCPUs of everything that runs in the account, ours or not. Raises ProviderError."""
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    reservations = api.pages(region, "describe_instances", "Reservations", Filters=states)
    machines = [machine for held in reservations for machine in held["Instances"]]
    sizes = _sizes(api, region, machines)
    used: dict[Kind, float] = defaultdict(float)
    for machine in machines:
        counted = kind(machine["InstanceType"], "spot" if machine.get("InstanceLifecycle") == "spot" else "on-demand")
        if counted is not None:
            used[counted] += _own_size(machine) or sizes.get(machine["InstanceType"], 0)
    return used


def vcpus(type_: str) -> int:
    """Of the table; 0: it does not know the type."""
    try:
        return catalogue.offer(type_, catalogue.DEFAULT_REGION).vcpus
    except InvalidRequestError:
        return 0


def too_small(limits: Quotas, offers: Iterable[tuple[str, str, Market]]) -> str:
    """Why no limit of the account can ever allow for one of these (type, region, market); empty when one may."""
    reasons: dict[str, None] = {}
    for type_, region, market in offers:
        counted = kind(type_, market)
        limit = limits.limit(region, counted) if counted else None
        if limit is None or vcpus(type_) <= limit:
            return ""
        family = counted[1] if counted else ""
        reasons[f"{type_} needs {vcpus(type_)} {family} vCPUs {market}, and {region} allows {limit:g}"] = None
    return "; ".join(list(reasons)[:3])


def shortages(
    limits: Quotas, wanted: Sequence[tuple[str, str, Market]], running: Sequence[tuple[str, str, Market]]
) -> list[str]:
    """Limits that do not allow for all of `wanted` beside what runs; both as (type, region, market)."""
    new, old = _sums(wanted), _sums(running)
    found = []
    for (region, counted), needed in sorted(new.items()):
        limit, used = limits.limit(region, counted), old[region, counted]
        if limit is not None and used + needed > limit:
            market, family = counted
            found.append(
                f"{region} allows {limit:g} {family} vCPUs {market}; this plan needs {needed:g} more, and {used:g} are "
                "used by this repository alone. See: runner quota"
            )
    return found


def _sums(machines: Sequence[tuple[str, str, Market]]) -> dict[tuple[str, Kind], float]:
    sums: dict[tuple[str, Kind], float] = defaultdict(float)
    for type_, region, market in machines:
        counted = kind(type_, market)
        if counted is not None:
            sums[region, counted] += vcpus(type_)
    return sums


def _own_size(machine: Mapping[str, Any]) -> float:
    options = machine.get("CpuOptions") or {}
    return float(options.get("CoreCount", 0) * options.get("ThreadsPerCore", 0))


def _sizes(api: Api, region: str, machines: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """vCPUs of the types whose machines do not say it themselves."""
    silent = {machine["InstanceType"] for machine in machines if not _own_size(machine)}
    known = {name: float(vcpus(name)) for name in silent}
    missing = sorted(name for name, size in known.items() if not size)
    if missing:
        rows = api.pages(region, "describe_instance_types", "InstanceTypes", InstanceTypes=missing)
        known |= {row["InstanceType"]: float(row["VCpuInfo"]["DefaultVCpus"]) for row in rows}
    return known
