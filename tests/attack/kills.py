"""Kills: the runner is killed at any moment of create, update, stop, start and destroy, alone or with all that it has
started; one rerun converges, with one service and nothing left over. Signals that can be answered end with 130, or come
too late. On the cloud of the lab: `python -m tests.e2e.kill_at_random`.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
from pathlib import Path

from tests.attack.report import Report
from tests.attack.world import RECONCILE, declare, killed, opened, started, wrong
from tests.integration.world import World

STEPS = (
    ("create", "one", "running"),
    ("update", "two", "running"),
    ("stop", "two", "stopped"),
    ("start", "two", "running"),
    ("destroy", "", ""),
)
"""Name, the word that the service says, its state."""
LONGEST_S = 6.0
"""About what the longest step takes: a kill comes at any moment of it, or after its end."""
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MAY_END = {0, 1, 130}
"""After a signal that can be answered: done before it came, or interrupted; 1 where it struck a step."""


def attack(seed: int, tries: int) -> Report:
    """So many kills, in rounds of all steps."""
    report = Report("kills", seed)
    dice = report.dice
    with tempfile.TemporaryDirectory(prefix="slipway-attack-") as folder, opened(Path(folder)) as (made, number):
        for index in range(tries):
            step, word, state = STEPS[index % len(STEPS)]
            after_s, how, everything = dice.uniform(0.1, LONGEST_S), dice.choice(SIGNALS), dice.random() < 0.5
            said = f"{step} {how.name} after {after_s:.2f} s{', all of it' if everything else ''}"
            fault = _one(made, number, (word, state), (after_s, how, everything))
            report.tried += 1
            report.figures[how.name] += 1
            if fault:
                report.fault(index, f"{said}: {fault}")
    return report


def _one(made: World, number: int, wanted: tuple[str, str], kill: tuple[float, signal.Signals, bool]) -> str:
    word, state = wanted
    after_s, how, everything = kill
    declare(made, number, word, state)
    running = started(made, *RECONCILE)
    try:
        running.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        killed(running, everything=everything and how is signal.SIGKILL, number=how)
        if how is not signal.SIGKILL and running.returncode not in MAY_END | {-how}:
            return f"exit code {running.returncode}"
    return wrong(made, number, word, state)
