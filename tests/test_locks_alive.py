"""The dead hold nothing, and what they left running is ended; the living keep what they have."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner import locks, processes
from runner.locks import LocalLeases
from tests.factories import lease

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
