"""Where a machine is connected, and who may reach it: a group of its own, for the runner and callers."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import groupby
from typing import Any

from runner.errors import CapacityError, InvalidRequestError, ProviderError, QuotaError
from runner.providers.aws import seen
from runner.providers.aws.api import Api
from runner.providers.aws.wanted import Door
from runner.providers.base import Mark
from runner.reach import SSH

WHO_AM_I = "https://checkip.amazonaws.com"
"""Says from which address it was asked. Run by AWS."""
LONGEST = 64
TIMEOUT_S = 10
OURS, THEIRS = "where the runner may come from", "callers of the service"
"""Descriptions of rules. The second tells what we have opened, and so may close, from what people added by hand."""


@dataclass(frozen=True, slots=True)
class Place:
    """A subnet to start in."""

    subnet: str
    zone: str
    vpc: str
    cidr: str


def places(api: Api, region: str, type_: str, *, subnet: str = "", zone: str = "") -> list[Place]:
    """The subnets in zones that have this type. Raises CapacityError, InvalidRequestError when there is none."""
    chosen = [{"Name": "subnet-id", "Values": [subnet]}] if subnet else [{"Name": "default-for-az", "Values": ["true"]}]
    chosen += [{"Name": "availability-zone", "Values": [zone]}] if zone else []
    found = api.pages(region, "describe_subnets", "Subnets", Filters=chosen)
    if not found:
        what = f"no subnet {subnet}" if subnet else f"no default subnet{f' in {zone}' if zone else ''}"
        hint = "name one of this region: machine: {subnet: subnet-…}, or under providers.aws"
        raise InvalidRequestError(f"{region} has {what}", code="no-subnet", hint=hint)
    offered = _zones(api, region, type_)
    fitting = [one for one in found if one["AvailabilityZone"] in offered]
    if not fitting:
        where = ", ".join(sorted(one["AvailabilityZone"] for one in found))
        raise CapacityError(
            f"AWS does not offer {type_} in {where}", code="not-offered", hint="name other regions or types"
        )
    listed = (Place(one["SubnetId"], one["AvailabilityZone"], one["VpcId"], one["CidrBlock"]) for one in fitting)
    return sorted(listed, key=lambda place: place.zone)


def ways_in(cidrs: Iterable[str], callers: Iterable[Door] = ()) -> frozenset[Door]:
    """SSH from these networks, and what callers of the service need."""
    return frozenset([*(Door(SSH, cidr) for cidr in cidrs), *callers])


def group(api: Api, region: str, mark: Mark, place: Place, doors: Collection[Door]) -> str:
    """The id of the machine's own group in this network, with exactly these doors open."""
    # By mark and never by name: of a group that somebody else has called the same, nothing is known.
    where = [*seen.marked(mark.repo, mark.deployment), {"Name": "vpc-id", "Values": [place.vpc]}]
    found = api.pages(region, "describe_security_groups", "SecurityGroups", Filters=where)
    if not found:
        api.call(
            region,
            "create_security_group",
            GroupName=f"slipway/{mark.repo}/{mark.deployment}",
            Description=f"Slipway: who reaches {mark.deployment}",
            VpcId=place.vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": seen.tags(mark)}],
        )
        found = api.pages(region, "describe_security_groups", "SecurityGroups", Filters=where)
    if not found:
        raise ProviderError(f"AWS in {region} made a group and does not show it", code="unclear", hint="run it again")
    admit(api, region, found[0], doors)
    return str(found[0]["GroupId"])


def admit(api: Api, region: str, found: dict[str, Any], doors: Collection[Door]) -> None:
    """Open exactly these doors, closing first. Whoever else was let in at the port of SSH is shut out; what people have
    opened besides is left alone. Raises InvalidRequestError when AWS does not take that many rules.
    """
    present = list(_present(found))
    ours = {door for door, said in present if door.port == SSH or said == THEIRS}
    if extra := sorted(ours - set(doors)):
        rules = _rules(extra, described=False)
        api.call(region, "revoke_security_group_ingress", GroupId=found["GroupId"], IpPermissions=rules)
    if missing := sorted(set(doors) - {door for door, _ in present}):
        rules = _rules(missing, described=True)
        try:
            api.call(region, "authorize_security_group_ingress", GroupId=found["GroupId"], IpPermissions=rules)
        except QuotaError as error:  # elsewhere it would be no different, so nothing else is tried
            hint = "name fewer networks or ports in access, or larger networks; or ask AWS for more rules per group"
            message = f"{len(doors)} ways in are more than a security group may have: {error}"
            raise InvalidRequestError(message, code="too-many-rules", hint=hint) from error


def _present(found: dict[str, Any]) -> Iterator[tuple[Door, str]]:
    """Each door that is open by a rule for one port and one network, and what the rule says of itself."""
    for rule in found.get("IpPermissions", []):
        port = rule.get("FromPort")
        if port is None or port != rule.get("ToPort") or rule["IpProtocol"] != "tcp":
            continue
        for ranges, key in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")):
            for entry in rule.get(ranges, ()):
                yield Door(port, entry[key]), entry.get("Description", "")


def callers_address(target: str, service: str = "") -> str:
    """From which address this machine is seen by one in AWS, as a network. `target`: an address there; empty: by way of
    the internet, as a service says (that of AWS, unless another is named). Raises ProviderError when it cannot be told.
    """
    if target:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((target, SSH))  # sends nothing: the kernel chooses the route
            return f"{probe.getsockname()[0]}/32"
    from http.client import HTTPException

    service = service or WHO_AM_I
    try:
        return str(ip_network(ip_address(_text(service).strip())))  # of one address: /32, or /128
    except (OSError, HTTPException, ValueError) as error:
        hint = "say it: machine: {ssh_cidrs: [203.0.113.7/32]}, or providers.aws.ssh_cidrs"
        message = f"{service} does not tell from which address you come: {error}"
        raise ProviderError(message, code="unknown-address", hint=hint) from error


def _text(url: str) -> str:
    """What a page says, as far as an address can be long. Raises OSError, HTTPException, ValueError."""
    from urllib.request import urlopen

    if not url.startswith(("https://", "http://")):
        raise ValueError("it is no http address")
    with urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - see above
        content: bytes = answer.read(LONGEST)
    return content.decode("ascii")


def inside(place: Place) -> str:
    """Some address of a subnet."""
    return str(ip_network(place.cidr)[1])


def _zones(api: Api, region: str, type_: str) -> set[str]:
    filters = [{"Name": "instance-type", "Values": [type_]}]
    found = api.pages(
        region,
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=filters,
    )
    return {one["Location"] for one in found}


def _rules(doors: Sequence[Door], *, described: bool) -> list[dict[str, Any]]:
    grouped = groupby(doors, key=lambda door: door.port)
    return [_rule(port, [door.cidr for door in some], described=described) for port, some in grouped]


def _rule(port: int, cidrs: Sequence[str], *, described: bool) -> dict[str, Any]:
    said = {"Description": OURS if port == SSH else THEIRS} if described else {}
    old = [{"CidrIp": cidr, **said} for cidr in cidrs if ":" not in cidr]
    new = [{"CidrIpv6": cidr, **said} for cidr in cidrs if ":" in cidr]
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        **({"IpRanges": old} if old else {}),
        **({"Ipv6Ranges": new} if new else {}),
    }
