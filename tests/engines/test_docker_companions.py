"""A deployment of several containers is one resource: what it lacks, and how the worst of them is."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest

from runner.ansible_plugins.module_utils import host_observer
from runner.engines import docker


def container(name: str, *, state: str = "running", digest: str = "d1", **labels: str) -> dict[str, Any]:
    mark = {"slipway-deployment": "talk", "slipway-digest": digest}
    return {
        "Id": name * 12,
        "Names": [f"/{name}"],
        "Image": "example/app:1",
        "State": state,
        "Status": "Up 1 hour" if state == "running" else "Exited (0) 1 hour ago",
        "Created": 0,
        "Labels": {**mark, **{key.replace("_", "-"): value for key, value in labels.items()}},
    }


def main(**more: Any) -> dict[str, Any]:
    return container("main", slipway_companions="chat", **more)


def chat(**more: Any) -> dict[str, Any]:
    return container("main.chat", slipway_companion="chat", slipway_container="main", **more)


def test_one_resource_knows_all_containers() -> None:
    [found] = docker.resources([chat(), main()], "ssh", health={"talk": ("healthy", "fine")})
    assert (found.state, found.digest, found.health) == ("running", "d1", "healthy")
    assert found.facts["container"] == "main"
    assert found.facts["companions"] == {"chat": "main.chat"}


@pytest.mark.parametrize(
    ("containers", "detail"),
    [
        ([main()], "chat is missing"),
        ([main(), chat(state="exited")], "chat: stopped"),
    ],
)
def test_what_is_lacking_is_unhealthy(containers: list[dict[str, Any]], detail: str) -> None:
    [found] = docker.resources(containers, "ssh", health={"talk": ("healthy", "")})
    assert (found.health, found.health_detail) == ("unhealthy", detail)


def test_stopped_service_lacks_nothing() -> None:
    [found] = docker.resources([main(state="exited"), chat(state="exited")], "ssh")
    assert (found.state, found.health) == ("stopped", "unknown")


@pytest.mark.parametrize(
    "beside", [chat(digest="older"), container("main.chat.previous", slipway_companion="chat")], ids=["older", "kept"]
)
def test_companion_in_between_is_unfinished_work(beside: dict[str, Any]) -> None:
    [found] = docker.resources([main(), beside, chat()][: 2 if beside["Names"] == ["/main.chat"] else 3], "ssh")
    assert found.digest == ""


def test_single_container_has_no_companions() -> None:
    [found] = docker.resources([container("main")], "ssh")
    assert "companions" not in found.facts


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({1: ("healthy", "a"), 2: ("healthy", "b")}, ["healthy", "a"]),
        ({1: ("healthy", "a"), 2: ("starting", "b")}, ["starting", "chat: b"]),
        ({1: ("starting", "a"), 2: ("unhealthy", "b")}, ["unhealthy", "chat: b"]),
        ({1: ("unhealthy", "a"), 2: ("healthy", "b")}, ["unhealthy", "a"]),
    ],
)
def test_worst_of_the_containers_counts(answers: dict[int, tuple[str, str]], expected: list[str]) -> None:
    listed = [main(slipway_health=json.dumps({"port": 1})), chat(slipway_health=json.dumps({"port": 2}))]
    with (
        mock.patch.object(host_observer, "fetch", return_value=listed),
        mock.patch.object(host_observer, "probe", lambda check, _: answers[check["port"]]),
    ):
        assert [*host_observer.observe("demo", docker.listing("demo"))["health"]["talk"]] == expected
