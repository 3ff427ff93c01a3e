"""One apply at a time for each deployment; the dead hold nothing, and nobody releases what is not theirs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner import locks, processes
from runner.errors import Blocked
from runner.locks import Lease, LocalLeases

ROOT = Path(__file__).parent.parent
HOLDER = """\
import sys
from pathlib import Path
from runner import locks
store = locks.LocalLeases(Path(sys.argv[1]))
assert store.take([locks.new(name, run=sys.argv[2], purpose="runner reconcile") for name in sys.argv[3:]]) == []
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path: Path) -> LocalLeases:
    return LocalLeases(tmp_path)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Another process that takes leases and keeps them until it is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(run: str, *names: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, str(tmp_path), run, *names]
        child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(child)
        assert child.stdout
        assert child.stdout.readline() == "held\n"
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def lease(name: str = "web", run: str = "mine", **fields: object) -> Lease:
    return replace(locks.new(name, run=run, purpose="runner reconcile"), **fields)  # type: ignore[arg-type]


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


@pytest.mark.parametrize("text", ["", "{", "[]", '{"deployment": "web"}', "\x00"])
def test_damaged_lease_holds_nothing(store: LocalLeases, tmp_path: Path, text: str) -> None:
    (tmp_path / "web.json").write_text(text)
    assert store.all() == []
    assert store.take([lease()]) == []


# --- Who is alive ----------------------------------------------------------------------------------------------------


def test_living_process_keeps_its_lease_past_the_expiry(tmp_path: Path, holder: Callable[..., object]) -> None:
    """A laptop that slept must not lose its lock to another process while it still works."""
    holder("theirs", "web")
    later = LocalLeases(tmp_path, clock=lambda: time.time() + 10 * locks.EXPIRY_S)
    assert [found.run for found in later.take([lease()])] == ["theirs"]


@pytest.mark.parametrize("reaped", [True, False], ids=["gone", "zombie"])
def test_lease_of_a_dead_process_is_taken_over_at_once(
    store: LocalLeases, holder: Callable[..., subprocess.Popen[str]], reaped: bool
) -> None:
    child = holder("theirs", "web", "api")
    assert [found.deployment for found in store.take([lease("api")])] == ["api"]
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    if reaped:
        child.wait()
    assert store.all() == []
    assert store.take([lease("api")]) == []


def test_pid_that_belongs_to_another_process_now_holds_nothing(store: LocalLeases) -> None:
    reused = {**processes.identity(), "started": "1"}
    store.take([lease(run="theirs", process=reused)])
    assert store.take([lease()]) == []


def test_what_a_dead_run_left_behind_is_ended_before_its_lease_is_taken_over(
    store: LocalLeases, holder: Callable[..., subprocess.Popen[str]]
) -> None:
    """Its Ansible would go on changing the same machine."""
    child = holder("dead-run", "web")
    command = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
    orphans = {
        run: subprocess.Popen(command, env={**os.environ, processes.RUN_ENV: run}, stdout=subprocess.PIPE)
        for run in ("dead-run", "another-run")
    }
    try:
        for orphan in orphans.values():
            assert orphan.stdout
            orphan.stdout.readline()
        child.kill()
        child.wait()
        assert store.take([lease()]) == []
        assert orphans["dead-run"].wait(timeout=30) < 0
        assert orphans["another-run"].poll() is None
    finally:
        for orphan in orphans.values():
            orphan.kill()
            orphan.communicate()


def test_lease_of_another_host_holds_until_it_expires(tmp_path: Path) -> None:
    now = [1000.0]
    store = LocalLeases(tmp_path, clock=lambda: now[0])
    far = lease(run="theirs", process={"host": "elsewhere", "pid": 1, "started": "1"}, expires=1060.0)
    store.take([far])
    now[0] = 1060.0
    assert store.take([lease()]) == [far]
    now[0] = 1060.1
    assert store.all() == []
    assert store.take([lease()]) == []


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
