"""The one door to the terminal. Results go to standard output, everything else to standard error; all of it passes
the redactor, and a reader that went away (`| head`) never stops an apply.
"""

from __future__ import annotations

import json as jsonlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, TextIO

from runner.errors import Problem
from runner.redact import Redactor
from runner.render.style import PLAIN_WIDTH, SYMBOLS, Style, json_for_terminals, only_colors, scrub, to_ascii
from runner.render.text import pad, width, wrap
from runner.render.units import plural

NARROWEST = 40
_MOST_PROBLEMS = 500
"""Of a thousand files nobody reads all at once."""
_LEAST_MESSAGE = 36
"""A fault's message that has less room than this goes to a line of its own."""


class Output:
    """Where a command says what it has to say. One per process."""

    def __init__(self, json: bool, color: bool | None, verbosity: int, redactor: Redactor) -> None:  # noqa: FBT001
        """`color`: True and False are what the command line demands, None finds out. Verbosity: -1, 0, 1."""
        self.json = json
        self.verbosity = verbosity
        self.redactor = redactor
        self.stdout, self.stderr = sys.stdout, sys.stderr
        self._encodings = _encoding(self.stdout), _encoding(self.stderr)
        self.style = _style(self.stdout, color, redactor)
        """For texts given to `result`."""
        self.err_style = _style(self.stderr, color, redactor)
        """For everything on standard error."""
        self.live = not json and verbosity >= 0 and _isatty(self.stderr) and os.environ.get("TERM") != "dumb"
        """Somebody watches, and the terminal can move its cursor."""
        self.unread = False
        """Nobody reads the results any more: time to stop what goes on until it is interrupted."""

    @property
    def verbose(self) -> bool:
        """Whether -v was given."""
        return self.verbosity > 0

    def result(self, data: Any, text: Callable[[], str]) -> None:
        """What the command was asked for: one JSON document, or text for people. An empty text prints nothing."""
        if self.json:
            document = jsonlib.dumps(self.redactor.data(data), indent=2, ensure_ascii=not self.style.unicode)
            self._write(self.stdout, json_for_terminals(document), masked=True)
        elif shown := text():
            self._write(self.stdout, shown)

    def line(self, data: Any, text: str) -> None:
        """One of many results that come while the command runs: one line, also as JSON."""
        if self.json:
            document = jsonlib.dumps(self.redactor.data(data), ensure_ascii=not self.style.unicode)
            self._write(self.stdout, json_for_terminals(document), masked=True)
        else:
            self._write(self.stdout, scrub(self.redactor.text(text)))

    def show(self, text: str) -> None:
        """Rendered text (made with `err_style`) for people, on standard error; not with -q."""
        if self.verbosity >= 0:
            self._write(self.stderr, text)

    def note(self, text: str) -> None:
        """Something good to know, in plain words; not with -q."""
        self.show(scrub(self.redactor.text(text)))

    def warn(self, text: str) -> None:
        """Something that may go wrong; also with -q."""
        style = self.err_style
        self._write(self.stderr, f"{style.paint('!', 'bold', 'yellow')} {scrub(self.redactor.text(text))}")

    def problems(self, problems: Sequence[Problem]) -> None:
        """Every fault at once: for people grouped by file, on standard error; with --json on standard output."""
        if self.json:
            errors = [problem.as_json() for problem in problems]
            self.result({"error": errors[0], "errors": errors}, str)
        else:
            self._write(self.stderr, problems_text(problems[:_MOST_PROBLEMS], style=self.err_style))
            if len(problems) > _MOST_PROBLEMS:
                self.warn(f"{len(problems) - _MOST_PROBLEMS} more problems are not shown; --json has all of them.")

    def confirm(self, question: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002
        """Ask a person. False, with a note, when there is nobody to ask."""
        if not _isatty(sys.stdin):
            self.warn("There is nobody to ask (standard input is no terminal), so the answer is no. Use --yes.")
            return False
        choices = "[Y/n]" if default else "[y/N]"
        prompt = f"{self.err_style.bold(scrub(self.redactor.text(question)))} {self.err_style.dim(choices)} "
        self._write(self.stderr, prompt, end="")
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):
            self._write(self.stderr, "")
            return default and bool(answer)
        return answer.strip().lower() in {"y", "yes"} or (default and not answer.strip())

    def _write(self, stream: TextIO, text: str, *, end: str = "\n", masked: bool = False) -> None:
        """`masked`: JSON whose strings were redacted; a numeric secret must not tear up its numbers."""
        style, encoding = (
            (self.style, self._encodings[0]) if stream is self.stdout else (self.err_style, self._encodings[1])
        )
        text = only_colors(text if masked else self.redactor.text(text))
        text = (text if style.unicode else to_ascii(text)) + end
        try:
            stream.write(text.encode(encoding, "replace").decode(encoding))
            stream.flush()
        except BrokenPipeError:
            self.unread = self.unread or stream is self.stdout
            _mute(stream)
        except OSError as error:  # a full disk behind it
            _mute(stream)
            if stream is self.stdout:
                raise OSError(error.errno, error.strerror, "standard output") from error


def problems_text(problems: Sequence[Problem], *, style: Style) -> str:
    """All faults, grouped by file: where, field, what is wrong, and under it what to do."""
    files = {problem.file for problem in problems if problem.file}
    count = f"{plural(len(problems), 'problem')} in {plural(len(files), 'file')}" if files else ""
    lines = [f"{style.paint('✗', 'red')} {style.bold(count)}", ""] if count else []
    for index, (file, group) in enumerate(groupby(problems, key=lambda problem: problem.file)):
        lines += [""] if index else []
        lines += _file_problems(list(group), style) if file else _loose_problems(list(group), style)
    return "\n".join(lines)


def _file_problems(problems: Sequence[Problem], style: Style) -> list[str]:
    rows = [style.clean([problem.where, problem.field, problem.message, problem.hint]) for problem in problems]
    first, second = max(width(row[0]) for row in rows), max(width(row[1]) for row in rows)
    left = first + 2 + (second + 2 if second else 0)
    stacked = style.width - left < _LEAST_MESSAGE
    lines: list[str] = []
    for where, field, message, hint in rows:
        head = pad(where, first) + "  " + (style.bold(pad(field, second)) + "  " if second else "")
        indent = " " * (4 if stacked else left)
        body = wrap(message, style.width, indent=indent)
        lines += [head.rstrip(), *body] if stacked else [head + body[0].lstrip() if body else head, *body[1:]]
        lines += _hint(hint, indent, style)
    return lines


def _loose_problems(problems: Sequence[Problem], style: Style) -> list[str]:
    lines: list[str] = []
    for problem in problems:
        message, hint = style.clean([problem.message, problem.hint])
        first, *rest = wrap(message, style.width, indent="", hanging="  ") or [""]
        lines += [f"{style.paint('✗', 'red')} {first}", *rest, *_hint(hint, "  ", style)]
    return lines


def _hint(hint: str, indent: str, style: Style) -> list[str]:
    return [style.paint(line, "cyan") for line in wrap(hint, style.width, indent=indent + "→ ", hanging=indent + "  ")]


def _style(stream: TextIO, color: bool | None, redactor: Redactor) -> Style:  # noqa: FBT001
    wanted = _wants_color(os.environ, _isatty(stream)) if color is None else color
    return Style(width=_columns(stream), color=wanted, unicode=_is_unicode(stream), redactor=redactor)


def _wants_color(env: Mapping[str, str], tty: bool) -> bool:  # noqa: FBT001
    """https://no-color.org and https://force-color.org: set and not empty is enough."""
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return env["FORCE_COLOR"] != "0"
    return tty and env.get("TERM") != "dumb"


def _encoding(stream: TextIO) -> str:
    return getattr(stream, "encoding", None) or "utf-8"


def _is_unicode(stream: TextIO) -> bool:
    try:
        SYMBOLS.encode(_encoding(stream))
    except (UnicodeError, LookupError):
        return False
    return True


def _columns(stream: TextIO) -> int:
    """`COLUMNS` wins, as in every shell; then the terminal's own answer."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return max(NARROWEST, int(told))
    try:
        return max(NARROWEST, os.get_terminal_size(stream.fileno()).columns)
    except (OSError, ValueError, AttributeError):
        return PLAIN_WIDTH


def _isatty(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _mute(stream: TextIO) -> None:
    """Nobody reads any more: throw the rest away, also what Python flushes at exit, and work on."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
