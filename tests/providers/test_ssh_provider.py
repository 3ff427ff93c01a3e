"""What the provider decides from what hosts say of themselves. The answers are given; how they are got is for e2e."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.domain import Record
from runner.errors import CapacityError, InvalidRequestError, ProviderError
from runner.providers.base import Context, Mark
from runner.providers.ssh.fleet import inline_name
from runner.providers.ssh.provider import Provider
from tests import factories

POOL: dict[str, Any] = {"a": {"address": "192.0.2.1"}, "b": {"address": "192.0.2.2"}}
GPU = {"gpu": "L4", "gpus": 1, "vram_gb": 24}
WEB = Mark("shop", "web")
DOWN = ProviderError("a cannot be reached", code="unreachable", hint="is it up?")
NOTHING: dict[str, Any] = {"containers": [], "units": [], "health": {}, "exposed": [], "volumes": []}
BARE = {"docker": "no Docker engine here", "missing": True, **NOTHING}
BROKEN = {"docker": "the Docker engine is not running", "missing": False, **NOTHING}


def empty() -> dict[str, Any]:
    return {"docker": "", "missing": False, **NOTHING}


def having(name: str) -> dict[str, Any]:
    """A host with a container of a deployment."""
    labels = {"managed-by": "slipway", "slipway-repo": "shop", "slipway-deployment": name, "slipway-digest": "d"}
    container = {
        "Id": "0123456789abcdef",
        "Names": [f"/slipway-shop-{name}"],
        "Image": "x:1",
        "Labels": labels,
        "State": "running",
        "Status": "Up 2 hours",
        "Created": 1,
    }
    return {**empty(), "containers": [container]}


def provider(
    tmp_path: Path,
    answers: dict[str, Any],
    hosts: dict[str, Any] = POOL,
    neighbours: Sequence[Record] = (),
    **about: Any,
) -> Provider:
    made = Provider(Context(tmp_path, "shop", settings={"hosts": hosts}, neighbours=tuple(neighbours), **about))
    made._fleet._answers = dict(answers)
    return made


def spec(uses: str = "none", port: int = 8888, **machine: Any) -> dict[str, Any]:
    made = factories.spec(provider=["ssh"], machine=machine, needs={"vram_gb": 0, "ram_gb": 0, "disk_gb": 0})
    made["service"]["gpus"] = uses
    made["service"]["ports"]["web"]["host"] = port
    return made


def on(host: str, name: str, **asked: Any) -> Record:
    want = factories.desired(name, spec=spec(**asked))
    return factories.record(want, provider="ssh", machine={"host": host, "id": host, "gpu_ids": []})


# --- an engine that does not answer -----------------------------------------------------------------------------------


def test_what_is_recorded_where_the_engine_is_broken_is_there_and_failed(tmp_path: Path) -> None:
    record = on("a", "web")
    it = provider(tmp_path, {"a": BROKEN, "b": empty()}, neighbours=[record, on("b", "chat")])
    [found] = it.list()
    assert (found.deployment, found.state, found.digest) == ("web", "failed", record.digest)
    assert found.detail == "a: the Docker engine is not running"
    assert found.facts["host"] == "a"


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"a": DOWN, "b": empty()}, "unreachable"),
        ({"a": BROKEN, "b": empty()}, "docker-broken"),
        ({"a": BARE, "b": empty()}, ""),
        ({"a": empty(), "b": DOWN}, ""),
    ],
)
def test_absence_is_proven_only_by_an_engine_that_answers(tmp_path: Path, answers: dict[str, Any], code: str) -> None:
    blindness = provider(tmp_path, answers).blind_spot({"host": "a"})
    assert (blindness.code if blindness else "") == code


def test_any_silent_host_makes_the_whole_pool_uncertain(tmp_path: Path) -> None:
    blindness = provider(tmp_path, {"a": empty(), "b": DOWN}).blind_spot({})
    assert blindness is not None
    assert blindness.hint == "is it up?"


def test_nothing_is_taken_for_gone_while_the_engine_of_its_host_is_broken(tmp_path: Path) -> None:
    it = provider(tmp_path, {"a": BROKEN, "b": empty()}, machine={"host": "a"})
    it._fleet.forget = lambda name: None  # type: ignore[method-assign]  # it would ask a real host
    with pytest.raises(ProviderError) as caught:
        it.find(WEB)
    assert caught.value.code == "docker-broken"


@pytest.mark.parametrize(
    ("answers", "wanted", "code"),
    [
        ({"a": BROKEN, "b": BROKEN}, spec(host="a"), ""),  # preparing it starts the engine
        ({"a": DOWN, "b": empty()}, spec(host="a"), "unreachable"),
        ({"a": DOWN, "b": empty()}, spec(), ""),
        ({"a": DOWN, "b": DOWN}, spec(), "unreachable"),
        ({"a": DOWN, "b": BROKEN}, spec(), ""),
    ],
)
def test_only_silence_stands_in_the_way_of_something_new(
    tmp_path: Path, answers: dict[str, Any], wanted: dict[str, Any], code: str
) -> None:
    reason = provider(tmp_path, answers).requirements(wanted)
    assert (reason.code if reason else "") == code


# --- where it goes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        ({"a": empty(), "b": empty()}, "a"),
        ({"a": DOWN, "b": empty()}, "b"),
        ({"a": BROKEN, "b": empty()}, "b"),
        ({"a": BROKEN, "b": DOWN}, "a"),
        ({"a": BARE, "b": empty()}, "a"),
        # the record was lost: what is somewhere is not made a second time
        ({"a": empty(), "b": having("web")}, "b"),
        ({"a": DOWN, "b": having("web")}, "b"),
        ({"a": empty(), "b": having("other")}, "a"),
    ],
)
def test_host_of_the_pool(tmp_path: Path, answers: dict[str, Any], chosen: str) -> None:
    assert provider(tmp_path, answers).create(WEB, spec()).id == chosen


def test_something_new_is_not_looked_for(tmp_path: Path) -> None:
    assert provider(tmp_path, {"a": empty()}, new=True).create(WEB, spec()).id == "a"


def test_pool_without_a_host_that_answers_says_why(tmp_path: Path) -> None:
    with pytest.raises(CapacityError, match="a does not answer; b does not answer"):
        provider(tmp_path, {"a": DOWN, "b": DOWN}).create(WEB, spec())


@pytest.mark.parametrize(("answer", "chosen"), [(having("web"), ""), (empty(), "a")])
def test_host_taken_out_of_the_pool_keeps_what_it_has(tmp_path: Path, answer: dict[str, Any], chosen: str) -> None:
    machine = {"host": "old", "address": "192.0.2.7"}
    it = provider(tmp_path, {"a": empty(), "old": answer}, hints=(machine,), machine=machine)
    if chosen:
        assert it.create(WEB, spec()).id == chosen
        return
    with pytest.raises(InvalidRequestError, match="on old, which is no longer in") as caught:
        it.create(WEB, spec())
    assert caught.value.code == "host-outgrown"


def test_named_host_is_not_given_what_runs_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="on b already, not on a") as caught:
        provider(tmp_path, {"a": empty(), "b": having("web")}).create(WEB, spec(host="a"))
    assert (caught.value.code, caught.value.hint) == ("elsewhere", "write host: b, or remove it there first")


def test_one_machine_of_two_names_is_not_elsewhere(tmp_path: Path) -> None:
    hosts = {**POOL, "again": POOL["b"]}
    it = provider(tmp_path, {"a": empty(), "b": having("web"), "again": having("web")}, hosts)
    assert it.create(WEB, spec(host="again")).id == "again"


def test_address_outside_of_the_pool_is_taken_as_it_is(tmp_path: Path) -> None:
    machine = {"address": "192.0.2.9", "user": "me"}
    name = inline_name(machine)
    it = provider(tmp_path, {"a": empty(), "b": empty(), name: empty()}, hints=(machine,))
    assert it.create(WEB, spec("all", address="192.0.2.9")).connection["ansible_user"] == "me"


# --- what is taken ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "neighbours", "wanted", "reason"),
    [
        (GPU, [], spec("all", host="a"), ""),
        (GPU, [on("a", "chat", uses="all", port=1)], spec("all", host="a"), "a has 0 of 1 GPUs free, not 1"),
        (GPU, [on("b", "chat", uses="all", port=1)], spec("all", host="a"), ""),
        (GPU, [on("a", "chat", uses="all", port=1)], spec("none", host="a"), ""),
        ({**GPU, "gpus": 2}, [on("a", "chat", uses="all", port=1)], spec("all", host="a"), ""),
        (GPU, [on("a", "chat")], spec("all", host="a"), "a port 8888 is used there by chat"),
    ],
)
def test_named_host_is_refused_when_neighbours_have_it(
    tmp_path: Path, host: dict[str, Any], neighbours: list[Record], wanted: dict[str, Any], reason: str
) -> None:
    hosts = {**POOL, "a": {**POOL["a"], **host}}
    it = provider(tmp_path, {"a": empty(), "b": empty()}, hosts, neighbours, new=True)
    if not reason:
        assert it.create(WEB, wanted).id == "a"
        return
    with pytest.raises(CapacityError) as caught:
        it.create(WEB, wanted)
    assert (caught.value.code, str(caught.value)) == ("host-full", reason)


def test_second_gpu_goes_to_the_second_deployment(tmp_path: Path) -> None:
    hosts = {"a": {**POOL["a"], **GPU, "gpus": 2}}
    first = on("a", "chat", uses="all", port=1)
    first.machine["gpu_ids"] = ["0"]
    made = provider(tmp_path, {"a": empty()}, hosts, [first], new=True).create(WEB, spec("all", host="a"))
    assert made.facts["gpu_ids"] == ["1"]


def test_what_a_proxy_still_serves_is_found_although_its_service_is_gone(tmp_path: Path) -> None:
    it = provider(tmp_path, {"a": {**having("web"), "exposed": ["gone", "web"]}, "b": empty()})
    assert {(r.deployment, r.state, r.facts["host"]) for r in it.list()} == {
        ("web", "running", "a"),
        ("gone", "failed", "a"),
    }
    assert it._found("a", Mark("shop", "gone"))
    assert not it._found("b", Mark("shop", "gone"))


# --- looking ahead ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "recorded", "asked"),
    [
        ({"host": "b"}, {}, ["b"]),
        ({"host": "gone"}, {}, []),  # `create` says so
        ({}, {}, ["a"]),
        ({}, {"host": "b"}, ["b"]),
        ({"gpu": "H100"}, {}, []),
    ],
)
def test_only_who_will_probably_be_asked_is_asked_ahead(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    machine: dict[str, Any],
    recorded: dict[str, Any],
    asked: list[str],
) -> None:
    it = provider(tmp_path, {}, machine=recorded)
    told: list[str] = []
    monkeypatch.setattr(it._fleet, "ask", told.extend)
    it.look_ahead(spec(**machine))
    assert told == asked
