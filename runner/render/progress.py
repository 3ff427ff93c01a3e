"""Shows an apply while it runs: a live picture on a terminal, one line for each step elsewhere, nothing with --json.
Ends with a table of results.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from runner.domain import CHANGING, Action
from runner.render.output import Output
from runner.render.parts import RESULT
from runner.render.progress_frame import FRAMES_PER_SECOND, frame, step_line
from runner.render.progress_state import BAD, LOG_LINES, State, Track
from runner.render.results import results_text
from runner.render.style import to_ascii
from runner.render.text import pad, width
from runner.render.units import duration, plural

if TYPE_CHECKING:
    from rich.text import Text

_LOG_SHOWN = 3
_RECAP_TRACKS = 3
"""Of so many deployments the steps stay on the screen; of more, only the results."""


def make_progress(output: Output, actions: Sequence[Action]) -> Progress:
    """The progress of these actions, in the form that this output can show."""
    state = State(
        [(action.deployment, action.kind.value) for action in actions if action.kind in CHANGING], monotonic()
    )
    return LiveProgress(output, state) if output.live else Progress(output, state)


class Progress:
    """Plain lines. A context manager: its end prints the results. `handle` may be called from any thread."""

    def __init__(self, output: Output, state: State) -> None:
        self._output = output
        self._state = state
        self._style = output.err_style
        self._names = max((width(name) for name in state.tracks), default=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._output.json:
            self._end()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self._output.warn("Interrupted. Nothing is lost: the same command goes on from here.")

    @property
    def results(self) -> list[dict[str, Any]]:
        """One row for each deployment, as `results.results_text` takes them."""
        return self._state.results(monotonic())

    def handle(self, event: dict[str, Any]) -> None:
        """Take one event in and show it. `progress_state` has its keys."""
        clean, now = self._style.clean(event), monotonic()
        self._state.apply(clean, now)
        self._show(clean, now)

    def _show(self, event: dict[str, Any], now: float) -> None:
        if self._output.json and not self._output.verbose:
            return
        for said in self._lines(event):
            name = pad(event.get("deployment", ""), self._names)
            self._output.show(f"{self._style.dim(f'{now - self._state.began:6.1f}s')} {name}  {said}")

    def _lines(self, event: dict[str, Any]) -> list[str]:
        kind, status = event["kind"], event["status"]
        message = event.get("message") or event.get("url") or ""
        verbose, style = self._output.verbose, self._style
        if kind == "log":
            return [style.dim(f"│ {line}") for line in message.splitlines()] if verbose else []
        if status in {"started", "skipped"} and kind == "step" and not verbose:
            return []
        symbol, look = RESULT.get(status, RESULT["started"])
        took = f" ({duration(event['seconds'])})" if event.get("seconds") is not None else ""
        head = f"{style.paint(symbol, look)} {event.get('step') or status}{style.dim(took)}"
        look = "red" if status in BAD else "dim"
        told = message.splitlines() if status in BAD or kind == "result" or verbose else []
        if status in BAD and not verbose:
            told = told[:1] if kind == "step" else []  # all of it, and the log, stand once: in the table at the end
        first, *rest = told or [""]
        return [
            f"{head}: {style.paint(first, look)}" if first else head,
            *(f"  {style.paint(line, look)}" for line in rest),
        ]

    def _end(self) -> None:
        results = self.results
        for row in results if self._output.verbosity < 0 else ():
            if row["result"] in BAD:
                self._output.warn(f"{row['deployment']} failed: {row['error']}")
        if results:
            self._output.show("\n" + results_text({"results": results}, style=self._style))


class LiveProgress(Progress):
    """A picture that is drawn again eight times a second; the cursor is given back whatever happens."""

    def __init__(self, output: Output, state: State) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(output, state)
        self._streams = output.stdout, output.stderr
        self._console = Console(file=output.stderr, force_terminal=True, no_color=not self._style.color)
        self._live = Live(
            get_renderable=self._picture,
            console=self._console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=output.stdout.isatty(),
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        self._live.start()
        # What is said meanwhile scrolls by above the picture.
        self._output.stdout, self._output.stderr = sys.stdout, sys.stderr
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()
        self._output.stdout, self._output.stderr = self._streams
        super().__exit__(kind, error, traceback)

    def _show(self, event: dict[str, Any], now: float) -> None:
        """Nothing: the next picture shows it."""

    def _picture(self) -> Text:
        from rich.text import Text

        size = self._console.size
        style = replace(self._style, width=size.width)
        logs = LOG_LINES if self._output.verbose else _LOG_SHOWN
        with self._state.lock:
            lines = frame(self._state, style=style, height=size.height - 1, now=monotonic(), logs=logs)
        text = "\n".join(lines)
        return Text.from_ansi(text if self._style.unicode else to_ascii(text), no_wrap=True, overflow="crop")

    def _end(self) -> None:
        tracks = [track for track in self._state.tracks.values() if track.steps]
        for track in tracks if len(tracks) <= _RECAP_TRACKS else ():
            self._output.show("\n".join(self._recap(track)))
        super()._end()

    def _recap(self, track: Track) -> list[str]:
        told = [step for step in track.steps if step.status not in {"ok", "skipped"}]
        quiet = sum(1 for step in track.steps if step.status == "ok")
        lines = [self._style.bold(track.name)]
        lines += [step_line(step, style=self._style, now=monotonic()) for step in told]
        return [*lines, *([self._style.dim(f"    · {plural(quiet, 'step')} had nothing to do")] if quiet else [])]
