"""Races: two or three commands at once over one deployment. Who comes second waits, is told, or is refused with 4; a
run afterwards finds one service, and nothing left over.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from tests.attack.report import Report
from tests.attack.world import NAME, PATIENCE_S, RECONCILE, declare, opened, started, wrong
from tests.integration.world import World

COMMANDS: tuple[tuple[str, ...], ...] = (
    RECONCILE,
    (*RECONCILE, "--wait", "1m"),
    ("restart", NAME),
    ("plan", "--json"),
    ("status", "--json"),
    ("drift", "--deep"),
    ("access", NAME),
    ("logs", NAME),
    ("orphans",),
)
PROMISED = {0, 1, 2, 3, 4, 130}


def attack(seed: int, tries: int) -> Report:
    """So many races over one deployment, which is changed, stopped and destroyed meanwhile."""
    report = Report("races", seed)
    dice = report.dice
    with tempfile.TemporaryDirectory(prefix="slipway-attack-") as folder, opened(Path(folder)) as (made, number):
        for index in range(tries):
            word = dice.choice(("one", "two", "three", ""))
            state = dice.choice(("running", "running", "stopped"))
            declare(made, number, word, state)
            commands = [RECONCILE, *(dice.choice(COMMANDS) for _ in range(dice.choice((1, 2))))]
            fault = _raced(made, dice, commands) or wrong(made, number, word, state)
            report.tried += 1
            if fault:
                said = " | ".join(" ".join(words) for words in commands)
                report.fault(index, f"{word or 'gone'} {state}: {said}: {fault}")
    return report


def _raced(made: World, dice: random.Random, commands: list[tuple[str, ...]]) -> str:
    running = [started(made, *words) for words in dice.sample(commands, len(commands))]
    for one in running:
        out, err = one.communicate(timeout=PATIENCE_S)
        if one.returncode not in PROMISED or "Traceback" in out + err:
            return f"exit {one.returncode}: {out[-200:]} {err[-400:]}"
    return ""
