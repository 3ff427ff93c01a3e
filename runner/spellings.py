r"""One spelling for the many in which a text may be printed: however it was escaped, quoted, wrapped or capitalised, it
is the same here. Pure.

`plain("a\"B\u0020c") == plain("A%22b\nc")`. Lines can be made plain one by one: no escape goes across a line end.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterator
from typing import NamedTuple

ROUNDS = 4
"""How often a text may have been escaped, one time over the other."""
_ESCAPE = re.compile(
    r"""(?: %[0-9A-Fa-f]{2} )+                          # URLs
    | (?: \\x[0-9A-Fa-f]{2} )+ | (?: \\[0-3][0-7]{2} )+  # bytes, as Python, C and shells write them
    | \\u[0-9A-Fa-f]{4} | \\u\{[0-9A-Fa-f]{1,6}\} | \\U[0-9A-Fa-f]{8}
    | \\[nrtfv\\]
    | &(?: \#[0-9]{1,7} | \#[xX][0-9A-Fa-f]{1,6} | amp | lt | gt | quot | apos | nbsp );
    """,
    re.VERBOSE,
)
_COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_HTML = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
_BLANK = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\f": "\f", "\\v": "\v", "\\\\": "\\"}
_MAY_ESCAPE = ("%", "\\", "&")
_LARGEST = 0x10FFFF
_QUOTES = map(ord, "'\"`\\+:")
_BLANKS = (0xAD, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x202F, 0x2060, 0x3000, 0xFEFF)
_DROPPED = dict.fromkeys([*range(0x21), *range(0x7F, 0xA1), *_BLANKS, *_QUOTES])
"""Blanks, control characters and what quotes: nothing of it tells two texts apart."""


class Place(NamedTuple):
    """A character of a plain text, and where it stood: from … to of the text as it was printed."""

    character: str
    start: int
    end: int


def views(text: str) -> tuple[int, ...]:
    """In how many rounds a text is to be made plain: also in none, for what looks like an escape and is none."""
    return (0, ROUNDS) if any(mark in text for mark in _MAY_ESCAPE) else (0,)


def plain(text: str, rounds: int = ROUNDS) -> str:
    """The one spelling of a text."""
    text = _COLOUR.sub("", text) if "\x1b" in text else text
    for _ in range(rounds):
        if not any(mark in text for mark in _MAY_ESCAPE):
            break
        text, before = _ESCAPE.sub(lambda found: "".join(part for part, _ in _meant(found.group())), text), text
        if text == before:
            break
    return text.translate(_DROPPED).casefold()


def places(text: str, rounds: int = ROUNDS) -> list[Place]:
    """`plain(text, rounds)`, each character with its place. Slow: for lines in which something was found."""
    colours = {at for found in _COLOUR.finditer(text) for at in range(*found.span())}
    now = [Place(one, index, index + 1) for index, one in enumerate(text) if index not in colours]
    for _ in range(rounds):
        joined = "".join(place.character for place in now)
        after = list(_unescaped(joined, now))
        if len(after) == len(now):
            break
        now = after
    kept = [place for place in now if ord(place.character) not in _DROPPED]
    return [Place(folded, start, end) for one, start, end in kept for folded in one.casefold()]


def _unescaped(text: str, now: list[Place]) -> Iterator[Place]:
    position = 0
    for found in _ESCAPE.finditer(text):
        yield from now[position : found.start()]
        at = found.start()
        for part, length in _meant(found.group()):
            yield from (Place(one, now[at].start, now[at + length - 1].end) for one in part)
            at += length
        position = found.end()
    yield from now[position:]


def _meant(escape: str) -> Iterator[tuple[str, int]]:
    """(character, how many characters of the escape it takes) of each that an escape stands for."""
    if escape.startswith("%"):
        yield from _of_bytes(bytes.fromhex(escape.replace("%", "")), 3)
    elif escape.startswith("\\x"):
        yield from _of_bytes(bytes.fromhex(escape.replace("\\x", "")), 4)
    elif escape.startswith("\\") and escape[1].isdigit():
        yield from _of_bytes(bytes(int(part, 8) for part in escape[1:].split("\\")), 4)
    elif escape in _BLANK:
        yield _BLANK[escape], len(escape)
    else:
        yield _named(escape), len(escape)


def _named(escape: str) -> str:
    """Of a code point or of HTML; one that is none stays away."""
    inside = escape[1:-1] if escape.startswith("&") else escape[2:].strip("{}")
    if inside in _HTML:
        return _HTML[inside]
    number = inside.lstrip("#xX")
    code = int(number, 10 if escape.startswith("&") and inside[1] not in "xX" else 16)
    return chr(code) if code <= _LARGEST else ""


def _of_bytes(raw: bytes, width: int) -> Iterator[tuple[str, int]]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text, raw = raw.decode("latin-1"), b""
    yield from ((one, width * (len(one.encode()) if raw else 1)) for one in text)


def encodings(secret: str) -> set[str]:
    """How a text looks as hexadecimal digits and as base64, alone and inside of something longer."""
    raw = secret.encode("utf-8", "surrogatepass")
    return {raw.hex(), raw.hex().upper(), *_base64(raw)}


def _base64(raw: bytes) -> set[str]:
    """Inside something longer, such as `user:password`, it may start at any of three offsets."""
    forms = {b2a_base64(raw, newline=False).decode()}
    for offset in range(3):
        text = b2a_base64(bytes(offset) + raw, newline=False).decode()
        first, last = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        forms.add(text[first:last])
    return forms | {form.translate(str.maketrans("+/", "-_")) for form in forms}
