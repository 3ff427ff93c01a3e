"""What of all that a provider lists counts as the machine of a deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runner.domain import Observation, Resource
from runner.errors import ProviderError
from runner.load import Loaded
from runner.observe import observe
from runner.providers.local.provider import Provider
from tests import factories as make
from tests.small import Small

MACHINE = Resource("web", "local", "i-1", "running")
VOLUME = Resource("web", "local", "vol-1", "stopped", leftover=True)
GROUP = Resource("web", "local", "sg-1", "stopped", leftover=True)
LOST = Resource("web", "local", "i-0", "gone", detail="taken back", facts={"wait": "later"})


def seen(small: Small, monkeypatch: pytest.MonkeyPatch, *found: Resource, state: str = "running") -> Observation:
    monkeypatch.setattr(Provider, "list", lambda self: list(found))
    loaded = written(small, state)
    return observe(loaded, {}).by_name["web"]


def written(small: Small, state: str) -> Loaded:
    small.deployment("web", f"template: app\nstate: {state}\nsecrets: {{key: env:KEY}}\n")
    return small.load()


@pytest.fixture
def small(tmp_path: Any) -> Small:
    return Small(tmp_path / "repo")


def test_left_overs_are_no_second_machine(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(small, monkeypatch, VOLUME, MACHINE, GROUP, LOST).resources == (MACHINE,)


def test_left_overs_alone_are_no_machine(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(small, monkeypatch, VOLUME, GROUP) == Observation("web")


def test_left_overs_of_what_is_not_wanted_are_to_be_destroyed(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(small, monkeypatch, VOLUME, GROUP, state="absent").resource == VOLUME


def test_end_of_a_machine_is_told_with_its_reason(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(small, monkeypatch, LOST) == Observation("web", gone="taken back", wait="later")


def test_orphans_are_all_that_is_there(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Provider, "list", lambda self: [MACHINE, VOLUME, LOST])
    small.deployment("other", "template: app\nsecrets: {key: env:KEY}\n")
    assert observe(small.load(), {}).orphans == [MACHINE]


@pytest.mark.parametrize(("ends", "waits"), [("2026-01-01T10:00:00+00:00", True), ("2999-01-01T10:00:00+00:00", False)])
def test_machine_whose_time_was_over_is_not_made_again(
    small: Small, monkeypatch: pytest.MonkeyPatch, ends: str, waits: bool
) -> None:
    monkeypatch.setattr(Provider, "list", lambda self: [])
    monkeypatch.setattr(Provider, "blind_spot", lambda self, machine: None)
    want = written(small, "running").desired["web"]
    kept = {"web": make.record(want, machine={"id": "i-1", "ends": ends})}
    found = observe(small.load(), kept).by_name["web"]
    assert bool(found.wait) is waits
    assert (ends in found.gone) is waits


def test_stopped_machine_whose_time_was_over_waits_for_a_new_one(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = replace(MACHINE, state="stopped")
    monkeypatch.setattr(Provider, "list", lambda self: [stopped])
    loaded = written(small, "running")
    kept = {"web": make.record(loaded.desired["web"], machine={"id": "i-1", "ends": "2026-01-01T10:00:00+00:00"})}
    found = observe(loaded, kept).by_name["web"]
    assert (found.resources, found.wait) == ((stopped,), "a new lifecycle.ttl starts it again")
    monkeypatch.setattr(Provider, "list", lambda self: [MACHINE])
    assert not observe(loaded, kept).by_name["web"].wait


@pytest.mark.parametrize("state", ["absent", "stopped"])
def test_what_cannot_be_seen_is_not_known_to_be_gone(small: Small, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    blind = ProviderError("north does not answer", code="unclear", hint="wait")
    monkeypatch.setattr(Provider, "list", lambda self: [])
    monkeypatch.setattr(Provider, "blind_spot", lambda self, machine: blind)
    found = observe(written(small, state), {}).by_name["web"]
    assert (found.error, found.code) == ("it cannot be seen: north does not answer", "unclear")
