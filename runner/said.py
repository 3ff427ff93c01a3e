"""What other programs said, fit to be shown: bounded, and without what a terminal would obey. Pure."""

from __future__ import annotations

import re

LINES = 6
WIDTH = 300
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def line(text: str) -> str:
    """One line of it, cut."""
    plain = " ".join(_CONTROL.sub("", text).split())
    return plain if len(plain) <= WIDTH else plain[: WIDTH - 1] + "…"


def head(text: str) -> str:
    """The beginning of it, line by line."""
    return "\n".join([found for found in map(line, text.splitlines()) if found][:LINES])


def shown(text: str) -> str:
    """The end of it, line by line; empty when nothing was said."""
    return "\n".join([found for found in map(line, text.splitlines()) if found][-LINES:])
