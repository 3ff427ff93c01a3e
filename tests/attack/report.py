"""What an attack found: how often it was tried, and each time that something gave way."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

SHOWN = 20
"""Faults of one kind that are written out; the rest is counted."""


@dataclass
class Report:
    """Of one kind."""

    kind: str
    seed: int
    tried: int = 0
    faults: list[str] = field(default_factory=list)
    """Each says what was done, so that it can be done again with the same seed."""
    figures: Counter[str] = field(default_factory=Counter)

    @property
    def dice(self) -> random.Random:
        """The same numbers for the same seed and kind."""
        return random.Random(f"{self.kind} {self.seed}")  # noqa: S311 - no secret

    def fault(self, number: int, what: str) -> None:
        """Something gave way at that try."""
        self.faults.append(f"{self.kind} {number}: {what}")

    def as_json(self) -> dict[str, Any]:
        """For the one line that is printed."""
        found = asdict(self)
        return {**found, "faults": self.faults[:SHOWN], "found": len(self.faults), "figures": dict(self.figures)}


def table(reports: list[Report]) -> str:
    """For people."""
    rows = [("kind", "tried", "found", "")]
    rows += [
        (r.kind, str(r.tried), str(len(r.faults)), ", ".join(f"{name} {n}" for name, n in sorted(r.figures.items())))
        for r in reports
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{kind:{widths[0]}}  {tried:>{widths[1]}}  {found:>{widths[2]}}  {more}".rstrip()
        for kind, tried, found, more in rows
    )
