"""One apply at a time for each deployment, in whatever clone; nobody releases what is not theirs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from runner import locks
from runner.errors import Blocked
from runner.locks import Lease, LocalLeases
from runner.repo import Repo
from tests.factories import lease


@pytest.fixture
def store(tmp_path: Path) -> LocalLeases:
    return LocalLeases(tmp_path)


def no_waiting(lease: Lease) -> None:
    raise AssertionError(lease)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread does; only a hang makes it fail."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# --- Taking and releasing --------------------------------------------------------------------------------------------


def test_second_holder_is_told_about_the_first(store: LocalLeases) -> None:
    first = lease()
    assert store.take([first]) == []
    assert store.take([lease(run="theirs")]) == [first]
    assert store.all() == [first]


def test_other_deployments_are_not_affected(store: LocalLeases) -> None:
    store.take([lease("web")])
    assert store.take([lease("api", run="theirs")]) == []


def test_several_are_taken_together_or_not_at_all(store: LocalLeases) -> None:
    held = lease("b")
    store.take([held])
    assert store.take([lease(name, run="theirs") for name in ("a", "b", "c")]) == [held]
    assert store.all() == [held]


def test_two_processes_never_hold_overlapping_sets(store: LocalLeases) -> None:
    """Four threads take pairs in opposite orders; the guard makes each taking one step."""
    names = ["a", "b", "c"]
    inside: dict[str, int] = dict.fromkeys(names, 0)
    clashes: list[str] = []

    def work(number: int) -> None:
        for turn in range(20):
            pair = [names[(number + turn) % 3], names[(number + 2 * turn + 1) % 3]]
            mine = [lease(name, run=f"run-{number}") for name in dict.fromkeys(pair)]
            if store.take(mine):
                continue
            for held in mine:
                inside[held.deployment] += 1
                clashes.extend([held.deployment] if inside[held.deployment] > 1 else [])
            for held in mine:
                inside[held.deployment] -= 1
            store.release(mine)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clashes == []
    assert store.all() == []


def test_released_lease_can_be_taken(store: LocalLeases) -> None:
    store.take([lease()])
    store.release([lease()])
    store.release([lease()])
    assert store.take([lease(run="theirs")]) == []


def test_only_the_holder_can_release_or_renew(store: LocalLeases) -> None:
    held = lease(run="theirs")
    store.take([held])
    store.release([lease(run="mine")])
    store.renew([lease(run="mine")], held.expires + 1000)
    assert store.all() == [held]


def test_lease_that_was_lost_is_not_brought_back_by_its_heartbeat(store: LocalLeases) -> None:
    store.renew([lease()], time.time() + 1000)
    assert store.all() == []


DAMAGED = ["", "{", "[]", "null", '{"deployment": "web"}', "\x00", "[" * 5000, "x" * 70_000]
WRONG: list[dict[str, Any]] = [
    {"deployment": "../../x"},
    {"deployment": "api"},
    {"since": "now"},
    {"since": 1e300},
    {"expires": None},
    {"run": ""},
    {"run": ["a"]},
    {"process": None},
    {"process": {"pid": "x"}},
    {"process": {"pid": -1}},
    {"who": 7},
    {"who": "a\nb"},
    {"more": 1},
]


@pytest.mark.parametrize("damage", [*DAMAGED, *WRONG])
def test_damaged_lease_holds_nothing(store: LocalLeases, tmp_path: Path, damage: str | dict[str, Any]) -> None:
    text = damage if isinstance(damage, str) else json.dumps({**asdict(lease("web")), **damage})
    (tmp_path / "web.json").write_text(text)
    assert store.all() == []
    assert store.drop_dead() == []
    assert [path.name for path in store.damaged()] == ["web.json"]
    assert store.take([lease()]) == []


def test_folder_in_the_place_of_a_lease_is_damage(store: LocalLeases, tmp_path: Path) -> None:
    (tmp_path / "web.json").mkdir()
    assert store.all() == []
    assert [path.name for path in store.damaged()] == ["web.json"]


def test_lease_never_removes_the_file_that_it_names(store: LocalLeases, tmp_path: Path) -> None:
    """Its name inside may be any text: what is removed is the file that was read."""
    other = tmp_path.parent / "kept.json"
    other.write_text("kept")
    dead = {**asdict(lease("web")), "deployment": "../kept", "expires": 1.0, "process": {}}
    (tmp_path / "web.json").write_text(json.dumps(dead))
    store.drop_dead()
    assert other.read_text() == "kept"


# --- Holding ---------------------------------------------------------------------------------------------------------


def test_lease_is_held_inside_the_block_and_released_after_it(store: LocalLeases) -> None:
    mine = [lease("a"), lease("b")]
    with locks.hold(store, mine, 0, no_waiting):
        assert {found.deployment for found in store.all()} == {"a", "b"}
    assert store.all() == []


def test_lease_is_released_when_the_block_fails(store: LocalLeases) -> None:
    with pytest.raises(KeyError), locks.hold(store, [lease()], 0, no_waiting):
        raise KeyError
    assert store.all() == []


def test_heartbeat_renews_while_the_block_runs(store: LocalLeases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "HEARTBEAT_S", 0.005)
    far = lease(process={"host": "elsewhere", "pid": 1, "started": "1"})
    with locks.hold(store, [far], 0, no_waiting):
        until(lambda: store.all()[0].expires > far.expires)
        [held] = store.all()
        assert replace(held, expires=far.expires) == far
    assert not [thread for thread in threading.enumerate() if thread.name == "lease-heartbeat"]


def test_held_lease_blocks_with_who_and_why_and_what_to_do(store: LocalLeases) -> None:
    store.take([lease(run="theirs", who="ada@ci", url="https://ci.example/1", purpose="runner reconcile")])
    told: list[Lease] = []
    with pytest.raises(Blocked) as caught, locks.hold(store, [lease()], 0, told.append):
        pass
    assert caught.value.code == "locked"
    said = "web is locked by ada@ci (https://ci.example/1) for 0 min: runner reconcile"
    assert (str(caught.value), caught.value.exit_code) == (said, 4)
    assert "runner unlock web --reason" in caught.value.hint
    assert told == []
    assert [found.run for found in store.all()] == ["theirs"]


def test_waiting_is_told_once_and_ends_when_the_lease_is_free(
    store: LocalLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "POLL_S", 0.005)
    theirs = lease(run="theirs")
    store.take([theirs])
    told: list[Lease] = []
    release = threading.Timer(0.05, store.release, [[theirs]])

    def waiting(found: Lease) -> None:
        told.append(found)
        release.start()

    with locks.hold(store, [lease()], 30, waiting):
        assert [found.run for found in store.all()] == ["mine"]
    assert told == [theirs]


# --- By hand ---------------------------------------------------------------------------------------------------------


def test_lock_by_hand_stays_until_it_is_taken_away(tmp_path: Path) -> None:
    much_later = LocalLeases(tmp_path, clock=lambda: time.time() + 10**9)
    by_hand = locks.new("web", run="by-hand", purpose="demo", forever=True)
    assert (by_hand.process, by_hand.expires) == ({}, 0.0)  # it outlives the command that took it
    assert LocalLeases(tmp_path).take([by_hand]) == []
    assert much_later.take([lease()]) == [by_hand]
    assert much_later.take([replace(by_hand, purpose="again")]) == [by_hand]
    much_later.release([by_hand])
    assert much_later.take([lease()]) == []


def test_lease_says_which_job_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {"SERVER_URL": "https://git.example", "REPOSITORY": "a/b", "RUN_ID": "7", "ACTOR": "ada"}.items():
        monkeypatch.setenv(f"GITHUB_{key}", value)
    made = locks.new("web", run="r", purpose="p", commit="abc")
    assert (made.url, made.commit) == ("https://git.example/a/b/actions/runs/7", "abc")
    assert made.who.startswith("ada@")


def test_lease_of_a_person_names_no_job_and_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_RUN_ID", "CI_JOB_URL"):
        monkeypatch.delenv(name, raising=False)
    made = lease(who="ada@laptop")
    assert (made.url, made.expires - made.since) == ("", locks.EXPIRY_S)
    assert str(locks.blocked(made)) == "web is locked by ada@laptop for 0 min: runner reconcile"


def test_folder_is_made_when_it_is_needed(tmp_path: Path) -> None:
    store = LocalLeases(tmp_path / "not" / "yet")
    assert store.all() == []
    assert store.take([lease()]) == []
    assert len(store.all()) == 1


# --- Clones ----------------------------------------------------------------------------------------------------------


def test_clones_of_one_repository_exclude_each_other(tmp_path: Path) -> None:
    one, two = (locks.leases(Repo(tmp_path / clone), "shared-id") for clone in ("one", "two"))
    assert one.take([lease()]) == []
    assert [found.run for found in two.take([lease(run="theirs")])] == ["mine"]
    assert locks.leases(Repo(tmp_path / "one"), "another-id").take([lease(run="theirs")]) == []


def test_clone_without_a_home_to_write_to_has_locks_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    repo = Repo(tmp_path / "clone")
    assert locks.leases(repo, "id").take([lease()]) == []
    assert [path.name for path in (repo.local / "locks").glob("*.json")] == ["web.json"]
