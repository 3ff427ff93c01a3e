"""Machines of a cloud, from a file to a healthy service and back to nothing, with the runner killed on the way.

AWS's API is played by moto and the rules of the lab; the machines are real, with cloud-init, and so are the roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import world as look
from tests.e2e.callers import Caller, trusting
from tests.e2e.shop import PERSISTENT, SPOT, Shop, opened
from tests.lab import network

OPENED = "access: {expose: public}\n"

pytestmark = [pytest.mark.ssh, pytest.mark.slow]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(Path(tmp_path_factory.mktemp("shop"))) as shop:
        yield shop


def the_one(shop: Shop) -> tuple[str, str]:
    """(machine, state) of the only one that there may be."""
    [found] = shop.states().items()
    return found


def test_file_becomes_a_healthy_service_though_the_runner_dies_twice(shop: Shop) -> None:
    shop.write("word")
    shop.killed("CreateSecurityGroup", "reconcile", "--yes")
    assert shop.states() == {}
    shop.killed("RunInstances", "reconcile", "--yes")
    machine, _ = the_one(shop)
    assert shop.world.reconcile()["word"]["result"] == "changed"
    assert the_one(shop) == (machine, "running")
    assert shop.world.record("word")["machine"]["id"] == machine
    assert shop.world.health() == {"word": "healthy"}


def test_second_reconcile_does_nothing(shop: Shop) -> None:
    shop.cloud.calls.clear()
    assert shop.world.reconcile() == {}
    assert 0 < len(shop.cloud.calls) <= 3


def test_shell_is_on_the_machine(shop: Shop) -> None:
    assert shop.world.run("ssh", "word", "--", "whoami").stdout.strip() == "slipway"
    assert "I say hello" in shop.world.ok("logs", "word")


def test_callers_get_in_while_the_file_says_so(shop: Shop) -> None:
    machine, _ = the_one(shop)
    closed = shop.let_in()
    shop.write("word", text=OPENED)
    assert shop.world.plan(code=2)["word"]["exposure"]["after"] == "public at port 443, token"
    assert shop.world.reconcile()["word"]["result"] == "changed"
    assert shop.let_in() - closed == {(443, "0.0.0.0/0")}
    trust = trusting(str(shop.world.root / "deployments/access/word.ca.pem"))
    address = shop.world.record("word")["machine"]["address"]
    shown = shop.world.json("access", "word", "--show-secrets")["secrets"]
    token = next(row["value"] for row in shown if row["name"] == "access_token")
    assert Caller(address, 443, trust).status() == 401
    assert Caller(address, 443, trust, {"Authorization": f"Bearer {token}"}).status() == 200
    shop.write("word")
    assert shop.world.reconcile()["word"]["result"] == "changed"
    assert shop.let_in() == closed
    with pytest.raises(ConnectionError):
        Caller(address, 443, trust).ask()
    assert the_one(shop) == (machine, "running")


def test_guard_lets_a_finished_machine_live(shop: Shop) -> None:
    machine, _ = the_one(shop)
    assert shop.cloud.console(machine, "systemctl", "is-active", "slipway-guard.timer").strip() == "active"
    shop.cloud.console(machine, "sed", "-i", "s/^SETUP_S=.*/SETUP_S=0/", "/etc/slipway/guard")
    shop.cloud.console(machine, "systemctl", "start", "slipway-guard.service")
    assert the_one(shop) == (machine, "running")


def test_stop_stops_the_machine_and_start_brings_the_service_back(shop: Shop) -> None:
    machine, _ = the_one(shop)
    shop.killed("StopInstances", "stop", "word")
    shop.world.ok("stop", "word")
    assert the_one(shop) == (machine, "stopped")
    assert shop.world.actions(code=0) == {"word": "none"}
    assert shop.world.health() == {"word": "stopped"}
    shop.world.ok("start", "word")
    assert the_one(shop) == (machine, "running")
    assert shop.world.health() == {"word": "healthy"}


def test_other_type_replaces_the_machine_though_the_runner_dies_twice(shop: Shop) -> None:
    before, _ = the_one(shop)
    shop.write("word", PERSISTENT)
    assert shop.world.actions(code=2) == {"word": "replace"}
    again = ("reconcile", "--yes", "--allow-destroy")
    shop.killed("TerminateInstances", *again)
    shop.killed("RunInstances", *again[:2])
    assert shop.world.reconcile()["word"]["result"] == "changed"
    after, state = the_one(shop)
    assert (after != before, state) == (True, "running")
    assert [one.instance_type for one in shop.cloud.alive] == ["g6.2xlarge"]
    assert shop.world.health() == {"word": "healthy"}


def test_machine_with_a_public_address_lets_in_nobody_but_its_runner(shop: Shop) -> None:
    here = network.gateway(network.ensure())
    assert shop.let_in() == {(22, f"{here}/32")}
    assert shop.cloud.alive[0].public_ip
    assert shop.world.record("word")["machine"]["address"] == shop.cloud.alive[0].public_ip


def test_persistent_spot_machine_is_stopped_and_started(shop: Shop) -> None:
    machine, _ = the_one(shop)
    shop.world.ok("stop", "word")
    assert the_one(shop) == (machine, "stopped")
    shop.world.ok("start", "word")
    assert the_one(shop) == (machine, "running")
    assert shop.world.health() == {"word": "healthy"}


def test_notice_of_aws_shows_in_status(shop: Shop) -> None:
    machine, _ = the_one(shop)
    shop.cloud.interrupt(machine, notice=True)
    look.until(lambda: shop.world.health() == {"word": "degraded"}, timeout_s=60)
    [row] = shop.world.json("status")["deployments"]
    assert "AWS takes this machine back (stop)" in row["health_reason"]


def test_what_aws_has_stopped_runs_again_after_the_next_reconcile(shop: Shop) -> None:
    machine, _ = the_one(shop)
    shop.cloud.interrupt(machine)
    look.until(lambda: the_one(shop) == (machine, "stopped"), timeout_s=60)
    plan = shop.world.plan(code=2)
    assert (plan["word"]["action"], "AWS stopped it" in plan["word"]["reason"]) == ("start", True)
    assert shop.world.reconcile()["word"]["result"] in {"ok", "changed"}  # its container comes back by itself
    assert the_one(shop) == (machine, "running")
    assert shop.world.health() == {"word": "healthy"}


def test_one_time_spot_machine_is_not_stopped_and_ends_itself_when_nobody_finishes_it(shop: Shop) -> None:
    before = shop.states()
    shop.write("late", SPOT)
    shop.killed("RunInstances", "reconcile", "late", "--yes")
    [late] = shop.states().keys() - before.keys()
    look.until(lambda: shop.states()[late] == "running", timeout_s=60)
    assert "a one-time spot machine can only be terminated" in shop.world.ok("stop", "late", code=4)
    script = (
        "until test -e /var/lib/slipway/born; do sleep 0.2; done; sed -i s/^SETUP_S=.*/SETUP_S=0/ /etc/slipway/guard"
    )
    shop.cloud.console(late, "sh", "-c", script)
    look.until(lambda: late not in shop.states(), timeout_s=120)
    shop.world.ok("destroy", "late", "--yes")


def test_destroy_leaves_nothing_though_the_runner_dies(shop: Shop) -> None:
    shop.killed("DeleteSecurityGroup", "destroy", "word", "--yes", done=False)
    shop.world.ok("destroy", "word", "--yes")
    assert shop.left() == []
    assert shop.world.json("orphans")["orphans"] == []
