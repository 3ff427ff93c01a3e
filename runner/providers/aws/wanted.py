"""What a deployment wants of AWS, with the settings' defaults filled in, and what may be tried for it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from runner import reach, timing
from runner.domain import Spec
from runner.providers.aws import catalogue
from runner.providers.aws.quotas import Market
from runner.providers.base import Mark
from runner.providers.market import Offer

SMALLEST_DISK_GB = 60
"""An image with NVIDIA's driver takes about half of that."""
DEARER = 1.5
"""How much more than the cheapest that fits a machine may cost, unless max_hourly says."""
EVERYBODY = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True, order=True)
class Door:
    """A port that a network may use."""

    port: int
    cidr: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """One machine to be had."""

    mark: Mark
    offers: tuple[Offer, ...]
    """In the order to try."""
    spot: Mapping[str, Any] | None
    """{type, max_price, fallback}; None: on demand."""
    zone: str
    disk_gb: int
    public: bool
    cidrs: tuple[str, ...]
    """That may use SSH. Empty: wherever the runner is."""
    doors: tuple[Door, ...]
    """For the callers of the service, where it is exposed."""
    checkip: str
    """Who says where that is; empty: AWS."""
    ami: str
    subnet: str
    user: str
    key: str
    setup_limit_s: int
    ttl_s: int

    @property
    def markets(self) -> tuple[str, ...]:
        """`spot`, `on-demand`, or both in the order to try."""
        if self.spot is None:
            return ("on-demand",)
        return ("spot", "on-demand") if self.spot["fallback"] == "on-demand" else ("spot",)


def wanted(mark: Mark, spec: Spec, settings: Mapping[str, Any]) -> Wanted:
    """Raises InvalidRequestError when the catalogue knows nothing that fits."""
    from runner.providers.aws.options import AwsSettings, Options

    options = Options.model_validate(spec["machine"])
    defaults = AwsSettings.model_validate(dict(settings))
    return Wanted(
        mark=mark,
        offers=offers(spec, settings),
        spot=options.spot.model_dump() if options.spot else None,
        zone=options.zone,
        disk_gb=options.disk_gb or max(SMALLEST_DISK_GB, int(spec.get("needs", {}).get("disk_gb", 0))),
        public=(options.address or defaults.address) == "public",
        cidrs=tuple(sorted(set(options.ssh_cidrs if options.ssh_cidrs is not None else defaults.ssh_cidrs))),
        doors=doors(spec),
        checkip=defaults.checkip,
        ami=options.ami,
        subnet=options.subnet or defaults.subnet,
        user=options.user or defaults.user,
        key=options.key or defaults.key,
        setup_limit_s=timing.seconds(defaults.setup_limit),
        ttl_s=ttl_s(spec),
    )


def doors(spec: Spec) -> tuple[Door, ...]:
    """What callers of the service need open, as `access` says; nothing where they come by tunnel."""
    access = reach.access_of(spec)
    if not reach.exposed(access):
        return ()
    expose = access["expose"]
    cidrs = EVERYBODY if expose == "public" else [str(ip_network(cidr, strict=False)) for cidr in expose["cidr"]]
    return tuple(sorted(Door(port, cidr) for port in set(access["ports"].values()) for cidr in set(cidrs)))


def uncertified(spec: Spec, settings: Mapping[str, Any]) -> str:
    """Why nobody would certify the name of an exposed service: the authority connects from the internet."""
    address = spec["machine"].get("address") or settings.get("address")
    if address != "private" or reach.access_of(spec).get("tls") != "acme":
        return ""
    return "with address: private no authority reaches it to certify its domain; write access: {tls: internal}"


def markets(machine: Mapping[str, Any]) -> tuple[Market, ...]:
    """`spot`, `on-demand`, or both in the order to try."""
    spot = machine.get("spot")
    if not spot and not isinstance(spot, Mapping):
        return ("on-demand",)
    falls_back = isinstance(spot, Mapping) and spot.get("fallback") == "on-demand"
    return ("spot", "on-demand") if falls_back else ("spot",)


def offers(spec: Spec, settings: Mapping[str, Any]) -> tuple[Offer, ...]:
    """What fits, cheapest first, without what costs much more than the first: that is a decision for people."""
    machine = spec["machine"]
    found = catalogue.candidates(choice(machine, settings), needs(spec))
    limit = machine.get("max_hourly")
    if limit:
        known = ((one, one.about if one.hourly is None else one.hourly) for one in found)
        return tuple(one for one, hourly in known if hourly is not None and hourly <= limit)
    # Types compare alike in every region, so where prices are unknown the known ones of another region keep the limit.
    cheapest = min((one.about for one in found if one.about), default=None)
    return tuple(one for one in found if cheapest is None or (one.about and one.about <= cheapest * DEARER))


def choice(machine: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`machine:` as the catalogue reads it."""
    spot = machine.get("spot") or None
    cap = spot.get("max_price") if isinstance(spot, Mapping) else None
    return {
        **machine,
        "region": regions(machine, settings),
        "spot": bool(spot) or isinstance(spot, Mapping),
        **({"max_price": cap} if cap else {}),
    }


def needs(spec: Spec) -> dict[str, Any]:
    """What the service must have, as the catalogue reads it."""
    return {**spec.get("needs", {}), "gpus": spec.get("service", {}).get("gpus", "none")}


def regions(machine: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """The regions that options or settings name, in their order."""
    named = machine.get("region") or settings.get("region") or catalogue.DEFAULT_REGION
    return [named] if isinstance(named, str) else list(named)


def ttl_s(spec: Spec) -> int:
    """How long a machine may live; 0: for ever."""
    return timing.seconds(spec.get("lifecycle", {}).get("ttl") or "")


def tokens(wanted: Wanted, *what: str) -> Iterator[str]:
    """Client tokens for one attempt: always the same ones, so that asking twice gives one machine. The next one is for
    when the machine of the first has ended: AWS would go on to answer with that one.
    """
    asked = (wanted.mark.repo, wanted.mark.deployment, wanted.mark.digest, *what)
    for generation in range(10):
        yield hashlib.sha256("\n".join((*asked, str(generation))).encode()).hexdigest()
