"""Whatever ends a run, and whenever: no file has a secret in it, but those that the service itself is started with."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.processes import RUN_ENV
from tests.integration.world import World, events, processes, until

CANARY = "canary-env-3b9d41f0"
VAULT = "canary-vault-77aa21"
ALLOWED = ("launch.json", "launch.json.tmp", "service.log")
"""Below the services' folder: what the service is started with, and its own words."""
STEP = "Ensure the process is started"
TEXT = "secrets: {TOKEN_OUT: 'env:GIVEN'}\nenv: {BEACON_DUMPS: all, BEACON_STATUS: 500}\n"
"""It says everything it knows, and fails: its words become part of messages and events."""


def places(made: World) -> Iterator[Path]:
    """Every file of the run: the repository, its home, and its folder for temporary files."""
    for top in (made.root, made.home, made.root.parent / "tmp", made.root.parent / "user"):
        for folder, _, names in os.walk(top):  # quiet about what vanishes meanwhile
            yield from (Path(folder, name) for name in names if name not in ALLOWED)


def found(made: World) -> set[str]:
    leaks = set()
    for path in places(made):
        with contextlib.suppress(OSError):
            content = path.read_bytes() if path.is_file() else b""
            leaks |= {f"{path}: {word}" for word in (CANARY, VAULT) if word.encode() in content}
    return leaks


@contextlib.contextmanager
def watched(made: World) -> Iterator[set[str]]:
    """All that was ever there, looked at again and again."""
    seen: set[str] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            seen.update(found(made))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
        seen |= found(made)


@pytest.fixture
def failing(fresh: World, port: Callable[[], int]) -> World:
    fresh.beacon("web", port(), TEXT)
    template = fresh.root / "templates" / "beacon.yaml"
    template.write_text(template.read_text().replace("timeout_s: 20", "timeout_s: 3"))
    for name in ("tmp", "user"):
        (fresh.root.parent / name).mkdir()
    return fresh


def begun(made: World) -> subprocess.Popen[str]:
    folder = made.root.parent
    env = {"GIVEN": CANARY, "SLIPWAY_VAULT_PASSWORD": VAULT, "TMPDIR": f"{folder}/tmp", "HOME": f"{folder}/user"}
    return made.start("reconcile", "--yes", env=env)


def killed(made: World, running: subprocess.Popen[str]) -> None:
    running.kill()


def killed_with_all_of_its_own(made: World, running: subprocess.Popen[str]) -> None:
    running.kill()
    for run in made.runs():
        for pid in processes(f"{RUN_ENV}={run.name}"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def interrupted_twice(made: World, running: subprocess.Popen[str]) -> None:
    running.send_signal(signal.SIGINT)
    time.sleep(0.1)
    running.send_signal(signal.SIGINT)


@pytest.mark.slow  # only a real kill shows what a real kill leaves behind
@pytest.mark.parametrize("after_s", [0.0, 1.5])
@pytest.mark.parametrize("end", [killed, killed_with_all_of_its_own, interrupted_twice])
def test_no_file_ever_has_a_secret_in_it(
    failing: World, end: Callable[[World, subprocess.Popen[str]], None], after_s: float
) -> None:
    with watched(failing) as seen:
        running = begun(failing)
        until(lambda: any(event["step"] == STEP for run in failing.runs() for event in events(run)), 60)
        time.sleep(after_s)
        end(failing, running)
        running.communicate()
    assert seen == set()


def test_no_file_has_a_secret_in_it_when_it_fails_by_itself(failing: World) -> None:
    with watched(failing) as seen:
        running = begun(failing)
        said = "".join(running.communicate())
    assert running.returncode == 1
    assert (CANARY in said, seen) == (False, set())
    [run] = failing.runs()
    assert "TOKEN_OUT" in (run / "ansible.log").read_text()
