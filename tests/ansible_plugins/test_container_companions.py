"""The module `container` against a real engine: containers beside a service, in a network of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.ansible_plugins.box import Box
from tests.ansible_plugins.box import box as make_box

pytestmark = pytest.mark.docker


class Pair:
    """A service and what stands beside it."""

    def __init__(self, box: Box) -> None:
        self.box = box
        box.wanted |= {"network": box.name, "alias": "service", "command": ["httpd", "-f", "-p", "8080", "-h", "/bin"]}
        self.beside: dict[str, Any] = {
            "name": f"{box.name}.page",
            "command": ["sleep", "1000"],
            "labels": {**box.wanted["labels"], "slipway-companion": "page", "slipway-container": box.name},
            "ports": [],
            "volumes": {f"{box.name}.page-data": "/data"},
            "alias": "page",
        }

    def both(self, *, check: bool = False) -> list[bool]:
        """Whether the service and its companion changed."""
        return [
            self.box.call(check=check, companions=["page"])["changed"],
            self.box.call(check=check, **self.beside)["changed"],
        ]

    def states(self) -> tuple[str, str]:
        return self.box.status(), self.box.status(".page")


@pytest.fixture
def pair() -> Iterator[Pair]:
    with make_box() as box:
        made = Pair(box)
        assert made.both() == [True, True]
        yield made
        box.call(state="absent", remove_volumes=True)


def test_companion_reaches_the_service_by_name(pair: Pair) -> None:
    # Until it answers: that a container runs does not mean that its service listens already.
    fetch = "until wget -q -O /dev/null http://service:8080/busybox; do sleep 0.2; done; echo it answers"
    pair.box.call(**{**pair.beside, "command": ["sh", "-c", fetch]})
    companion = pair.beside["name"]
    assert any("it answers" in line for line in pair.box.docker.logs(companion, follow=True))


def test_second_run_and_a_look_change_nothing(pair: Pair) -> None:
    assert pair.both(check=True) == [False, False]
    assert pair.both() == [False, False]


def test_stop_and_start_of_the_service_mean_both(pair: Pair) -> None:
    assert pair.box.call(state="stopped", check=True)["actions"] == ["stopped", "stopped"]
    pair.box.call(state="stopped")
    assert pair.states() == ("exited", "exited")
    assert not pair.box.call(state="stopped")["changed"]
    assert pair.both() == [True, True]
    assert pair.states() == ("running", "running")


def test_companion_that_is_not_wanted_goes_and_its_data_stays(pair: Pair) -> None:
    look = pair.box.call(check=True, companions=[])
    assert look["differences"] == [{"field": "state", "before": "page present", "after": "page absent"}]
    assert pair.box.call(companions=[])["actions"] == ["removed page"]
    assert pair.states() == ("running", "absent")
    assert len(pair.box.docker.volumes({"slipway-container": pair.beside["name"]})) == 1
    assert not pair.box.call(companions=[])["changed"]


def test_without_the_option_nobody_is_removed(pair: Pair) -> None:
    assert not pair.box.call()["changed"]
    assert pair.states() == ("running", "running")


@pytest.mark.parametrize("gone_before", [False, True])
def test_end_of_the_service_is_the_end_of_everything(pair: Pair, gone_before: bool) -> None:
    if gone_before:
        pair.box.call(companions=[])  # its data is still there
    pair.box.call(state="absent", remove_volumes=True)
    assert pair.states() == ("absent", "absent")
    mine = {"slipway-repo": pair.box.wanted["labels"]["slipway-repo"]}
    assert (pair.box.docker.volumes(mine), pair.box.docker.networks(mine)) == ([], [])
    assert not pair.box.call(state="absent", remove_volumes=True)["changed"]
