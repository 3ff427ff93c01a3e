"""A container that answers and ends right after it, on a real engine: nothing that one good answer makes good."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from runner.ansible_plugins.module_utils.restarts import MANY
from runner.engines.docker import DockerEngine
from tests.ansible_plugins import box
from tests.ansible_plugins.box import Box

pytestmark = pytest.mark.docker

ENDS = ["sh", "-c", "httpd -p 8080 -h /data; sleep 1; echo out of oil; exit 7"]
"""It serves for a second, whenever it is started."""


@pytest.fixture
def proven() -> Iterator[Box]:
    """With a health check."""
    with box.box() as made:
        port = made.wanted["ports"][0]["host"]
        check = {"host": "127.0.0.1", "port": port, "protocol": "http", "path": "/", "status": 404, "timeout_s": 20}
        made.wanted["health"] = check
        yield made


def seen(one: Box) -> Any:
    (found,) = DockerEngine().list(one.wanted["labels"]["slipway-repo"], "local")
    return found


def test_version_that_ends_after_its_first_answer_is_rolled_back(proven: Box) -> None:
    assert proven.call()["changed"]
    good = proven.id()
    answer = proven.call(command=ENDS)
    assert answer["failed"]
    assert answer["cause"] == "unhealthy"
    assert "GET / answered 404, but did not stay: the container ended by itself" in answer["msg"]
    assert "The previous container runs again" in answer["msg"]
    assert (proven.id(), proven.status()) == (good, "running")


def test_what_runs_already_is_not_waited_for(proven: Box) -> None:
    proven.call()
    proven.wanted["health"]["stable_s"] = 600
    assert not proven.call()["changed"]


def test_one_that_ends_again_and_again_is_unhealthy_until_it_is_mended(proven: Box) -> None:
    loop = ["sh", "-c", "httpd -p 8080 -h /data; while [ ! -e /data/loop ]; do sleep 0.1; done; sleep 1; exit 7"]
    proven.call(command=loop)
    assert (seen(proven).restarts, seen(proven).health) == (0, "unknown")
    subprocess.run(["docker", "exec", proven.name, "touch", "/data/loop"], check=True)
    deadline = time.monotonic() + 60
    while seen(proven).restarts < MANY:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    for _ in range(5):  # in whichever moment
        found = seen(proven)
        assert (found.state, found.health) == ("running", "unhealthy")
        assert "in 10 minutes; see its log" in found.health_detail
        time.sleep(0.3)
    failed = proven.call(command=loop)
    assert failed["cause"] == "unhealthy"  # one lucky answer does not make it good
    assert proven.status() == "exited"
