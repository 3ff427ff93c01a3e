"""Text in columns: width as a terminal counts it, cutting, wrapping, tables, boxes. Knows nothing of deployments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from unicodedata import combining, east_asian_width

GAP = 2
"""Spaces between two columns."""
SGR = re.compile(r"\x1b\[[0-9;]*m")
"""Colour codes: the only escape sequences that are ever printed."""

_WIDE = frozenset("WF")
_NO_WIDTH = frozenset("\u200b\u200c\u200d\ufe0e\ufe0f")
_JOINER, _EMOJI_STYLE = "\u200d", "\ufe0f"
_SKIN_TONES = frozenset(map(chr, range(0x1F3FB, 0x1F400)))


class Column(NamedTuple):
    """One column of a table."""

    title: str
    right: bool = False
    least: int = 0
    """May be cut down to this width when the table does not fit; 0: never cut."""
    leave_out: int = 0
    """The column with the highest number is left out first when cutting does not help; 0: always shown."""


class Row(NamedTuple):
    """One row of a table."""

    cells: Sequence[str]
    below: Sequence[str] = ()
    """Lines that stand under the row, across all columns."""


def width(text: str) -> int:
    """How many cells of a terminal the text takes."""
    if "\x1b" in text:
        text = SGR.sub("", text)
    if text.isascii():
        return len(text)
    return sum(map(_cells, " " + text, text))


def _cells(previous: str, char: str) -> int:
    """What a character adds to the width, after the one before it."""
    if char == _EMOJI_STYLE:
        return 0 if east_asian_width(previous) in _WIDE or previous in _NO_WIDTH or combining(previous) else 1
    if char in _NO_WIDTH or combining(char) or char in _SKIN_TONES:
        return 0
    if east_asian_width(char) in _WIDE:
        return 0 if previous == _JOINER else 2
    return 1


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """The text filled up with spaces; text that is too wide stays as it is."""
    space = " " * (cells - width(text))
    return space + text if right else text + space


def cut(text: str, cells: int) -> str:
    """The text, ending in `…` when it takes more than this many cells. Keeps colours and closes them."""
    if width(text) <= cells:
        return text
    kept, used, previous = "", 0, " "
    for piece in re.split(f"({SGR.pattern})", text):
        if SGR.fullmatch(piece):
            kept += piece
            continue
        for char in piece:
            used += _cells(previous, char)
            if used > cells - 1:
                return kept + "…" + ("\x1b[0m" if "\x1b" in kept else "")
            kept, previous = kept + char, char
    return kept


def wrap(text: str, cells: int, *, indent: str = "", hanging: str | None = None) -> list[str]:
    """Lines of at most this many cells. Long words (URLs, paths) are never broken. `hanging` indents from line two."""
    return fill(text.split(), cells, indent=indent, hanging=hanging)


def fill(words: Iterable[str], cells: int, *, indent: str = "", hanging: str | None = None) -> list[str]:
    """Like `wrap`, of words that may hold spaces."""
    lines, line = [], indent
    rest = indent if hanging is None else hanging
    empty = True
    for word in words:
        if not empty and width(line) + 1 + width(word) > cells:
            lines.append(line)
            line, empty = rest, True
        line += word if empty else " " + word
        empty = False
    return [*lines, line] if not empty else lines


def natural_width(columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """How wide the table is when nothing is cut."""
    return _total(_widths(columns, [row.cells for row in rows]))


def table(columns: Sequence[Column], rows: Sequence[Row], cells: int) -> list[str]:
    """Aligned lines, the titles first (none when all are empty). Fits into `cells` where the columns allow it.

    A column without a title and without content takes no room.
    """
    widths = _widths(columns, [row.cells for row in rows])
    shown = [index for index, cells_needed in enumerate(widths) if cells_needed]
    while _total(_shrunk(columns, widths, shown, cells)) > cells:
        droppable = [index for index in shown if columns[index].leave_out]
        if not droppable:
            break
        shown.remove(max(droppable, key=lambda index: columns[index].leave_out))
    fitted = dict(zip(shown, _shrunk(columns, widths, shown, cells), strict=True))

    def line(values: Sequence[str]) -> str:
        parts = (
            pad(cut(values[i], w) if columns[i].least else values[i], w, right=columns[i].right)
            for i, w in fitted.items()
        )
        return (" " * GAP).join(parts).rstrip()

    lines = [line([column.title for column in columns])] if any(column.title for column in columns) else []
    for row in rows:
        lines += [line(row.cells), *row.below]
    return lines


def _widths(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> list[int]:
    widths = [width(column.title) for column in columns]
    for row in rows:
        widths = [max(known, width(value)) for known, value in zip(widths, row, strict=True)]
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _shrunk(columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int], cells: int) -> list[int]:
    """The widths of the shown columns, the widest cuttable one made smaller until all fit."""
    result = {index: widths[index] for index in shown}
    while (excess := _total(list(result.values())) - cells) > 0:
        cuttable = [i for i in shown if columns[i].least and result[i] > columns[i].least]
        if not cuttable:
            break
        widest = max(cuttable, key=lambda index: result[index])
        result[widest] = max(columns[widest].least, result[widest] - excess)
    return list(result.values())


def box(title: str, lines: Sequence[str], cells: int, *, edge: Callable[[str], str] = str) -> list[str]:
    """A frame with a title. As wide as its content, at most `cells`; a wider line (a URL) runs over the edge uncut.

    `edge` colours the frame.
    """
    inner = min(max(map(width, [title + "  ", *lines])), cells - 4)
    title = cut(title, inner - 2)
    side = edge("│")
    body = [f"{side} {pad(line, inner)}" + (f" {side}" if width(line) <= inner else "") for line in lines]
    top = f"{edge('╭─')} {title} {edge('─' * (inner - width(title) - 1) + '╮')}"
    return [top, *body, edge(f"╰{'─' * (inner + 2)}╯")]
