"""What is published on 127.0.0.1 answers its host alone, whatever a neighbour forges or routes through it."""

from __future__ import annotations

import pytest

from tests.e2e import world as look
from tests.e2e.world import World
from tests.lab import hosts, neighbour
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

PORT = 18700


@pytest.fixture(scope="module")
def private(repository: World, machines: list[Host]) -> Host:
    """A host, prepared by the real roles, with one service that nobody else may reach."""
    host = machines[0]
    repository.add(host)
    repository.spark("secretive", PORT, f"host: {host.name}")
    assert repository.reconcile()["secretive"]["result"] == "changed"
    return host


def test_neighbour_reaches_nothing(private: Host, machines: list[Host]) -> None:
    assert neighbour.reached(machines[1].name, private) == []
    assert look.ask(private, PORT) == "hello\n\n"


def test_rules_that_somebody_removed_are_missed_and_put_back(
    repository: World, private: Host, machines: list[Host]
) -> None:
    hosts.console(private.name, "nft", "delete", "table", "inet", "slipway-docker")
    assert len(neighbour.reached(machines[1].name, private)) == 2, "the attack does not work, so it proves nothing"
    [drifted] = repository.json("drift", "--deep", code=2)["deployments"]
    [change] = drifted["changes"]
    assert change["field"] == "Ensure neighbours are kept out, now and after a boot"
    repository.ok("restart", "secretive")
    assert neighbour.reached(machines[1].name, private) == []
    assert repository.json("drift", "--deep")["deployments"] == []
