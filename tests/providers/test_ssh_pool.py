"""Which host of the pool a deployment gets, and why not the others: tables of facts in, a name and reasons out."""

from __future__ import annotations

import re
from typing import Any

import pytest

from runner.domain import Record
from runner.providers.ssh import pool
from runner.providers.ssh.fleet import inline_name
from runner.providers.ssh.options import HOST_NAME
from runner.providers.ssh.provider import Provider
from tests import factories

PLAIN: dict[str, Any] = {"ram_gb": 4}
BIG: dict[str, Any] = {"ram_gb": 64, "disk_gb": 500}
L4: dict[str, Any] = {"gpu": "L4", "gpus": 1, "vram_gb": 24}
FOUR: dict[str, Any] = {"gpu": "A100", "gpus": 4, "vram_gb": 80}


def spec(uses: str = "none", port: int = 8888, vram: float = 0, **machine: Any) -> dict[str, Any]:
    """What a deployment asks for."""
    made = factories.spec(provider=["ssh"], machine=machine, needs={"vram_gb": vram, "ram_gb": 0, "disk_gb": 0})
    made["service"]["gpus"] = uses
    made["service"]["ports"]["web"]["host"] = port
    return made


wanted = spec
NO_40 = "has no GPU with 40 GB free"


def sharing(vram: float, port: int = 8888) -> dict[str, Any]:
    """A deployment that shares its GPU."""
    return spec("all", port, vram, share_gpu=True)


def spread(over: int, uses: str = "all", **machine: Any) -> dict[str, Any]:
    """A deployment whose model is spread over several GPUs."""
    made = spec(uses, **machine)
    made["needs"]["gpu_count"] = over
    return made


def on(
    host: str, name: str = "other", gpu_ids: tuple[str, ...] = (), spec: dict[str, Any] | None = None, **asked: Any
) -> Record:
    """A deployment that is somewhere already."""
    want = factories.desired(name, spec=spec or wanted(**asked))
    return factories.record(want, machine={"host": host, "id": host, "gpu_ids": list(gpu_ids)})


@pytest.mark.parametrize(
    ("host", "wanted", "used", "reason"),
    [
        ({}, spec(), [], ""),
        # the GPU's name
        (L4, spec(gpu="L4"), [], ""),
        (L4, spec(gpu="l4"), [], ""),
        (L4, spec(gpu="A100"), [], "has L4, not A100"),
        ({}, spec(gpu="L4"), [], "has no GPU, not L4"),
        # memory of one GPU; a host that does not state it has none
        (L4, spec(vram_gb=24), [], ""),
        (L4, spec(vram_gb=25), [], "has 24 GB of GPU memory, not 25"),
        ({"gpus": 1}, spec(vram_gb=1), [], "has 0 GB of GPU memory, not 1"),
        # memory and disk are no obstacle where a host does not state them
        (PLAIN, spec(ram_gb=4), [], ""),
        (PLAIN, spec(ram_gb=4.5), [], "has 4 GB of memory, not 4.5"),
        ({}, spec(ram_gb=4.5, disk_gb=900), [], ""),
        (BIG, spec(disk_gb=900), [], "has 500 GB of disk, not 900"),
        # what the model needs, of all GPUs that it gets
        (L4, spec("all", vram=24), [], ""),
        (L4, spec("all", vram=48), [], "has 24 GB of GPU memory, and 48 are needed"),
        (FOUR, spec("all", vram=160, gpus=2), [], ""),
        (FOUR, spec("all", vram=160), [], "has 80 GB of GPU memory, and 160 are needed"),
        ({"gpu": "L4", "gpus": 1}, spec("all", vram=48), [], "has 24 GB of GPU memory, and 48 are needed"),
        ({"gpu": "L4"}, spec("all", vram=48), [], "has 24 GB of GPU memory, and 48 are needed"),
        ({"gpu": "Banana"}, spec("all", vram=48), [], ""),  # nothing tells what it has
        ({}, spec("auto", vram=48), [], ""),  # it runs without a GPU, slowly
        # how many GPUs are free
        ({}, spec("all"), [], "has 0 of 0 GPUs free, not 1"),
        ({}, spec("auto"), [], ""),
        (L4, spec("all"), [on("here", uses="all")], "has 0 of 1 GPUs free, not 1"),
        (L4, spec("all"), [on("here", uses="none", port=1)], ""),
        (L4, spec("all"), [on("there", uses="all")], ""),
        (L4, spec("auto"), [on("here", uses="auto", port=1)], "has 0 of 1 GPUs free, not 1"),
        (L4, spec("none"), [on("here", uses="all", port=1)], ""),
        (FOUR, spec("none", gpus=2), [on("here", uses="all", port=1)], ""),
        (FOUR, spec("none", gpus=4), [on("here", uses="all", port=1)], "has 3 of 4 GPUs free, not 4"),
        ({}, spec("none"), [on("here", uses="all", port=1)], ""),  # the pool says less than it did
        # one GPU for several, when all of them say so and the memory is enough for all
        (L4, sharing(8), [on("here", "chat", spec=sharing(16, port=1))], ""),
        (L4, sharing(9), [on("here", "chat", spec=sharing(16, port=1))], "has no GPU with 9 GB free"),
        (
            L4,
            sharing(8),
            [on("here", "chat", spec=sharing(8, port=1)), on("here", "more", spec=sharing(9, port=2))],
            "has no GPU with 8 GB free",
        ),
        (L4, sharing(8), [on("here", "chat", spec=spec("all", vram=8, port=1))], "has no GPU with 8 GB free"),
        (L4, spec("all", vram=8), [on("here", "chat", spec=sharing(8, port=1))], "has 0 of 1 GPUs free, not 1"),
        (FOUR, sharing(40), [on("here", f"d{n}", (str(n),), spec=sharing(41, port=n)) for n in range(4)], NO_40),
        # whose GPU is for others
        (L4, spec("none", gpu="none"), [on("here", uses="all", port=1)], ""),
        ({}, spec("none", gpu="none"), [], ""),
        # whose model is spread over several
        (FOUR, spread(4), [], ""),
        (FOUR, spread(4), [on("here", uses="all", port=1)], "has 3 of 4 GPUs free, not 4"),
        # ports
        ({}, spec(), [on("here", "chat")], "port 8888 is used there by chat"),
        ({}, spec(port=8889), [on("here", "chat")], ""),
        ({}, spec(), [on("there", "chat")], ""),
    ],
)
def test_host_fits_or_says_why_not(
    host: dict[str, Any], wanted: dict[str, Any], used: list[Record], reason: str
) -> None:
    assert pool.misfit("here", host, wanted, used) == reason


@pytest.mark.parametrize(
    ("hosts", "wanted", "used", "current", "chosen"),
    [
        # the smallest that fits
        ({"a": FOUR, "b": L4, "c": PLAIN, "d": {}}, spec(), [], "", "d"),
        ({"a": FOUR, "b": L4, "c": BIG, "d": PLAIN}, spec(), [], "", "d"),
        ({"a": FOUR, "b": L4, "c": BIG}, spec("all"), [], "", "b"),
        ({"a": FOUR, "b": L4}, spec("all", gpus=2), [], "", "a"),
        ({"a": FOUR, "b": L4}, spec(gpu="A100"), [], "", "a"),
        ({"a": {**L4, "gpus": 2}, "b": FOUR, "c": L4}, spec("all"), [], "", "c"),
        # then the one with the least on it, then by name
        ({"b": PLAIN, "a": PLAIN}, spec(), [], "", "a"),
        ({"b": PLAIN, "a": PLAIN}, spec(port=1), [on("a")], "", "b"),
        ({"b": PLAIN, "a": PLAIN}, spec(port=1), [on("a"), on("b", "x"), on("b", "y", port=2)], "", "a"),
        # full ones are passed over
        ({"a": L4, "b": FOUR}, spec("all"), [on("a", uses="all", port=1)], "", "b"),
        ({"a": {}, "b": {}}, spec(), [on("a")], "", "b"),
        # the current one stays, however large or busy, as long as it fits
        ({"a": FOUR, "b": PLAIN}, spec(), [], "a", "a"),
        ({"a": PLAIN, "b": PLAIN}, spec(port=1), [on("b")], "b", "b"),
        ({"a": L4, "b": FOUR}, spec("all", gpus=2), [], "a", "b"),
        ({"a": PLAIN}, spec(), [], "gone", "a"),
        # nobody
        ({}, spec(), [], "", ""),
        ({"a": PLAIN, "b": {}}, spec("all"), [], "", ""),
        ({"a": PLAIN}, spec("all"), [], "a", ""),
    ],
)
def test_choice(
    hosts: dict[str, dict[str, Any]], wanted: dict[str, Any], used: list[Record], current: str, chosen: str
) -> None:
    assert pool.choose(hosts, wanted, used, current)[0] == chosen


def test_choice_comes_with_the_reasons_against_the_others() -> None:
    chosen, reasons = pool.choose({"a": L4, "b": {}, "c": FOUR}, spec("all"), [on("a", uses="all")])
    assert chosen == "c"
    assert reasons == {"a": "has 0 of 1 GPUs free, not 1", "b": "has 0 of 0 GPUs free, not 1", "c": ""}


def test_two_creates_one_after_the_other_fill_the_pool() -> None:
    hosts = {"a": L4, "b": L4}
    used: list[Record] = []
    for expected in ("a", "b", ""):
        chosen, _ = pool.choose(hosts, spec("all"), used)
        assert chosen == expected
        used.append(on(chosen, f"d{len(used)}", uses="all"))


@pytest.mark.parametrize(
    ("wanted", "host", "count"),
    [
        (spec("all"), FOUR, 1),
        (spec("all", gpus=3), FOUR, 3),
        (spec("auto"), FOUR, 1),
        (spec("auto"), PLAIN, 0),
        (spec("auto", gpus=2), PLAIN, 2),
        (spec("none"), FOUR, 0),
        ({}, FOUR, 0),
        # as many as its model is spread over, unless it says more; none where the GPUs are for others
        (spread(2), FOUR, 2),
        (spread(2, gpus=4), FOUR, 4),
        (spec("none", gpu="none"), FOUR, 0),
    ],
)
def test_gpus_that_a_deployment_takes(wanted: dict[str, Any], host: dict[str, Any], count: int) -> None:
    assert pool.gpus_of(wanted, host) == count


@pytest.mark.parametrize(
    ("host", "wanted", "used", "own", "given"),
    [
        (L4, spec("all"), [], (), ()),  # with one there is nothing to choose
        (PLAIN, spec("auto"), [], (), ()),
        (FOUR, spec("all"), [], (), ("0",)),
        (FOUR, spec("all", gpus=4), [], (), ("0", "1", "2", "3")),
        (FOUR, spec("none"), [], (), ()),
        (FOUR, spec("all", gpus=2), [on("here", gpu_ids=("1",))], (), ("0", "2")),
        (FOUR, spec("all"), [on("there", gpu_ids=("0",))], (), ("0",)),
        # who shares gets a GPU that others share already
        (FOUR, sharing(40), [on("here", "chat", ("1",), spec=sharing(40))], (), ("1",)),
        (FOUR, sharing(41), [on("here", "chat", ("1",), spec=sharing(40))], (), ("0",)),
        (FOUR, spec("all"), [on("here", "chat", ("0",), spec=sharing(40))], (), ("1",)),
        # it keeps its own, whatever is free: another one would mean another container
        (FOUR, spec("all"), [], ("2",), ("2",)),
        (FOUR, spec("all", gpus=2), [], ("2",), ("0", "2")),
        (FOUR, spec("all"), [], ("1", "2"), ("1",)),
        (FOUR, spec("all"), [on("here", gpu_ids=("2",))], ("2",), ("0",)),
        ({**FOUR, "gpus": 12}, spec("all", gpus=2), [], ("10", "9"), ("9", "10")),
    ],
)
def test_gpus_of_a_host_with_several_are_shared_out(
    host: dict[str, Any], wanted: dict[str, Any], used: list[Record], own: tuple[str, ...], given: tuple[str, ...]
) -> None:
    assert pool.gpu_ids("here", host, wanted, used, own) == given


POOL = {"small": L4, "middle": {"gpu": "L40S"}, "large": FOUR}


@pytest.mark.parametrize(
    ("machine", "vram", "said"),
    [
        ({"host": "small"}, 48, ("small has 24 GB of GPU memory, and 48 are needed; "
         "the smallest host that would do: middle (48 GB)")),
        ({"host": "small"}, 60, ("small has 24 GB of GPU memory, and 60 are needed; "
         "the smallest host that would do: large (80 GB)")),
        ({"host": "small"}, 90, ("small has 24 GB of GPU memory, and 90 are needed; "
         "no host would do; the smallest GPU that would: RTX PRO 6000 (96 GB)")),
        ({"host": "small"}, 24, ""),
        ({"host": "small", "gpu": "H100"}, 24, "small has L4, not H100"),
        ({"gpu": "L4"}, 48, ("no host of the pool fits: large has A100, not L4; middle has L40S, not L4; "
         "small has 24 GB of GPU memory, and 48 are needed; the smallest host that would do: middle (48 GB)")),
        ({}, 48, ""),
        ({"address": "192.0.2.9", "gpu": "T4"}, 24, ("192.0.2.9 has 16 GB of GPU memory, and 24 are needed; "
         "the smallest host that would do: small (24 GB)")),
        ({"address": "192.0.2.9"}, 500, ""),
    ],
)  # fmt: skip
def test_model_that_does_not_fit_is_refused_with_the_smallest_that_would(
    machine: dict[str, Any], vram: float, said: str
) -> None:
    assert Provider.misfit(spec("all", vram=vram, **machine), {"hosts": POOL}) == said


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (spec("all", gpu="none", host="small"), "says gpu: none, but it needs a GPU"),
        (spec("none", gpu="none", gpus=1), "says gpu: none, but it needs a GPU"),
        (spec("none", gpu="none", host="small"), ""),
        (spread(4, gpus=2, host="large"), "says gpus: 2, but its model is to be spread over 4"),
        (spread(4, host="large"), ""),
        (spread(4, address="192.0.2.9"), ""),
    ],
)
def test_what_contradicts_itself_is_refused(wanted: dict[str, Any], said: str) -> None:
    assert Provider.misfit(wanted, {"hosts": POOL}) == said


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        ({"a": spec("all", host="small")}, {}),
        ({"a": spec("all", host="small"), "b": spec("all", host="large")}, {}),
        ({"a": spec("all", host="small"), "b": spec("none", host="small")}, {}),
        ({"a": spec("auto", host="small"), "b": spec("none", host="small", gpu="none")}, {}),
        ({"a": spec("all", host="small"), "b": spec("all", gpu="L4")}, {}),  # from the pool: not known yet
        (
            {"a": spec("all", host="small"), "b": spec("auto", host="small"), "c": spec("all", host="small")},
            dict.fromkeys("bc", "small has 0 of 1 GPUs free, not 1; taken by: a"),
        ),
        (
            {"a": spread(2, host="large"), "b": spec("all", host="large"), "c": spread(2, host="large")},
            {"c": "large has 1 of 4 GPUs free, not 2; taken by: a, b"},
        ),
        ({name: spec("all", vram=12, host="small", share_gpu=True) for name in "ab"}, {}),
        (
            {name: spec("all", vram=12, host="small", share_gpu=True) for name in "abc"},
            {"c": "small has no GPU with 12 GB free; taken by: a, b"},
        ),
        ({"a": spec("all", host="gone"), "b": spec("all", host="gone")}, {}),  # said elsewhere
    ],
)
def test_gpus_of_a_host_that_several_name_are_counted(specs: dict[str, Any], said: dict[str, str]) -> None:
    assert {name: fault.message for name, fault in Provider.conflicts(specs, {"hosts": POOL}).items()} == said


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"user": "ada", "key": "k"}, ""),
        ({"user": "ada", "key": "k", "gpu": "L4"}, ""),
        ({"user": "root", "key": "k"}, "it gets onto x by another user than a"),
        (
            {"user": "ada", "key": "k", "jump": "door", "host_key": "h"},
            "it gets onto x by another jump and host_key than a",
        ),
        ({"user": "root", "key": "k", "port": 2222}, ""),
    ],
)
def test_one_address_is_reached_in_one_way(second: dict[str, Any], said: str) -> None:
    specs = {"a": spec(address="x", user="ada", key="k"), "b": spec(address="x")}
    specs["b"]["machine"] |= second
    found = Provider.conflicts(specs, {})
    assert [fault.message for fault in found.values()] == ([said] if said else [])


def test_host_that_is_named_by_address_is_none_of_the_pool() -> None:
    names = {inline_name({"address": address, "port": 22}) for address in ("gpu", "GPU", "2001:db8::1", "::1")}
    assert names == {"gpu_22", "2001-db8--1_22", "0--1_22"}
    assert not [name for name in names if re.fullmatch(HOST_NAME, name)]
