"""How text may look on one stream: its width, whether it takes colour and Unicode, and against which moment ages are
told. Renderers get one of these and nothing else from the outside world.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from runner.redact import Redactor
from runner.render.text import SGR

PLAIN_WIDTH = 120
"""Of a pipe or a file, where nobody tells a width."""

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}
_STEERING = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    r"\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # turn the direction of what follows, or begin a line
)
_SEEN = re.compile(f"[{_STEERING}]")
_SEEN_BESIDE_COLORS = re.compile(rf"{SGR.pattern}|[{_STEERING}]")
_NOT_IN_JSON = re.compile(r"[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""What `json` leaves as it is, and a terminal would obey or hide."""

# One character for one character, so that columns stay aligned; currencies have no such stand-in.
_ASCII = str.maketrans(
    "✓✗–→←…•·│─╭╮╰╯├└±■⏸●◐▲○↑↓⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
    "+x->" + "<~*-|-++++||" + "%.=*~!o^v" + "|/-\\|/-\\|/",
) | {ord("€"): "EUR ", ord("£"): "GBP "}
SYMBOLS = "✓✗–→…•·│─╭╮╰╯└±■⏸●◐▲○⠋⠏"
"""What an encoding must have to count as capable."""


@dataclass(frozen=True)
class Style:
    """What a renderer may use."""

    width: int = PLAIN_WIDTH
    color: bool = False
    unicode: bool = True
    now: datetime = field(default_factory=lambda: datetime.now(UTC).astimezone())
    redactor: Redactor = field(default_factory=Redactor)

    def paint(self, text: str, *looks: str) -> str:
        """The text in this look (`bold`, `dim`, `red`, …), or as it is where colour is off."""
        if not self.color or not text or not any(looks):
            return text
        codes = ";".join(str(_CODES[look]) for look in looks if look)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def bold(self, text: str) -> str:
        """For names and headlines."""
        return self.paint(text, "bold")

    def dim(self, text: str) -> str:
        """For what may be skipped."""
        return self.paint(text, "dim")

    def command(self, text: str) -> str:
        """For what can be typed."""
        return self.paint(text, "bold", "cyan")

    def clean(self, data: Any) -> Any:
        """The data without secrets and without anything that could steer a terminal. First line of each renderer,
        because a secret that was cut or wrapped can no longer be recognised.
        """
        return _scrubbed(self.redactor.data(data))


def scrub(text: str) -> str:
    """The text of others: without its colours, and with whatever else would steer a terminal in a form that can be
    seen, as `cat -v` shows it: `^[` for Escape, `<U+202E>` for a change of direction.
    """
    if text.isprintable() and text.isascii():
        return text
    return _SEEN.sub(_visible, SGR.sub("", text.replace("\r\n", "\n")))


def only_colors(text: str) -> str:
    """Rendered text, in which nothing but colours steers: the last line of defence before a terminal."""
    return _SEEN_BESIDE_COLORS.sub(lambda found: found[0] if len(found[0]) > 1 else _visible(found), text)


def json_for_terminals(document: str) -> str:
    """The same JSON document, in which every character that a terminal would obey or hide is written as an escape."""
    return _NOT_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"^{chr(code ^ 0x40)}" if code < 0x80 else f"<U+{code:04X}>"  # noqa: PLR2004 - where ASCII ends


def to_ascii(text: str) -> str:
    """Our symbols as ASCII, column for column."""
    return text.translate(_ASCII)


def _scrubbed(data: Any) -> Any:
    if isinstance(data, str):
        return scrub(data)
    if isinstance(data, dict):
        return {_scrubbed(key): _scrubbed(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_scrubbed(item) for item in data]
    return data
