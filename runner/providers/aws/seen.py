"""What carries our mark at AWS: machines, and what is left of machines that are gone. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runner import readback
from runner.providers.aws.api import Api
from runner.providers.base import Mark

MANAGER = "slipway"
THERE = ("pending", "running", "stopping", "stopped")
ENDED = ("shutting-down", "terminated")
HOST_KEY, USER, DIGEST, DISK = "slipway-host-key", "slipway-user", "slipway-digest", "slipway-disk-gb"
ADDRESS = "slipway-address"
"""public | private: which one the runner connects to."""
MADE_FOR = "slipway-made-for"
"""Digest of what the machine was made for; never changes, unlike that of what runs on it."""
Filter = dict[str, Any]
_PARTS = {
    "volume": ("describe_volumes", "Volumes", "VolumeId"),
    "security-group": ("describe_security_groups", "SecurityGroups", "GroupId"),
    "spot-instances-request": ("describe_spot_instance_requests", "SpotInstanceRequests", "SpotInstanceRequestId"),
}
_REQUESTS_THAT_BUY = {"open", "active", "disabled"}


@dataclass(frozen=True, slots=True)
class Seen:
    """One machine as AWS describes it."""

    id: str
    deployment: str
    region: str
    zone: str
    type: str
    state: str
    """AWS's word."""
    address: str
    """The public one if it has one. Empty while there is none."""
    tags: Mapping[str, str]
    spot: bool
    spot_request: str
    launched: str
    """ISO time of its last start."""
    born: str
    """Likewise, of its first one."""
    reason_code: str
    reason: str
    """Why it is in this state, in AWS's words."""
    since: str
    """Likewise, with the moment in brackets; often empty."""
    token: str
    """The client token that it was asked for with."""
    parts: frozenset[str]
    """Ids of its volumes, groups and spot request."""

    @property
    def there(self) -> bool:
        """Whether it exists, running or not."""
        return self.state in THERE


@dataclass(frozen=True, slots=True)
class Part:
    """A volume, a group or a spot request whose machine is not there."""

    id: str
    kind: str
    deployment: str
    region: str
    since: str


def marked(repo: str, deployment: str = "") -> list[Filter]:
    """Filters for everything of a repository, or of one deployment."""
    wanted = {"managed-by": MANAGER, "slipway-repo": repo, **({"slipway-deployment": deployment} if deployment else {})}
    return [{"Name": f"tag:{name}", "Values": [value]} for name, value in wanted.items()]


def tags(mark: Mark, **more: str) -> list[dict[str, str]]:
    """The tags that make a resource ours."""
    values = {
        "Name": f"slipway-{mark.repo}-{mark.deployment}",
        "managed-by": MANAGER,
        "slipway-repo": mark.repo,
        "slipway-deployment": mark.deployment,
        **more,
    }
    return [{"Key": name, "Value": value} for name, value in values.items()]


def machines(api: Api, region: str, repo: str, deployment: str = "") -> list[Seen]:
    """Every machine that carries the mark, those that ended within the last hour included. One call for each page."""
    found = api.pages(region, "describe_instances", "Reservations", Filters=marked(repo, deployment))
    return [from_answer(one, region) for reservation in found for one in reservation["Instances"]]


def one(api: Api, region: str, machine: str) -> Seen | None:
    """A machine by its id; None when AWS does not know it (yet)."""
    filters = [{"Name": "instance-id", "Values": [machine]}]  # unlike InstanceIds, no error while it is not known yet
    found = api.pages(region, "describe_instances", "Reservations", Filters=filters)
    return next((from_answer(one, region) for reservation in found for one in reservation["Instances"]), None)


def leftovers(api: Api, region: str, repo: str, alive: Sequence[Seen]) -> list[Part]:
    """What has our mark and belongs to no machine that is there. One call, and more only when there is something."""
    filters = [{"Name": "key", "Values": ["slipway-repo"]}, {"Name": "value", "Values": [repo]}]
    in_use = {part for machine in alive for part in machine.parts}
    rows = api.pages(region, "describe_tags", "Tags", Filters=filters)
    kinds = {row["ResourceType"] for row in rows if row["ResourceType"] in _PARTS and row["ResourceId"] not in in_use}
    found = [part for kind in sorted(kinds) for part in parts(api, region, kind, marked(repo))]
    return [part for part in found if part.id not in in_use]


def parts(api: Api, region: str, kind: str, filters: list[Filter]) -> list[Part]:
    """The volumes, groups or requests that exist now; tags outlive what they are on."""
    operation, key, name = _PARTS[kind]
    found = api.pages(region, operation, key, Filters=filters)
    return [
        Part(
            item[name],
            kind,
            readback.deployment(tagged(item).get("slipway-deployment")),
            region,
            _iso(item.get("CreateTime", "")),
        )
        for item in found
        if kind != "spot-instances-request" or item.get("State") in _REQUESTS_THAT_BUY
    ]


def tagged(item: Mapping[str, Any]) -> dict[str, str]:
    """The tags of anything."""
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}


def from_answer(data: Mapping[str, Any], region: str) -> Seen:
    """A machine as a call has described it."""
    found = tagged(data)
    reason = data.get("StateReason", {})
    volumes = {device["Ebs"]["VolumeId"] for device in data.get("BlockDeviceMappings", ()) if "Ebs" in device}
    interfaces = data.get("NetworkInterfaces", ())
    groups = {
        group["GroupId"] for one in (data, *interfaces) for group in one.get("SecurityGroups", one.get("Groups", ()))
    }
    request = str(data.get("SpotInstanceRequestId") or "")
    return Seen(
        id=data["InstanceId"],
        deployment=readback.deployment(found.get("slipway-deployment")),
        region=region,
        zone=data.get("Placement", {}).get("AvailabilityZone", ""),
        type=data["InstanceType"],
        state=data["State"]["Name"],
        address=data.get("PublicIpAddress") or data.get("PrivateIpAddress") or "",
        tags=found,
        spot=data.get("InstanceLifecycle") == "spot",
        spot_request=request,
        launched=_iso(data.get("LaunchTime", "")),
        born=_iso(_first_attached(interfaces) or data.get("LaunchTime", "")),
        reason_code=reason.get("Code", ""),
        reason=reason.get("Message") or data.get("StateTransitionReason", ""),
        since=data.get("StateTransitionReason", ""),
        token=data.get("ClientToken", ""),
        parts=frozenset({*volumes, *groups, *({request} if request else ())}),
    )


def _first_attached(interfaces: Sequence[Mapping[str, Any]]) -> datetime | str:
    """When the primary interface was, which stays for life; a stopped machine's next start is a new launch."""
    attached = (one.get("Attachment", {}) for one in interfaces)
    return next((one.get("AttachTime", "") for one in attached if one.get("DeviceIndex") == 0), "")


def _iso(moment: datetime | str) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if isinstance(moment, datetime) else str(moment)
