"""What is to come would meet: images and ports of an engine that a stand-in plays."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from runner.ansible_plugins.module_utils import host_docker, host_sight
from runner.ansible_plugins.module_utils.docker_socket import DockerError
from tests import ports

ANSWERS: dict[str, Any] = {
    "/images/here:1/json": {},
    "/distribution/public:1/json": {},
    "/distribution/login:1/json": DockerError(401, "unauthorized: authentication required"),
    "/distribution/denied:1/json": DockerError(500, "denied: requested access to the resource is denied"),
    "/distribution/typo:1/json": DockerError(404, "manifest unknown: manifest unknown"),
    "/distribution/far:1/json": DockerError(500, "Get https://registry: dial tcp: i/o timeout"),
    "/images/broken:1/json": DockerError(500, "the disk is on fire"),
}
HOW = {
    "here:1": "here",
    "public:1": "pullable",
    "login:1": "login",
    "denied:1": "login",
    "typo:1": "missing",
    "far:1": "unknown",
    "broken:1": "unknown",
}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Target → what it answers."""
    answers: dict[str, Any] = {**ANSWERS, "/containers/json": []}

    def fetch(_: str, target: str, __: float = 0) -> Any:
        answer = answers.get(target, DockerError(404, "No such image"))
        if isinstance(answer, DockerError):
            raise answer
        return answer

    monkeypatch.setattr(host_sight, "fetch", fetch)
    engine = {**dict.fromkeys(host_sight.ENGINE), "foreign": ["grafana"]}
    monkeypatch.setattr(host_docker, "facts", lambda _: engine)
    return answers


@pytest.mark.usefixtures("engine")
def test_images_are_asked_for_as_the_pull_will_ask() -> None:
    assert host_sight.sight({"images": [*HOW]}, engine="/socket")["images"] == HOW


@pytest.mark.usefixtures("engine")
def test_of_very_many_images_the_rest_is_unknown() -> None:
    many = [f"image:{number}" for number in range(1000)]
    assert len(host_sight.sight({"images": many}, engine="/socket")["images"]) == host_sight.IMAGES


def container(name: str, port: int, repo: str = "") -> dict[str, Any]:
    labels = {host_sight.REPOSITORY: repo, host_docker.OURS: "x"} if repo else {}
    return {"Names": [f"/{name}"], "Labels": labels, "Ports": [{"PublicPort": port, "PrivatePort": 80}]}


def test_port_of_a_container_is_the_containers_and_not_its_proxys(engine: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", port := ports.free())):
        engine["/containers/json"] = [container("grafana", port)]
        seen = host_sight.sight({"ports": [[port, "127.0.0.1"]]}, "mine", "/socket")
        assert [one["container"] for one in seen["taken"]] == ["grafana"]
        assert seen["engine"]["foreign"] == ["grafana"]
        engine["/containers/json"] = [container("slipway-mine-x", port, "mine")]
        seen = host_sight.sight({"ports": [[port, "127.0.0.1"]]}, "mine", "/socket")
        assert (seen["taken"], seen["engine"]) == ([], {})
        engine["/containers/json"] = [container("slipway-theirs-x", port, "theirs")]
        assert host_sight.sight({"ports": [[port, "127.0.0.1"]]}, "mine", "/socket")["taken"]


def test_without_an_engine_nothing_is_asked_of_it(tmp_path: Path) -> None:
    seen = host_sight.sight({"ports": [], "images": ["a:1"], "gpu": False}, ours=(str(tmp_path),))
    assert (seen["images"], seen["taken"], seen["gpu"], seen["engine"]) == ({}, [], {}, {})
    assert seen["memory_gb"] > 0
