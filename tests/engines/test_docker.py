"""The controller's view of a real engine."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from runner.ansible_plugins.module_utils.docker_api import Docker
from runner.domain import Resource
from runner.engines.docker import DockerEngine, container_name, mark
from runner.errors import GoneError
from tests.lab import ready

pytestmark = pytest.mark.docker


class Host:
    """Makes containers with a mark, like the module does, but in any state."""

    def __init__(self, image: str, labels: dict[str, Any]) -> None:
        self.image, self.repo = image, labels["slipway-repo"]
        self.docker = Docker()

    def make(self, deployment: str, *command: str, suffix: str = "", run: bool = True, restart: str = "no") -> str:
        name = container_name(self.repo, deployment) + suffix
        labels = mark(self.repo, deployment, "d1")
        labels["slipway-config"] = f'{{"restart": "{"unless-stopped" if restart != "no" else "never"}"}}'
        host = {"RestartPolicy": {"Name": restart}}
        self.docker.create(name, {"Image": self.image, "Cmd": list(command), "Labels": labels, "HostConfig": host})
        if run:
            self.docker.start(name)
        return name

    def wait(self, name: str) -> None:
        subprocess.run(["docker", "wait", name], check=True, capture_output=True, timeout=20)

    def wait_until(self, name: str, status: str) -> None:
        deadline = time.monotonic() + 20
        while (self.docker.inspect(name) or {})["State"]["Status"] != status:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def seen(self) -> dict[str, Resource]:
        return {found.deployment: found for found in DockerEngine().list(self.repo, "local")}


@pytest.fixture
def host() -> Iterator[Host]:
    image = ready.image("tiny")
    with ready.mark() as labels:
        yield Host(image, labels)


def test_available_says_nothing_when_it_answers(host: Host) -> None:
    assert DockerEngine().available() == ""


def test_list_shows_only_ours_with_facts(host: Host) -> None:
    with ready.mark() as stranger:
        Host(host.image, stranger).make("web", "sleep", "1000")
        host.make("web", "sleep", "1000")
        found = DockerEngine().list(host.repo, "local")
    (web,) = found
    assert (web.deployment, web.provider, web.state, web.digest) == ("web", "local", "running", "d1")
    assert web.facts == {"engine": "docker", "image": host.image, "container": f"slipway-{host.repo}-web"}
    assert web.id.startswith("docker:")
    assert web.since.endswith("+00:00")


def test_states(host: Host) -> None:
    host.make("created", "sleep", "1000", run=False)
    for deployment, command in {"done": "true", "broken": "false"}.items():
        host.wait(host.make(deployment, command))
    looping = host.make("looping", "false", restart="unless-stopped")
    graceless = host.make(
        "graceless", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done", restart="unless-stopped"
    )
    paused = host.make("paused", "sleep", "1000")
    subprocess.run(["docker", "pause", paused], check=True, capture_output=True)
    host.docker.stop(graceless)
    host.wait_until(looping, "restarting")
    found = host.seen()
    assert {name: resource.state for name, resource in found.items()} == {
        "broken": "failed",
        "created": "pending",
        "done": "stopped",
        "graceless": "stopped",
        "looping": "running",
        "paused": "stopped",
    }
    assert found["looping"].health == "unhealthy"
    assert found["broken"].detail == "it ended by itself with code 1; see its log"
    subprocess.run(["docker", "unpause", paused], check=True, capture_output=True)


def test_replaced_container_is_one_unfinished_resource(host: Host) -> None:
    host.make("web", "sleep", "1000", suffix=".previous")
    interrupted = host.seen()["web"]
    assert (interrupted.state, interrupted.digest) == ("running", "")
    host.make("web", "sleep", "1000")
    unproven = host.seen()["web"]
    assert (unproven.facts["container"], unproven.digest) == (f"slipway-{host.repo}-web", "")
    assert unproven.detail == "the last update was not finished"


def test_logs_of_both_streams(host: Host) -> None:
    host.wait(host.make("web", "sh", "-c", "echo out; sleep 0.2; echo err >&2; sleep 0.2; printf 'no end'"))
    web = host.seen()["web"]
    assert list(DockerEngine().logs(web, follow=False, lines=100)) == ["out", "err", "no end"]
    assert list(DockerEngine().logs(web, follow=False, lines=1)) == ["no end"]


def test_logs_follow_while_it_runs(host: Host) -> None:
    host.make("web", "sh", "-c", "echo first; sleep 0.5; echo second; sleep 1000")
    lines = DockerEngine().logs(host.seen()["web"], follow=True, lines=100)
    assert list(itertools.islice(lines, 2)) == ["first", "second"]
    lines.close()  # type: ignore[attr-defined] # a generator, as everybody who follows relies on


def test_logs_of_nothing_is_gone(host: Host) -> None:
    host.make("web", "true")
    web = host.seen()["web"]
    host.docker.remove(web.id.partition(":")[2], force=True, volumes=True)
    with pytest.raises(GoneError):
        list(DockerEngine().logs(web, follow=False, lines=1))
