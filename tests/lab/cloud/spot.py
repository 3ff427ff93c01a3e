"""Spot requests: they exist because of a machine here, and moto lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance
from moto.ec2.models.spot_requests import SpotInstanceRequest
from moto.ec2.responses.spot_instances import SpotInstances
from moto.ec2.utils import random_spot_request_id


class Request(SpotInstanceRequest):
    """A spot request that exists because of a machine, not the other way round."""

    def __init__(
        self, backend: EC2Backend, instance: Instance, options: Mapping[str, Any], tags: dict[str, Any]
    ) -> None:
        self._launched = instance
        spot = options.get("SpotOptions", {})
        super().__init__(
            backend,
            random_spot_request_id(),
            price=spot.get("MaxPrice", ""),
            image_id=instance.image_id,
            spot_instance_type=spot.get("SpotInstanceType", "one-time"),
            valid_from=None,
            valid_until=None,
            launch_group=None,
            availability_zone_group=None,
            key_name=instance.key_name or "",
            security_groups=[],
            user_data=None,
            instance_type=instance.instance_type,
            placement=instance.availability_zone,
            kernel_id=None,
            ramdisk_id=None,
            monitoring_enabled=False,
            subnet_id=instance.subnet_id or "",
            tags=tags,
            spot_fleet_id=None,
            instance_interruption_behaviour=spot.get("InstanceInterruptionBehavior"),
        )

    def launch_instance(self) -> Instance:
        """It runs already."""
        return self._launched


def request_of(backend: EC2Backend, instance: Instance) -> Any:
    """The spot request behind a machine; None for one on demand."""
    return backend.spot_instance_requests.get(getattr(instance, "spot_instance_request_id", ""))


def mark(request: Any, state: str, code: str) -> None:
    """Put a request into a state; None has none."""
    if request is not None:
        request.state, request._status_code = state, code


def check(options: Mapping[str, Any]) -> None:
    """Refuse what AWS refuses."""
    spot = options.get("SpotOptions", {})
    keeps = spot.get("InstanceInterruptionBehavior") in ("stop", "hibernate")
    if spot.get("SpotInstanceType") == "persistent" and not keeps:
        message = "A persistent Spot request needs the interruption behavior stop or hibernate."
        raise EC2ClientError("InvalidParameterCombination", message)


def history(response: SpotInstances, prices: Mapping[tuple[str, str], float]) -> ActionResult:
    """The prices that a test set, of one region."""
    wanted = response._get_param("InstanceTypes", [])
    rows = [
        {
            "InstanceType": kind,
            "AvailabilityZone": zone,
            "ProductDescription": "Linux/UNIX",
            "SpotPrice": f"{price:.6f}",
            "Timestamp": "2026-11-01T12:00:00.000Z",
        }
        for (kind, zone), price in sorted(prices.items())
        if zone.startswith(response.region) and (not wanted or kind in wanted)
    ]
    return ActionResult({"SpotPriceHistory": rows})
