"""One picture of a running apply, as lines that fit on the screen however many deployments there are. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from runner.render.parts import RESULT
from runner.render.progress_state import BAD, GOOD, State, Step, Track
from runner.render.style import Style
from runner.render.text import cut, pad, width
from runner.render.units import duration, plural

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
FRAMES_PER_SECOND = 8
WIDEST = 100
"""Durations stand at the right edge, but not at the far end of a wide screen."""
_HEADER_LINES = 2
_LEAST_BODY = 3
_DONE_KEPT = 3
_STEPS_WANTED = 3
"""Of each running deployment; more than `_DONE_KEPT` finished ones make room for them."""
_STEP_INDENT = "    "


def frame(state: State, *, style: Style, height: int, now: float, logs: int) -> list[str]:
    """Header, one line or a few for each deployment, and the last `logs` log lines: at most `height` lines."""
    tracks, elapsed = list(state.tracks.values()), now - state.began
    logs = min(logs, len(state.log), max(0, height - _HEADER_LINES - _LEAST_BODY - 1))
    picture = _Picture(style, now, spin(elapsed), max((width(track.name) for track in tracks), default=0))
    tail = ["", *_log(list(state.log)[-logs:], picture.names, style)] if logs else []
    room = max(1, height - _HEADER_LINES - len(tail))
    lines = [*_header(tracks, style, elapsed), "", *picture.body(tracks, room), *tail]
    return [cut(line, style.width - 1) for line in lines[:height]]


def spin(elapsed: float) -> str:
    """The spinner of this moment."""
    return SPINNER[int(elapsed * FRAMES_PER_SECOND) % len(SPINNER)]


def step_line(step: Step, *, style: Style, now: float, spinner: str = "○") -> str:
    """`✓ Install JupyterLab    2.1s`."""
    symbol, look = RESULT.get(step.status, RESULT["started"])
    mark = style.paint(spinner, "cyan") if step.status == "started" else style.paint(symbol, look)
    took = duration(step.took(now))
    space = min(style.width - 1, WIDEST) - len(_STEP_INDENT) - 4 - len(took)
    return f"{_STEP_INDENT}{mark} {pad(cut(step.name, space), space)}  {style.dim(took)}"


class _Picture:
    def __init__(self, style: Style, now: float, spinner: str, names: int) -> None:
        self.style, self.now, self.spinner, self.names = style, now, spinner, names

    def body(self, tracks: Sequence[Track], room: int) -> list[str]:
        """In the order of the plan. What does not fit is folded: first who waits, then who is done, then the rest."""
        shown = list(tracks)
        before: list[str] = []
        after: list[str] = []
        if len(shown) > room:
            shown, after = self._fold(shown, [t for t in shown if t.status == "waiting"], "○", "dim", "waiting")
        done = [track for track in shown if track.status in GOOD or track.status == "skipped"]
        wanted = sum(_STEPS_WANTED for track in shown if track.running)
        if len(shown) + len(after) > room or (len(done) > _DONE_KEPT and len(shown) + len(after) + wanted > room):
            shown, before = self._fold(shown, done, "✓", "green", "done")
        spare = room - len(shown) - len(before) - len(after)
        if spare < 0:
            shown = sorted(shown, key=lambda track: track.status in BAD)
            kept = max(0, len(shown) + spare - 1)
            after = [self.style.dim(f"… {len(shown) - kept} more on their way or failed"), *after]
            shown = shown[:kept]
        trees = self._trees(shown, spare)
        return [*before, *(line for track in shown for line in self._track(track, trees.get(track.name, 0))), *after]

    def _fold(
        self, shown: list[Track], folded: list[Track], symbol: str, look: str, word: str
    ) -> tuple[list[Track], list[str]]:
        if not folded:
            return shown, []
        names = {track.name for track in folded}
        line = f"{self.style.paint(symbol, look)} {len(folded)} {word}  " + self.style.dim(
            ", ".join(track.name for track in folded)
        )
        return [track for track in shown if track.name not in names], [line]

    def _trees(self, shown: Sequence[Track], spare: int) -> dict[str, int]:
        """How many steps each running deployment may show; the spare lines are shared out evenly."""
        wanted = {track.name: len(track.steps) for track in shown if track.running and len(track.steps) > 1}
        given = dict.fromkeys(wanted, 0)
        while spare > 0 and any(given[name] < count for name, count in wanted.items()):
            for name, count in wanted.items():
                if given[name] < count and spare > 0:
                    given[name] += 1
                    spare -= 1
        return {name: count for name, count in given.items() if count > 1}

    def _track(self, track: Track, steps: int) -> list[str]:
        symbol, look = RESULT.get(track.status, ("○", "dim"))
        mark = self.style.paint(self.spinner, "cyan") if track.running else self.style.paint(symbol, look)
        took = duration(track.took(self.now))
        name = pad(track.name, self.names)
        name = self.style.dim(name) if track.status == "waiting" else self.style.bold(name)
        line = f"{mark} {name}  {pad(took, 7, right=True)}  {'' if steps else self._says(track)}".rstrip()
        return [
            line,
            *(step_line(s, style=self.style, now=self.now, spinner=self.spinner) for s in _last(track, steps)),
        ]

    def _says(self, track: Track) -> str:
        if track.running:
            return track.current.name if track.current else (track.steps[-1].name if track.steps else "")
        if track.status == "waiting":
            return self.style.dim("waiting")
        return self.style.paint(track.error, "red") if track.status in BAD else self.style.paint(track.url, "cyan")


def _last(track: Track, count: int) -> list[Step]:
    return track.steps[-count:] if count else []


def _header(tracks: Sequence[Track], style: Style, elapsed: float) -> list[str]:
    done = sum(1 for track in tracks if track.status in GOOD)
    failed = sum(1 for track in tracks if track.status in BAD)
    parts = [style.bold(f"Applying {plural(len(tracks), 'deployment')}")]
    parts += [style.paint(f"{done} done", "green")] if done else []
    parts += [style.paint(f"{failed} failed", "red")] if failed else []
    left, right = " · ".join(parts), duration(elapsed)
    return [pad(left, min(style.width - 1, WIDEST) - len(right)) + style.dim(right)]


def _log(log: Sequence[tuple[str, str]], names: int, style: Style) -> list[str]:
    return [style.dim(cut(f"{pad(name, names)} │ {line}", style.width - 1)) for name, line in log]
