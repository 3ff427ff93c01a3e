"""Text of strangers inside a Markdown comment, made harmless: no markup, no HTML, no links, no mentions."""

from __future__ import annotations

from collections.abc import Sequence

from runner.render.style import scrub
from runner.render.text import cut

_PLAIN = frozenset(" .,-/()=%+?;'\"")
"""Punctuation that means nothing in the middle of a line of Markdown; all other becomes an entity."""
_INVISIBLE = "\u200b"
"""GitHub looks for @people and #issues after entities are decoded; an invisible space stops it."""


def _safe(char: str) -> str:
    if char.isalnum() or char in _PLAIN:
        return char
    return f"&#{ord(char)};" + (_INVISIBLE if char in "@#" else "")


_TABLE = {code: _safe(chr(code)) for code in range(0x20, 0x7F)} | {ord("\n"): " ", ord("\t"): " "}


def escape(text: str, limit: int = 300) -> str:
    """Plain words, cut to `limit` characters. For the middle of a line; never put at the start of one."""
    return cut(scrub(text), limit).translate(_TABLE)


def code(text: str, limit: int = 200) -> str:
    """A value in code type, cut to `limit` characters."""
    return f"<code>{escape(text, limit) or ' '}</code>"


def row(cells: Sequence[str]) -> str:
    """One row of a table, of cells that are already safe."""
    return f"| {' | '.join(cells)} |"


def head(titles: Sequence[str]) -> list[str]:
    """The two first rows of a table."""
    return [row(titles), row(["---"] * len(titles))]
