"""What EC2 does and moto does not: states that take time, idempotent creation, spot requests. See __init__.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from moto import settings
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, elastic_network_interfaces, instances
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.instances import Instance, InstanceState, Reservation, StateReason
from moto.ec2.models.subnets import Subnet
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.spot_instances import SpotInstances

from tests.lab.cloud import images, spot
from tests.lab.cloud.addresses import Addresses

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
ENDED = ("shutting-down", "terminated")
NO_TOKEN = (None, "", "ABCDE")  # the last is what moto makes of none


def move(instance: Instance, state: str, reason: str = "") -> None:
    """Put a machine into a state. The reason is a code as `Server.SpotInstanceTermination`."""
    instance._state = InstanceState(state, CODES[state])
    if reason:
        instance.state_reason = StateReason(f"{reason}: as AWS says it", reason)
        instance._reason = reason


class MachineImage(Ami):
    """One whose root volume has a size of its own."""

    size_gb = 0

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        """As moto has it but for the size."""
        [root] = super().block_device_mappings
        root["Ebs"] |= {"VolumeSize": self.size_gb, "VolumeType": "gp3", "DeleteOnTermination": True}
        return [root]


@dataclass
class Rules:
    """The behaviour of one cloud. `patches` are to be entered while it runs."""

    addresses: Addresses
    spot_prices: dict[tuple[str, str], float]
    """(type, zone) → USD per hour."""
    _tokens: dict[tuple[str, str], tuple[str, Reservation]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _sent: threading.local = field(default_factory=threading.local)

    def patches(self) -> Iterator[Any]:
        """What moto does otherwise while the cloud runs."""
        rules = self
        self._run, self._start = EC2Backend.run_instances, EC2Backend.start_instances
        self._stop, self._terminate = EC2Backend.stop_instances, EC2Backend.terminate_instances
        take_options = InstanceResponse.run_instances

        def history(response: SpotInstances) -> ActionResult:
            return spot.history(response, rules.spot_prices)

        def run_instances(response: InstanceResponse) -> ActionResult:
            rules._sent.options = response._get_param("InstanceMarketOptions") or {}
            return take_options(response)

        def own(name: str, function: Any) -> Any:
            return patch.object(EC2Backend, name, _as_method(function))

        yield own("run_instances", self.run)
        yield own("start_instances", self.start)
        yield own("stop_instances", self.stop)
        yield own("terminate_instances", self.terminate)
        yield own("cancel_spot_instance_requests", self.cancel)
        yield patch.object(InstanceResponse, "run_instances", run_instances)
        yield patch.object(SpotInstances, "describe_spot_price_history", history)
        yield patch.object(AmiBackend, "_load_amis", _load_images)
        yield patch.object(settings, "ENABLE_AMI_VALIDATION", True)
        yield patch.object(settings, "EC2_ENABLE_INSTANCE_TYPE_VALIDATION", True)
        yield patch.object(instances, "random_private_ip", lambda *_, **__: self.addresses.take())
        yield patch.object(Subnet, "get_available_subnet_ip", lambda subnet, instance: self.addresses.take())
        yield patch.object(elastic_network_interfaces.NetworkInterface, "check_auto_public_ip", _same_public_address)

    def run(
        self, backend: EC2Backend, image_id: str, count: int, data: Any, groups: list[str], **more: Any
    ) -> Reservation:
        """One call with the same token at a time, and only the first of them makes anything."""
        token, options = more.get("client_token"), getattr(self._sent, "options", {})
        asked = json.dumps([image_id, count, str(data), groups, more, options], default=str, sort_keys=True)
        with self._lock:
            before, reservation = self._tokens.get((backend.region_name, str(token)), ("", None))
            if reservation is not None and token not in NO_TOKEN:
                if before == asked:
                    return reservation
                raise EC2ClientError("IdempotentParameterMismatch", "The token was used before, with other parameters.")
            spot.check(options)
            tags = dict(more.get("tags", {}))
            reservation = self._run(backend, image_id, count, data, groups, **more)
            instance: Any
            for instance in reservation.instances:
                move(instance, "pending")
                if options.get("MarketType") == "spot":
                    request = spot.Request(backend, instance, options, tags)
                    backend.spot_instance_requests[request.id] = request
                    instance.spot_instance_request_id = request.id
            self._tokens[backend.region_name, str(token)] = (asked, reservation)
            return reservation

    def start(self, backend: EC2Backend, ids: list[str]) -> list[tuple[Instance, InstanceState]]:
        """From stopped only; nothing happens to what runs."""
        found = backend.get_multi_instances_by_id(ids)
        for instance in found:
            if instance.state in (*ENDED, "stopping"):
                raise _wrong_state(instance, "started")
            request = spot.request_of(backend, instance)
            if request is not None and request.state == "cancelled":
                raise EC2ClientError("UnsupportedOperation", f"The Spot request of {instance.id} was cancelled.")
        before = [(instance, instance._state) for instance in found]
        asleep = [instance.id for instance in found if instance.state == "stopped"]
        if asleep:
            for instance, _ in self._start(backend, asleep):
                move(instance, "pending")
                spot.mark(spot.request_of(backend, instance), "active", "fulfilled")
        return before

    def stop(self, backend: EC2Backend, ids: list[str]) -> list[tuple[Instance, InstanceState]]:
        """Not for one-time spot machines."""
        found = backend.get_multi_instances_by_id(ids)
        for instance in found:
            if instance.state in ENDED:
                raise _wrong_state(instance, "stopped")
            request = spot.request_of(backend, instance)
            if request is not None and request.type == "one-time":
                raise EC2ClientError(
                    "UnsupportedOperation",
                    f"You can't stop the Spot Instance '{instance.id}' because it is associated with a one-time Spot "
                    "Instance request. You can only stop those of persistent requests.",
                )
        before = [(instance, instance._state) for instance in found]
        awake = [instance.id for instance in found if instance.state in ("pending", "running")]
        if awake:
            for instance, _ in self._stop(backend, awake):
                move(instance, "stopping")
                spot.mark(spot.request_of(backend, instance), "disabled", "instance-stopped-by-user")
        return before

    def terminate(self, backend: EC2Backend, ids: list[str], reason: str = "") -> list[tuple[Instance, InstanceState]]:
        """Quiet for what has ended. A persistent spot machine comes back unless its request was cancelled first."""
        found = backend.get_multi_instances_by_id(ids)
        before = [(instance, instance._state) for instance in found]
        alive = [instance.id for instance in found if instance.state not in ENDED]
        if alive:
            for instance, _ in self._terminate(backend, alive):
                move(instance, "shutting-down", reason)
                self._follow_up(backend, instance, reason)
        return before

    def cancel(self, backend: EC2Backend, ids: list[str]) -> list[Any]:
        """The machine goes on; the request is still listed."""
        unknown = [one for one in ids if one not in backend.spot_instance_requests]
        if unknown:
            message = f"The spot instance request ID '{unknown[0]}' does not exist"
            raise EC2ClientError("InvalidSpotInstanceRequestID.NotFound", message)
        found = [backend.spot_instance_requests[one] for one in ids]
        for request in found:
            runs = request.instance.state not in (*ENDED, "stopped")
            spot.mark(
                request, "cancelled", "request-canceled-and-instance-running" if runs else "instance-terminated-by-user"
            )
        return found

    def _follow_up(self, backend: EC2Backend, instance: Instance, reason: str) -> None:
        request = spot.request_of(backend, instance)
        if request is None or request.state == "cancelled":
            return
        if request.type != "persistent":
            by_aws = reason.startswith("Server.")
            spot.mark(request, "closed", f"instance-terminated-{'no-capacity' if by_aws else 'by-user'}")
            return
        again: Any = Instance(  # type: ignore[abstract]
            *(backend, instance.image_id, instance.user_data, instance.security_groups),
            instance_type=instance.instance_type,
            region_name=instance.region_name,
            placement=instance.availability_zone,
            lifecycle="spot",
            client_token=instance.client_token,
        )
        again.add_tags({tag["key"]: tag["value"] for tag in instance.get_tags()})
        again.spot_instance_request_id = request.id
        reservation = Reservation(f"r-{again.id[2:]}", backend.account_id)
        reservation.instances.append(again)
        backend.reservations[reservation.id] = reservation
        again.setup_defaults()
        request.instance = again
        move(again, "pending")


def _as_method(function: Any) -> Any:
    def method(backend: EC2Backend, *args: Any, **more: Any) -> Any:
        return function(backend, *args, **more)

    return method


def _wrong_state(instance: Instance, verb: str) -> EC2ClientError:
    message = f"The instance '{instance.id}' is not in a state from which it can be {verb}."
    return EC2ClientError("IncorrectInstanceState", message)


def _load_images(backend: AmiBackend) -> None:
    """Only those that the lab boots."""
    for one in images.IMAGES:
        ami = MachineImage(
            *(backend, one.id),
            name=one.name,
            owner_id=one.owner,
            public=True,
            architecture="x86_64",
            virtualization_type="hvm",
            root_device_type="ebs",
            root_device_name="/dev/sda1",
        )
        ami.size_gb = one.size_gb
        backend.amis[one.id] = ami


def _same_public_address(interface: Any) -> None:
    if str(interface.public_ip_auto_assign).lower() == "true":
        interface.public_ip = interface.private_ip_address
