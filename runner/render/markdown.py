"""Text of strangers inside a Markdown comment, cut to what a reader needs and made harmless by `runner.markup`."""

from __future__ import annotations

from collections.abc import Sequence

from runner import markup
from runner.render.text import cut

row = markup.row


def escape(text: str, limit: int = 300) -> str:
    """Plain words, cut to `limit` characters. For the middle of a line; never put at the start of one."""
    return markup.text(cut(markup.visible(text), limit))


def code(text: str, limit: int = 200) -> str:
    """A value in code type, cut to `limit` characters."""
    return markup.code(cut(markup.visible(text), limit))


def head(titles: Sequence[str]) -> list[str]:
    """The two first rows of a table."""
    return [row(titles), row(["---"] * len(titles))]
