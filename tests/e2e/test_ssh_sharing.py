"""Hosts that are not ours alone: what others have there stays, several deployments share one host or are told why they
cannot, and what has lost its file or its record is found again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
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
    """A pool of two hosts with one GPU each, as far as the pool says, and a third that only the second reaches, which
    in turn is reached through the first.
    """
    one, two, three = rented
    empty.add(one, **ONE_GPU)
    empty.add(two, jump=one.name, **ONE_GPU)
    look_up = f"address: {three.address}, user: ubuntu, key: {json.dumps(str(three.key))}"
    inline = f"{look_up}, host_key: {json.dumps(three.host_key)}, jump: {two.name}"
    empty.spark("one-a", 8301, f"host: {one.name}")
    empty.spark("clash", TAKEN, f"host: {two.name}")
    empty.spark("behind", 8301, inline)
    hosts.cut(three.name)
    yield empty
    hosts.uncut(three.name)


@pytest.fixture(scope="module")
def refused(shared: World, rented: list[Host]) -> Any:
    """What is said of a file that asks for the only GPU of a host, which its neighbour asks for as well."""
    shared.spark("one-b", 8302, f"host: {rented[0].name}")
    return shared.json("validate", code=3)


@pytest.fixture(scope="module")
def applied(shared: World, rented: list[Host], refused: object) -> dict[str, dict[str, Any]]:
    """The neighbour does without."""
    shared.spark("one-b", 8302, f"host: {rented[0].name}, gpu: none")
    return shared.reconcile()


def test_gpu_that_a_neighbour_wants_is_refused_before_anything_is_touched(refused: Any, rented: list[Host]) -> None:
    [problem] = refused["errors"]
    assert (problem["code"], problem["where"]) == ("does-not-fit", "deployments/one-b.yaml:3")
    assert problem["message"] == f"{rented[0].name} has 0 of 1 GPUs free, not 1; taken by: one-a"
    assert "machine: {gpu: none}" in problem["hint"]


def test_who_takes_no_gpu_may_be_beside(shared: World, applied: dict[str, dict[str, Any]]) -> None:
    assert {applied[name]["result"] for name in ("one-a", "one-b")} == {"changed"}
    assert shared.host_of("one-a") == shared.host_of("one-b")


def test_address_outside_of_the_pool_is_reached_through_two_others(
    shared: World, applied: dict[str, dict[str, Any]], rented: list[Host]
) -> None:
    assert applied["behind"]["result"] == "changed"
    assert shared.run("ssh", "behind", "--", "hostname").stdout.strip() == rented[2].name


def test_plain_ssh_gets_there_by_what_we_print(
    shared: World, applied: dict[str, dict[str, Any]], rented: list[Host]
) -> None:
    """By the entry for its configuration, and by the tunnel of the access page, for who has no runner."""
    file = shared.home / "config"
    file.write_text(shared.ok("ssh", "behind", "--config"))
    entry = ["ssh", "-F", str(file), "-o", "BatchMode=yes", "slipway-behind", "hostname"]
    assert subprocess.run(entry, capture_output=True, text=True, check=True).stdout.strip() == rented[2].name
    command = shared.json("access", "behind")["tunnel"]
    assert f"-L 8301:127.0.0.1:8301 -i {rented[2].key} -o 'ProxyCommand=" in command
    keys = shared.home / "known"  # whoever pastes it has compared them
    keys.write_text("".join(f"{host.address} {host.host_key}\n" for host in rented))
    stub = shared.home / "bin" / "ssh"
    stub.parent.mkdir()
    stub.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -o BatchMode=yes -o UserKnownHostsFile={keys} "$@"\n')
    stub.chmod(0o755)
    path = f"{stub.parent}{os.pathsep}{os.environ['PATH']}"
    pasted = command.replace("ssh -N", "exec ssh -N", 1)
    with subprocess.Popen(["sh", "-c", pasted], env={**os.environ, "PATH": path}) as tunnel:
        try:
            assert look.until(lambda: fetched("http://127.0.0.1:8301/")) == "hello\n"
        finally:
            tunnel.terminate()


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def test_adopted_engine_and_what_it_runs_stay(applied: object, rented: list[Host], foreign: str) -> None:
    assert inspected(rented[0].name) == foreign


@pytest.fixture(scope="module")
def moved(shared: World, applied: dict[str, dict[str, Any]], rented: list[Host]) -> dict[str, dict[str, Any]]:
    """One asks for a port that is somebody else's, one no longer says where it is, one has lost its record."""
    one, two, _ = rented
    there, other = "one-a", "one-b"
    shared.add(one)  # the pool no longer says that GPUs are scarce
    shared.add(two, jump=one.name)
    shared.spark(other, TAKEN, f"host: {one.name}")
    shared.spark(there, 8301, "")
    (shared.root / "inventory" / "host_vars" / "clash" / "access.yaml").unlink()
    shared.spark("clash", TAKEN, "")
    plan = shared.plan(code=4)
    assert {name: plan[name]["action"] for name in plan} == {
        there: "update",
        other: "blocked",
        "clash": "adopt",
        "behind": "none",
    }
    results = shared.reconcile("--adopt", code=4)
    return {"there": results[there], "other": plan[other], "clash": results["clash"]}


def test_port_of_somebody_else_is_named(moved: dict[str, dict[str, Any]], rented: list[Host], foreign: str) -> None:
    assert (moved["other"]["action"], moved["other"]["code"]) == ("blocked", "port-taken")
    said = f"port {TAKEN} (web) of host {rented[0].name} is used by the container theirs"
    assert said in moved["other"]["reason"]
    assert "choose another port: ports: {web: " in moved["other"]["hint"]
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
    shared.spark(other, 8303, f"host: {name}")
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
