"""What is known of a running apply, built from its events. Pure but for the lock: the clock is an argument.

An event is also one line of events.jsonl:

    {"time": ISO time, "run": id, "deployment": name or "", "kind": "step" | "log" | "result", "step": str,
     "status": "started" | "ok" | "changed" | "skipped" | "failed" | "unreachable",
     "seconds": float or null, "message": str}

The message of a result is its URL when it ended well, else the error; it may carry a `hint` and a `code`. A step that
failed may carry a `log`: the last lines of the program.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

LOG_LINES = 15
GOOD = frozenset({"ok", "changed"})
BAD = frozenset({"failed", "unreachable"})


@dataclass
class Step:
    """One step of one deployment."""

    name: str
    started: float
    status: str = "started"
    seconds: float | None = None

    def took(self, now: float) -> float:
        """Seconds until its end, or until now."""
        return now - self.started if self.seconds is None else self.seconds


@dataclass
class Track:
    """One deployment on its way."""

    name: str
    action: str = ""
    status: str = "waiting"
    """waiting | started | ok | changed | skipped | failed | unreachable"""
    started: float | None = None
    seconds: float | None = None
    url: str = ""
    error: str = ""
    hint: str = ""
    log: str = ""
    """The end of what the program said that failed."""
    steps: list[Step] = field(default_factory=list)

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended."""
        return self.status == "started"

    @property
    def current(self) -> Step | None:
        """The step that runs now."""
        return next((step for step in reversed(self.steps) if step.status == "started"), None)

    def took(self, now: float) -> float | None:
        """Seconds until its end, or until now; None when it has not begun."""
        if self.seconds is not None or self.started is None:
            return self.seconds
        return now - self.started

    def result(self, now: float) -> dict[str, Any]:
        """A row of `results.results_text`. What did not end was interrupted; what did not begin was skipped."""
        return {
            "deployment": self.name,
            "action": self.action,
            "result": {"waiting": "skipped", "started": "interrupted"}.get(self.status, self.status),
            "seconds": self.took(now),
            "url": self.url,
            "error": self.error,
            "hint": self.hint,
            "log": self.log,
        }


class State:
    """All deployments of one apply. Events may come from several threads."""

    def __init__(self, names: Iterable[tuple[str, str]], now: float) -> None:
        """`names`: (deployment, action), in the order of the plan."""
        self.lock = RLock()
        self.began = now
        self.tracks = {name: Track(name, action) for name, action in names}
        self.log: deque[tuple[str, str]] = deque(maxlen=LOG_LINES)

    def apply(self, event: dict[str, Any], now: float) -> None:
        """Take one event in."""
        name, message = event.get("deployment", ""), event.get("message") or ""
        with self.lock:
            if event["kind"] == "log":
                self.log.extend((name, line) for line in message.splitlines() if line.strip())
                return
            track = self.tracks.setdefault(name, Track(name)) if name else self.tracks.get(name)
            if track is None:
                self.log.append((name, ": ".join(part for part in (event.get("step", ""), message) if part)))
            elif event["kind"] == "step":
                _step(track, event, now)
            else:
                _result(track, event, now)

    def results(self, now: float) -> list[dict[str, Any]]:
        """One row for each deployment, in the order of the plan."""
        with self.lock:
            return [track.result(now) for track in self.tracks.values()]


def _step(track: Track, event: dict[str, Any], now: float) -> None:
    if track.started is None:
        track.started = now
    if track.status == "waiting":
        track.status = "started"
    step = next((s for s in reversed(track.steps) if s.name == event["step"] and s.status == "started"), None)
    if step is None:
        step = Step(event["step"], now - (event.get("seconds") or 0))
        track.steps.append(step)
    step.status = event["status"]
    if step.status != "started":
        step.seconds = event["seconds"] if event.get("seconds") is not None else now - step.started
    if step.status in BAD:
        track.error = ": ".join(part for part in (step.name, event.get("message") or "") if part)
        track.log = event.get("log") or ""


def _result(track: Track, event: dict[str, Any], now: float) -> None:
    message = event.get("message") or ""
    track.seconds = event["seconds"] if event.get("seconds") is not None else track.took(now)
    track.status = event["status"]
    track.hint = event.get("hint") or ""
    if track.status in GOOD:
        track.url, track.error, track.log = event.get("url") or message, "", ""
    else:
        track.error = message or track.error
    for step in track.steps:
        if step.status == "started":
            step.status, step.seconds = track.status, now - step.started
