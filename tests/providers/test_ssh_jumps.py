"""What `jump:` means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.providers.base import Context
from runner.providers.ssh.fleet import Fleet
from runner.providers.ssh.jumps import circle, meant, parse
from tests.small import Small, told


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("door", ("door", 22, "")),
        ("me@door", ("door", 22, "me")),
        ("192.0.2.1:2222", ("192.0.2.1", 2222, "")),
        ("me@192.0.2.1:2222", ("192.0.2.1", 2222, "me")),
        ("ada@corp.example@door", ("door", 22, "ada@corp.example")),
        ("2001:db8::1", ("2001:db8::1", 22, "")),
        ("me@[2001:db8::1]:2222", ("2001:db8::1", 2222, "me")),
        ("[2001:db8::1]", ("2001:db8::1", 22, "")),
    ],
)
def test_jump_is_read(text: str, login: tuple[str, int, str]) -> None:
    found = parse(text)
    assert found
    assert (found["address"], found["port"], found["user"]) == login


@pytest.mark.parametrize(
    "text", ["", "a b", "a,b", "-oX", "door:", "door:x", "@door", "[door]:22", "me@-x", "a@b:123456"]
)
def test_what_is_no_jump(text: str) -> None:
    assert parse(text) is None


POOL: dict[str, dict[str, Any]] = {
    "door": {"address": "192.0.2.1", "port": 2222, "user": "keeper", "key": "k"},
    "hall": {"address": "192.0.2.2", "jump": "door"},
    "room": {"address": "192.0.2.3", "jump": "ada@hall"},
}


@pytest.mark.parametrize(
    ("jump", "name"),
    [
        ("door", "door"),
        ("me@door", "door"),
        ("192.0.2.1:2222", "door"),
        ("192.0.2.1", ""),
        ("192.0.2.2", "hall"),
        ("x", ""),
    ],
)
def test_host_of_the_pool_is_known_by_name_and_by_address(jump: str, name: str) -> None:
    assert meant(jump, POOL) == name


@pytest.mark.parametrize(
    ("jumps", "found"),
    [
        ({"door": None}, []),
        ({"door": "door"}, ["door"]),
        ({"door": "192.0.2.1:2222"}, ["door"]),
        ({"door": "hall"}, ["door", "hall"]),
        ({"door": "room"}, ["door", "room", "hall"]),
        ({"door": "elsewhere"}, []),
    ],
)
def test_circle_is_found(jumps: dict[str, Any], found: list[str]) -> None:
    pool = {name: {**host, **({"jump": jumps[name]} if name in jumps else {})} for name, host in POOL.items()}
    assert circle(pool) == found


def test_way_leads_through_all_hosts_of_the_pool(tmp_path: Path) -> None:
    hints = (
        {"address": "192.0.2.9", "jump": "192.0.2.8"},
        {"address": "192.0.2.8", "jump": "192.0.2.9", "user": "eve"},
    )
    fleet = Fleet(Context(tmp_path, "shop", settings={"hosts": POOL}, hints=hints))
    room = fleet.host("room").way()
    assert [(hop["user"], hop["address"], hop["port"]) for hop in room] == [
        ("keeper", "192.0.2.1", 2222),
        ("ada", "192.0.2.2", 22),
    ]
    assert [hop["address"] for hop in fleet.host("192.0.2.9_22").way()] == ["192.0.2.8"]  # files do not see each other


def test_circle_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    small = Small(tmp_path / "repo")
    hosts = "".join(f"      {name}: {{address: 192.0.2.1, jump: {jump}}}\n" for name, jump in (("a", "b"), ("b", "a")))
    small.write("runner.yaml", f"id: test\nproviders:\n  ssh:\n    hosts:\n{hosts}")
    [(where, code, _, said, _)] = told(small.load().problems)
    assert (where, code) == ("runner.yaml:3", "invalid-value")
    assert "can only be reached through each other: a → b → a; take one jump away" in said
