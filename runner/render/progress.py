"""Shows an apply while it runs: a live picture on a terminal, one line for each step elsewhere, nothing with --json.
Ends with a table of results.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from runner.domain import CHANGING, Action
from runner.render.output import Output
from runner.render.parts import RESULT
from runner.render.progress_frame import FRAMES_PER_SECOND, frame, step_line
from runner.render.progress_state import BAD, LOG_LINES, State, Track
from runner.render.results import results_text
from runner.render.text import pad, width
from runner.render.units import duration, plural

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

_LOG_SHOWN = 3
_RECAP_TRACKS = 3
"""Of so many deployments the steps stay on the screen; of more, only the results."""


def make_progress(output: Output, actions: Sequence[Action]) -> Progress:
    """The progress of these actions, in the form that this output can show."""
    state = State([(action.deployment, action.kind.value) for action in actions if action.kind in CHANGING], monotonic())
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
        kind, status, message = event["kind"], event["status"], event.get("message") or ""
        verbose, style = self._output.verbose, self._style
        if kind == "log":
            return [style.dim(f"│ {line}") for line in message.splitlines()] if verbose else []
        if status in {"started", "skipped"} and kind == "step" and not verbose:
            return []
        symbol, look = RESULT.get(status, RESULT["started"])
        took = f" ({duration(event['seconds'])})" if event.get("seconds") is not None else ""
        head = f"{style.paint(symbol, look)} {event.get('step') or status}{style.dim(took)}"
        lines = message.splitlines() if status in BAD or kind == "result" or verbose else []
        return [head, *(f"  {style.paint(line, 'red' if status in BAD else 'dim')}" for line in lines)]

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
        super().__init__(output, state)
        self._live: Live | None = None

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        streams = self._output.stdout, self._output.stderr
        console = Console(file=self._output.stderr, force_terminal=True, no_color=not self._style.color)
        self._live = Live(
            get_renderable=self._picture,
            console=console,
            refresh_per_second=FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=streams[0].isatty(),
            vertical_overflow="crop",
        )
        self._live.start()
        # What is said meanwhile scrolls by above the picture.
        self._streams, (self._output.stdout, self._output.stderr) = streams, (sys.stdout, sys.stderr)
        return self
