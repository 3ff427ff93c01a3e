"""The module `container` and a real registry."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from runner.ansible_plugins.module_utils.docker_api import Docker
from tests import ports
from tests.ansible_plugins.box import Box
from tests.ansible_plugins.box import box as make_box
from tests.lab import ready

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """The address of a registry."""
    image, port = ready.image("registry"), ports.free()
    with ready.mark() as labels:
        name, docker = f"slipway-{labels['slipway-repo']}-registry", Docker()
        bindings = {"PortBindings": {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}}
        docker.create(name, {"Image": image, "Labels": labels, "HostConfig": bindings})
        docker.start(name)
        _wait(f"http://127.0.0.1:{port}/v2/")
        yield f"127.0.0.1:{port}"


def _wait(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except (OSError, urllib.error.URLError):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def box() -> Iterator[Box]:
    with make_box() as made:
        yield made


@pytest.fixture
def reference(box: Box, registry: str) -> Iterator[str]:
    """An image that only the registry has."""
    name = f"{registry}/{box.wanted['labels']['slipway-repo']}:1"
    _push(box.image, name)
    docker("rmi", name)
    yield name
    box.call(state="absent")
    _forget(name.rpartition(":")[0])


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def _push(source: str, name: str) -> None:
    docker("tag", source, name)
    docker("push", name)


def _forget(repository: str) -> None:
    """Every tag and digest by which the engine knows images of this repository."""
    every = ["images", "--digests", "--filter", f"reference={repository}", "--format"]
    names = docker(*every, "{{.Repository}}:{{.Tag}}\n{{.Repository}}@{{.Digest}}").split()
    for name in set(names):
        if "<none>" not in name:
            subprocess.run(["docker", "rmi", name], capture_output=True, check=False)  # one may take the other along


def test_missing_image_is_pulled_once(box: Box, reference: str) -> None:
    assert box.call(image=reference, check=True)["actions"] == ["pulled", "created"]
    assert box.docker.image(reference) is None
    assert box.call(image=reference)["actions"] == ["pulled", "created"]
    assert not box.call(image=reference)["changed"]


def test_image_pinned_by_tag_and_digest_is_pulled(box: Box, reference: str) -> None:
    docker("pull", reference)
    (digest,) = [name for name in (box.docker.image(reference) or {})["RepoDigests"] if name.startswith(reference[:-2])]
    docker("rmi", reference)
    pinned = f"{reference}@{digest.partition('@')[2]}"
    answer = box.call(image=pinned)
    assert (answer["changed"], answer["container"]["image"]) == (True, pinned)
    assert not box.call(image=pinned)["changed"]


def test_pulled_touches_no_container(box: Box, reference: str) -> None:
    assert box.call(image=reference, state="pulled")["actions"] == ["pulled"]
    assert not box.call(image=reference, state="pulled")["changed"]
    assert box.status() == "absent"


def test_always_follows_a_tag_that_moved(box: Box, reference: str) -> None:
    box.call(image=reference)
    moved = f"{reference}-moved"
    docker("commit", "--change", "LABEL moved=1", box.name, moved)
    _push(moved, reference)
    docker("tag", box.image, reference)
    assert not box.call(image=reference)["changed"]
    answer = box.call(image=reference, pull="always")
    assert (answer["actions"], answer["changes"]) == (["pulled", "recreated", "committed"], ["image_id"])
    assert not box.call(image=reference, pull="always")["changed"]


def test_tag_that_the_registry_has_not_takes_nothing_down(box: Box, reference: str) -> None:
    box.call()
    before = box.id()
    answer = box.call(image=reference + "-no")
    assert (answer["failed"], answer["cause"]) == (True, "image-not-found")
    assert reference + "-no" in answer["msg"]
    assert (box.id(), box.status()) == (before, "running")
