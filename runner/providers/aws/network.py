"""Where a machine is connected, and who may reach it: a group of its own that lets in SSH and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from runner.errors import CapacityError, InvalidRequestError, ProviderError
from runner.providers.aws import seen
from runner.providers.aws.api import Api
from runner.providers.base import Mark

WHO_AM_I = "https://checkip.amazonaws.com"
"""Says from which address it was asked. Run by AWS."""
SSH = 22
TIMEOUT_S = 10


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


def group(api: Api, region: str, mark: Mark, place: Place, cidrs: Sequence[str]) -> str:
    """The id of the machine's own group in this network, with exactly these networks let in."""
    # By mark and never by name: of a group that somebody else has called the same, nothing is known.
    where = [*seen.marked(mark.repo, mark.deployment), {"Name": "vpc-id", "Values": [place.vpc]}]
    found = api.pages(region, "describe_security_groups", "SecurityGroups", Filters=where)
    if not found:
        api.call(
            region,
            "create_security_group",
            GroupName=f"slipway/{mark.repo}/{mark.deployment}",
            Description=f"Slipway: SSH to {mark.deployment}",
            VpcId=place.vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": seen.tags(mark)}],
        )
        found = api.pages(region, "describe_security_groups", "SecurityGroups", Filters=where)
    if not found:
        raise ProviderError(f"AWS in {region} made a group and does not show it", code="unclear", hint="run it again")
    admit(api, region, found[0], cidrs)
    return str(found[0]["GroupId"])


def admit(api: Api, region: str, found: dict[str, Any], cidrs: Sequence[str]) -> None:
    """Let exactly these networks use SSH. Other ports are not looked at."""
    present = {
        entry[key]
        for rule in found.get("IpPermissions", [])
        if rule.get("FromPort") == rule.get("ToPort") == SSH
        for ranges, key in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"))
        for entry in rule.get(ranges, ())
    }
    if missing := sorted(set(cidrs) - present):
        api.call(region, "authorize_security_group_ingress", GroupId=found["GroupId"], IpPermissions=_rules(missing))
    if extra := sorted(present - set(cidrs)):
        api.call(region, "revoke_security_group_ingress", GroupId=found["GroupId"], IpPermissions=_rules(extra))


def callers_address(target: str, service: str = "") -> str:
    """From which address this machine is seen by one in AWS, as a network. `target`: an address there; empty: by way of
    the internet, as a service says (that of AWS, unless another is named). Raises ProviderError when it cannot be told.
    """
    if target:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((target, SSH))  # sends nothing: the kernel chooses the route
            return f"{probe.getsockname()[0]}/32"
    import httpx

    service = service or WHO_AM_I
    try:
        answer = httpx.get(service, timeout=TIMEOUT_S).raise_for_status().text
        return str(ip_network(ip_address(answer.strip())))  # of one address: /32, or /128
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        hint = "say it: machine: {ssh_cidrs: [203.0.113.7/32]}, or providers.aws.ssh_cidrs"
        message = f"{service} does not tell from which address you come: {error}"
        raise ProviderError(message, code="unknown-address", hint=hint) from error


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


def _rules(cidrs: Sequence[str]) -> list[dict[str, Any]]:
    said = "where the runner may come from"
    old = [{"CidrIp": cidr, "Description": said} for cidr in cidrs if ":" not in cidr]
    new = [{"CidrIpv6": cidr, "Description": said} for cidr in cidrs if ":" in cidr]
    return [
        {"IpProtocol": "tcp", "FromPort": SSH, "ToPort": SSH}
        | ({"IpRanges": old} if old else {})
        | ({"Ipv6Ranges": new} if new else {})
    ]
