"""Hosts that are not ours alone: what others have there stays, several deployments share one host or are told why they
cannot, and what has lost its file or its record is found again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import world as look
from tests.e2e.world import World
from tests.lab import hosts, registry
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

TAKEN = 8300
"""A port of the first host that somebody else's container has."""
ONE_GPU: dict[str, Any] = {"gpu": "L4", "gpus": 1, "vram_gb": 24}


@pytest.fixture(scope="module")
def foreign(rented: list[Host]) -> Iterator[str]:
    """What somebody else runs on the first host, as `docker inspect` shows it: it must never move."""
    name, image = rented[0].name, registry.reference("tiny")
    run = f"docker run -d --name theirs -v theirs:/data -p 127.0.0.1:{TAKEN}:80 --label managed-by=slipway {image}"
    hosts.console(name, "sh", "-c", f"docker rm -fv theirs; {run} sh -c 'echo kept > /data/x; sleep 9999'")
    yield inspected(name)
    hosts.console(name, "sh", "-c", "docker rm -fv theirs && docker volume rm theirs")


def inspected(name: str) -> str:
    form = "{{.Id}} {{.State.StartedAt}} {{.State.Status}} {{json .Mounts}}"
    return hosts.console(name, "docker", "inspect", "--format", form, "theirs")


@pytest.fixture(scope="module")
def shared(empty: World, rented: list[Host], foreign: str) -> Iterator[World]:
    """A pool of two hosts with one GPU each, as far as the pool says, and a third that only the second reaches."""
    one, two, three = rented
    empty.add(one, **ONE_GPU)
    empty.add(two, **ONE_GPU)
    look_up = f"address: {three.address}, user: ubuntu, key: {json.dumps(str(three.key))}"
    inline = f"{look_up}, host_key: {json.dumps(three.host_key)}, jump: {two.name}"
    empty.spark("one-a", 8301, f"host: {one.name}")
    empty.spark("one-b", 8302, f"host: {one.name}")  # its neighbour has the only GPU
    empty.spark("clash", TAKEN, f"host: {two.name}")
    empty.spark("behind", 8301, inline)
    hosts.cut(three.name)
    yield empty
    hosts.uncut(three.name)


@pytest.fixture(scope="module")
def applied(shared: World) -> dict[str, dict[str, Any]]:
    return shared.reconcile(code=1)


def test_gpu_that_a_neighbour_has_is_refused(applied: dict[str, dict[str, Any]], rented: list[Host]) -> None:
    """Which of the two comes first is open; the other one is refused before anything is touched."""
    assert {applied[name]["result"] for name in ("one-a", "one-b")} == {"changed", "failed"}
    [refused] = [applied[name] for name in ("one-a", "one-b") if applied[name]["result"] == "failed"]
    assert (refused["code"], refused["hint"]) == ("host-full", "free it, or name another host")
    assert f"{rented[0].name} has 0 of 1 GPUs free, not 1" in refused["error"]


def test_address_outside_of_the_pool_is_reached_through_another_host(
    shared: World, applied: dict[str, dict[str, Any]], rented: list[Host]
) -> None:
    assert applied["behind"]["result"] == "changed"
    assert shared.run("ssh", "behind", "--", "hostname").stdout.strip() == rented[2].name
    assert (
        "jump" in shared.ok("ssh", "behind", "--config").lower()
        or "proxy" in shared.ok("ssh", "behind", "--config").lower()
    )


def test_adopted_engine_and_what_it_runs_stay(applied: object, rented: list[Host], foreign: str) -> None:
    assert inspected(rented[0].name) == foreign


@pytest.fixture(scope="module")
def moved(shared: World, applied: dict[str, dict[str, Any]], rented: list[Host]) -> dict[str, dict[str, Any]]:
    """One asks for a port that is somebody else's, one no longer says where it is, one has lost its record."""
    one, two, _ = rented
    names = ("one-a", "one-b")
    there = next(name for name in names if applied[name]["result"] == "changed")
    other = next(name for name in names if name != there)
    shared.add(one)  # the pool no longer says that GPUs are scarce
    shared.add(two)
    shared.spark(other, TAKEN, f"host: {one.name}")
    shared.spark(there, 8301, "")
    (shared.root / "inventory" / "host_vars" / "clash" / "access.yaml").unlink()
    shared.spark("clash", TAKEN, "")
    plan = shared.plan(code=2)
    assert {name: plan[name]["action"] for name in plan} == {
        there: "update",
        other: "create",
        "clash": "update",
        "behind": "none",
    }
    results = shared.reconcile(code=1)
    return {"there": results[there], "other": results[other], "clash": results["clash"]}


def test_port_of_somebody_else_is_named(moved: dict[str, dict[str, Any]], rented: list[Host], foreign: str) -> None:
    assert (moved["other"]["result"], moved["other"]["code"]) == ("failed", "port-taken")
    assert f"port {TAKEN} of this host is already taken; choose another host port" in moved["other"]["error"]
    assert inspected(rented[0].name) == foreign


def test_host_that_is_no_longer_named_is_kept(
    shared: World, moved: dict[str, dict[str, Any]], rented: list[Host]
) -> None:
    assert moved["there"]["result"] in ("ok", "changed")
    assert shared.host_of(moved["there"]["deployment"]) == rented[0].name


def test_lost_record_does_not_make_a_second_one(
    shared: World, moved: dict[str, dict[str, Any]], rented: list[Host]
) -> None:
    assert moved["clash"]["result"] in ("ok", "changed")
    assert shared.host_of("clash") == rented[1].name
    assert shared.container("clash") not in look.containers(rented[0].name)


def test_what_has_neither_file_nor_record_is_an_orphan(
    shared: World, moved: dict[str, dict[str, Any]], rented: list[Host], foreign: str
) -> None:
    shared.forget("clash")
    (shared.root / "inventory" / "host_vars" / "clash" / "access.yaml").unlink()
    [found] = shared.json("orphans")["orphans"]
    assert (found["deployment"], found["provider"], found["state"]) == ("clash", "ssh", "running")
    shared.ok("orphans", "--destroy", "--yes")
    assert shared.json("orphans") == {"orphans": [], "unknown": []}
    assert look.containers(rented[1].name, shared.id) == {}


def test_destroy_leaves_what_is_not_ours(
    shared: World, moved: dict[str, dict[str, Any]], rented: list[Host], foreign: str
) -> None:
    name = rented[0].name
    other = moved["other"]["deployment"]
    shared.spark(other, 8302, f"host: {name}")
    assert shared.reconcile()[other]["result"] == "changed"
    for deployment in (other, moved["there"]["deployment"], "behind"):
        shared.forget(deployment)
    results = shared.reconcile("--allow-destroy", "3")
    assert {row["result"] for row in results.values()} == {"changed"}
    assert look.containers(name, shared.id) == {}
    assert {volume for volume in look.volumes(name) if shared.id in volume} == set()
    assert inspected(name) == foreign
    assert hosts.console(name, "docker", "exec", "theirs", "cat", "/data/x") == "kept\n"


def test_silent_host_may_have_orphans(shared: World, rented: list[Host]) -> None:
    hosts.stop(rented[1].name)
    look.hang_up(shared)
    answer = shared.json("orphans", code=1)
    assert answer["orphans"] == []
    assert [row["provider"] for row in answer["unknown"]] == ["ssh"]
    assert rented[1].name in answer["unknown"][0]["error"]
