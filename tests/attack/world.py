"""Repositories whose services really run, by real Ansible and the process engine here: for races and kills."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests import ports
from tests.integration import world
from tests.integration.world import World, ask, processes, refuses

NAME = "web"
RECONCILE = ("reconcile", "--yes", "--allow-destroy")
SLOWLY = "env: {BEACON_SLEEPS: 0.3}\n"
PATIENCE_S = 300


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[tuple[World, int]]:
    """A repository without deployments, and a port for one."""
    made = world.build(folder, world.wheel(folder))
    try:
        yield made, ports.free()
    finally:
        world.end(made)


def declare(made: World, number: int, word: str, state: str = "running") -> None:
    """What is wanted of the one deployment; an empty word: nothing any more."""
    if word:
        made.beacon(NAME, number, f"{SLOWLY}state: {state}\nparams: {{word: {word}}}\n")
    else:
        (made.root / "deployments" / f"{NAME}.yaml").unlink(missing_ok=True)


def started(made: World, *words: str) -> subprocess.Popen[str]:
    """A command in a session of its own, so that all of it can be killed."""
    return made.start(*words)


def killed(running: subprocess.Popen[str], *, everything: bool, number: int = signal.SIGKILL) -> None:
    """The command alone, or with every process that its run has started."""
    children = _below(running.pid) if everything else []
    for pid in (running.pid, *children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    running.communicate(timeout=PATIENCE_S)


def _below(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text().split()):
                found += [child, *_below(child)]
    return found


def wrong(made: World, number: int, word: str, state: str = "running") -> str:
    """What is not as it was declared, after one run that was let alone; empty when all is well."""
    done = made.run(*RECONCILE)
    if done.returncode:
        return f"exit {done.returncode}: {done.stdout[-200:]} {done.stderr[-400:]}"
    if left := made.leftovers():
        return f"left: {left}"
    if pending := [name for name, action in made.actions(code=0).items() if action != "none"]:
        return f"still to do: {pending}"
    running = processes(f"{made.home}/services/{NAME}/")
    if not word:
        return f"traces: {made.traces(NAME)}" if made.traces(NAME) else ""
    if state == "stopped":
        return "" if refuses(number) and not running else f"it runs: {running}"
    answer = ask(number)
    if answer["env"]["WORD"] != word:
        return f"it says {answer['env']['WORD']}, not {word}"
    return "" if running == [answer["pid"]] else f"processes: {running}"
