"""Interrupted anywhere, one rerun converges: one healthy service, nothing left over, nothing left to do."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.processes import RUN_ENV
from tests.integration import world
from tests.integration.world import World, ask, events, processes, until


@dataclass(frozen=True)
class Moment:
    """Some time after a step began."""

    step: str
    after_s: float = 0.0


PACKAGES = "Ensure the packages are installed"
PROCESS = "Ensure the process is started"
RECORD = "Ensure the access details are written"
TABLE = "Ensure the table of deployments is current"
MOMENTS = [
    Moment(PACKAGES, 0.2),
    Moment(PROCESS, 0.1),
    Moment(PROCESS, 0.5),
    Moment(RECORD),
    Moment(TABLE),
]
SLOWLY = "env: {BEACON_SLEEPS: 0.4}\n"
"""So that there is time to wait for health in."""


def happened(running: subprocess.Popen[str], made: World, known: set[Path], moment: Moment) -> None:
    """Wait for a moment of a run that was just started."""

    def came() -> bool:
        runs = set(made.runs()) - known
        return running.poll() is not None or any(e["step"] == moment.step for run in runs for e in events(run))

    until(came, 60)
    time.sleep(moment.after_s)


def killed_at(made: World, moment: Moment, *, everything: bool) -> None:
    """Start a reconcile and kill it: the runner alone, or all that carries the id of its run."""
    known = set(made.runs())
    running = made.start("reconcile", "--yes")
    happened(running, made, known, moment)
    runs = set(made.runs()) - known
    running.kill()
    for pid in processes(f"{RUN_ENV}={next(iter(runs)).name}") if runs and everything else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    running.communicate()


def converged(made: World, number: int, word: str) -> None:
    """One rerun, and everything is as if nothing had happened."""
    made.ok("reconcile", "--yes")
    answer = ask(number)
    assert answer["env"]["WORD"] == word
    assert made.actions(code=0) == {"web": "none"}
    assert made.leftovers() == []
    assert len(made.environments("web")) == 1
    assert processes(f"{made.home}/services/web/") == [answer["pid"]]
    # A healthy service is still STARTING for supervisord until a second has passed without an exit.
    until(lambda: [info["statename"] for info in made.services().values()] == ["RUNNING"])
    assert len(processes(f"{made.home}/supervisord.conf")) == 1
    assert list(made.root.rglob(".*.tmp")) == []
    assert "[web]" in (made.root / "deployments" / "README.md").read_text()
    assert f"The word is {word}." in (made.root / "deployments" / "access" / "web.md").read_text()


def survives(made: World, number: int, moment: Moment, *, everything: bool) -> str:
    """A create and an update, both killed at the same moment. Returns what went wrong."""
    try:
        made.beacon("web", number, SLOWLY)
        killed_at(made, moment, everything=everything)
        converged(made, number, "hello")
        made.beacon("web", number, SLOWLY + "params: {word: bye}\n")
        file = made.root / "deployments" / "web.yaml"
        file.write_text(file.read_text().replace("template: beacon", "template: other"))
        killed_at(made, moment, everything=not everything)
        converged(made, number, "bye")
    except AssertionError as error:
        return f"{moment}, {everything=}: {error}"
    finally:
        world.end(made)
    return ""


@pytest.mark.slow  # twenty runs of Ansible: only a real kill shows what a real kill leaves behind
def test_killed_anywhere_it_converges(
    tmp_path: Path, wheel_file: Path, other_wheel_file: Path, port: Callable[[], int]
) -> None:
    def one(index: int) -> str:
        folder = tmp_path / str(index)
        made = world.build(folder, wheel_file)
        other = (made.root / "templates" / "beacon.yaml").read_text().replace(str(wheel_file), str(other_wheel_file))
        made.template("other", other)
        return survives(made, port(), MOMENTS[index], everything=bool(index % 2))

    with ThreadPoolExecutor(3) as pool:
        wrong = [text for text in pool.map(one, range(len(MOMENTS))) if text]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGINT, Moment(PACKAGES, 0.1)), (signal.SIGTERM, Moment(PROCESS, 0.4))],
)
def test_signal_ends_it_at_once_and_cleanly(
    fresh: World, port: Callable[[], int], number: signal.Signals, moment: Moment
) -> None:
    web = port()
    fresh.beacon("web", web, SLOWLY)
    running = subprocess.Popen(
        [sys.executable, "-m", "runner", "reconcile", "--yes"],
        cwd=fresh.root,
        env={**os.environ, **world.HERMETIC},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    happened(running, fresh, set(), moment)
    began = time.monotonic()
    os.killpg(running.pid, number)  # as a terminal does
    _, said = running.communicate(timeout=30)
    assert time.monotonic() - began < 15
    assert running.returncode == 130
    assert "Traceback" not in said
    assert fresh.leftovers() == []
    converged(fresh, web, "hello")


def test_second_runner_waits_or_says_who_holds_the_lock(fresh: World, port: Callable[[], int]) -> None:
    web = port()
    fresh.beacon("web", web, SLOWLY)
    first = fresh.start("reconcile", "--yes")
    until(lambda: list(fresh.locks.glob("web.json")))

    refused = fresh.run("reconcile", "--yes")
    assert refused.returncode == 4
    assert f"@{os.uname().nodename}" in refused.stderr
    assert "web is locked by" in refused.stderr

    impatient = fresh.start("reconcile", "--yes", "--wait", "10m")
    waiting = fresh.start("reconcile", "--yes", "--wait", "60s")
    said = impatient.stderr
    assert said
    until(lambda: "Waiting for web" in said.readline())
    impatient.send_signal(signal.SIGTERM)
    impatient.communicate(timeout=20)
    assert impatient.returncode == 130

    for process in (first, waiting):
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert len(fresh.runs()) == 1
    converged(fresh, web, "hello")
