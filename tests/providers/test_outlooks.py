"""Where a plan says that deployments go: as `create` will decide, each seeing what those before it take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.domain import Record, Resource
from runner.providers.aws import outlook as aws
from runner.providers.base import Context
from runner.providers.local.provider import Provider as Local
from tests import factories
from tests.providers.test_ssh_provider import BROKEN, DOWN, empty, provider

GPUS: dict[str, Any] = {
    "big": {"address": "192.0.2.1", "gpu": "H100", "gpus": 2, "vram_gb": 80},
    "small": {"address": "192.0.2.2", "gpu": "L4", "gpus": 1, "vram_gb": 24, "adopt_engine": True},
}
SIGHT = {"taken": [], "images": {}, "gpu": {}, "memory_gb": 8, "disk_free_gb": 9, "engine": {}}


def spec(port: int = 8888, gpus: str = "all", **machine: Any) -> dict[str, Any]:
    ports = {"web": {"bind": "127.0.0.1", "host": port, "container": 80, "protocol": "http"}}
    service = {**factories.spec()["service"], "gpus": gpus, "ports": ports, "process": None}
    needs = {"vram_gb": 0, "ram_gb": 0, "disk_gb": 0}
    return factories.spec(provider=["ssh"], machine=machine, service=service, needs=needs)


def record(name: str, host: str, port: int = 1, **more: Any) -> Record:
    return Record(name, "ssh", "running", "d", spec(port), {"host": host, **more})


def answers() -> dict[str, Any]:
    return {name: {**empty(), "sight": SIGHT} for name in GPUS}


def outlooks(tmp_path: Path, wanted: dict[str, Any], *, leaving: tuple[str, ...] = (), **about: Any) -> dict[str, Any]:
    given = about.pop("answers", answers())
    opened = provider(tmp_path, given, GPUS, about.pop("neighbours", ()))
    return dict(opened.outlooks(wanted, about.get("there", {}), leaving))


def test_smallest_host_first_and_the_next_sees_that_it_is_taken(tmp_path: Path) -> None:
    found = outlooks(tmp_path, {"a": spec(1), "b": spec(2), "c": spec(3)})
    assert [(one.place, one.gpus) for one in found.values()] == [
        ("host small", "1 × L4"),
        ("host big", "1 × H100 (number 0)"),
        ("host big", "1 × H100 (number 1)"),
    ]
    assert all(one.chosen and one.prepared and one.engine == "docker" for one in found.values())
    assert found["a"].sight == SIGHT
    assert (found["a"].adopts, found["b"].adopts) == (True, False)


def test_what_has_a_host_keeps_it_and_nothing_was_chosen(tmp_path: Path) -> None:
    there = {"a": Resource("a", "ssh", "x", "running", facts={"host": "big", "engine": "docker"})}
    found = outlooks(tmp_path, {"a": spec()}, there=there, neighbours=[record("a", "big", gpu_ids=["1"])])
    assert (found["a"].place, found["a"].gpus, found["a"].chosen) == ("host big", "1 × H100 (number 1)", False)


def test_full_pool_is_an_obstacle_unless_the_plan_itself_makes_room(tmp_path: Path) -> None:
    full = [record("x", "small", 1), record("y", "big", 2, gpu_ids=["0"]), record("z", "big", 3, gpu_ids=["1"])]
    none = outlooks(tmp_path, {"a": spec(9)}, neighbours=full)["a"]
    assert none.obstacle.code == "no-host"
    assert "small has 0 of 1 GPUs free" in str(none.obstacle)
    later = outlooks(tmp_path, {"a": spec(9)}, neighbours=full, leaving=("x",))["a"]
    assert (later.obstacle, later.place) == (None, "host small")
    assert "only once what this plan removes is gone" in later.warning


def test_named_host_that_is_full_is_an_obstacle(tmp_path: Path) -> None:
    found = outlooks(tmp_path, {"a": spec(9, host="small")}, neighbours=[record("x", "small", 1)])["a"]
    assert (found.obstacle.code, found.host) == ("host-full", "small")


@pytest.mark.parametrize("silent", [DOWN, BROKEN])
def test_host_that_does_not_answer_is_passed_over(tmp_path: Path, silent: Any) -> None:
    found = outlooks(tmp_path, {"a": spec(1), "b": spec(2, gpu="L4")}, answers={**answers(), "small": silent})
    assert (found["a"].place, found["b"].place, found["b"].obstacle) == ("host big", "", None)


def test_this_machine_says_engine_and_what_it_meets(tmp_path: Path) -> None:
    local = Local(Context(tmp_path, "x", settings={"home": str(tmp_path), "docker_socket": str(tmp_path / "none")}))
    runs = {"packages": ["a==1"], "command": ["a"], "env": {}}
    wanted = spec(gpus="none", engine="auto")
    wanted["service"]["process"] = runs
    found = local.outlooks({"a": wanted}, {}, ())["a"]
    assert (found.place, found.engine, found.obstacle) == ("this machine", "process", None)
    assert found.sight["memory_gb"] > 0
    assert local.outlooks({}, {}, ()) == {}


def test_template_that_needs_an_engine_meets_that_there_is_none(tmp_path: Path) -> None:
    local = Local(Context(tmp_path, "x", settings={"home": str(tmp_path), "docker_socket": str(tmp_path / "none")}))
    found = local.outlooks({"a": spec(gpus="none")}, {}, ())["a"]
    assert found.obstacle is not None
    assert found.obstacle.code == "engine-unavailable"


def test_machine_of_aws_is_the_first_that_is_tried_or_the_one_that_is_there() -> None:
    first = aws.of(spec(gpu="L4"), {}, None)
    assert first.place.startswith("g6")
    assert "(on-demand) in us-east-1" in first.place
    assert (first.gpus, first.chosen) == ("1 × L4", True)
    facts = {"type": "g6.2xlarge", "region": "us-east-1", "zone": "us-east-1b", "spot": {"type": "one-time"}}
    there = aws.of(spec(gpu="L4"), {}, Resource("a", "aws", "i-1", "running", facts=facts))
    assert (there.place, there.chosen) == ("g6.2xlarge (spot) in us-east-1b", False)
