"""Machines of a cloud, from a file to a healthy service and back to nothing.

AWS's API is played by moto and the rules of the lab; the machines are real, with cloud-init, and so are the roles.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import world as look
from tests.e2e.world import World
from tests.lab import machine, ready, usage
from tests.lab.cloud import Cloud

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

WORD = "template: spark\nprovider: aws\nmachine: {%s}\nports: {web: 8080}\n"
SMALL = "type: g6.xlarge"


@dataclass(frozen=True)
class Shop:
    """A repository that rents from the cloud."""

    world: World
    cloud: Cloud

    def write(self, name: str, machine: str = SMALL, text: str = "") -> None:
        self.world.deployment(name, WORD % machine + text)

    def alive(self) -> list[Any]:
        return self.cloud.alive

    def left(self) -> list[str]:
        """Everything that may cost or be in the way, whoever it belongs to."""
        found = [one.id for one in self.cloud.alive]
        ec2 = self.cloud.client("ec2")
        found += [one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]]
        groups = ec2.describe_security_groups()["SecurityGroups"]
        found += [one["GroupName"] for one in groups if one["GroupName"] != "default"]
        requests = ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
        return found + [
            one["SpotInstanceRequestId"] for one in requests if one["State"] in ("open", "active", "disabled")
        ]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(machines=True) as running:
        yield running


@pytest.fixture(scope="module")
def shop(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    ready.pullable("tiny")
    world = look.build(Path(tmp_path_factory.mktemp("shop")))
    aws = {"address": "private", "key": str(machine.key())}
    world.settings(json.dumps({"id": world.id, "images": {"replace": usage.replacements()}, "providers": {"aws": aws}}))
    world.env.update(cloud.env)
    yield Shop(world, cloud)
    look.end(world, ())


def test_file_becomes_a_healthy_service_on_a_machine_of_its_own(shop: Shop) -> None:
    shop.write("word")
    assert shop.world.reconcile()["word"]["result"] == "changed"
    assert shop.world.health() == {"word": "healthy"}
    assert [one.state for one in shop.alive()] == ["running"]
    record = shop.world.record("word")
    assert record["machine"]["id"] == shop.alive()[0].id
    assert shop.world.run("ssh", "word", "--", "whoami").stdout.strip() == "slipway"


def test_second_reconcile_does_nothing(shop: Shop) -> None:
    shop.cloud.calls.clear()
    assert shop.world.reconcile() == {}
    assert len(shop.cloud.calls) <= 3


def test_stop_stops_the_machine_and_start_brings_the_service_back(shop: Shop) -> None:
    before = shop.alive()[0].id
    shop.world.ok("stop", "word")
    assert [one.state for one in shop.alive()] == ["stopped"]
    assert shop.world.actions(code=0) == {"word": "none"}
    assert shop.world.health() == {"word": "stopped"}
    shop.world.ok("start", "word")
    assert [(one.id, one.state) for one in shop.alive()] == [(before, "running")]
    assert shop.world.health() == {"word": "healthy"}


def test_other_type_replaces_the_machine(shop: Shop) -> None:
    before = shop.alive()[0].id
    shop.write("word", "type: g6.2xlarge")
    assert shop.world.actions(code=2) == {"word": "replace"}
    assert shop.world.reconcile("--allow-destroy")["word"]["result"] == "changed"
    [now] = shop.alive()
    assert (now.instance_type, now.id != before) == ("g6.2xlarge", True)
    assert shop.world.health() == {"word": "healthy"}


def test_destroy_leaves_nothing(shop: Shop) -> None:
    shop.world.ok("destroy", "word", "--yes")
    assert shop.left() == []
    assert shop.world.json("orphans")["orphans"] == []
