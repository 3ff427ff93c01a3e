"""Makes one file into many wrong ones: bytes, lines, words, and what people and programs do to files by accident."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

from tests import hostile

ODD = [
    *hostile.MARKERS,
    *("null", "~", "[]", "{}", "true", "-1", "0", "1e400", ".nan", "9" * 400, "0x1F", "2026-13-45", "1:2:3", "''", '"'),
    *(
        "&a [*a]",
        "*a",
        "!!python/object:os.system x",
        "!unsafe x",
        "<<: {a: b}",
        "? a",
        "- - - -",
        "|",
        ">-",
        "%TAG",
        "---",
    ),
    *("\t", "\r", "\x00", "\x1b[31m", "\u202e", "\u200b", "\ufeff", "\ud7ff", "é", "💡", "\x85", "\u2028"),
    *(
        "../../../etc/passwd",
        "/dev/zero",
        "~nosuchuser/x",
        "-oProxyCommand=x",
        "$(x)",
        "`x`",
        "; x",
        "{{ 7*7 }}",
        "{% x %}",
    ),
    *(
        "env:",
        "file:",
        "vault:",
        "env:A\nB",
        "file:/dev/zero",
        "America",
        "Europe/../x",
        "0 0 31 2 *",
        "* * * * * *",
        "9h" * 9,
    ),
]
CONFLICT = "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n"
Change = Callable[[random.Random, str], str]


def changed(dice: random.Random, text: str) -> bytes:
    """The file after one to three accidents."""
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        text = dice.choice(CHANGES)(dice, text)
    raw = text.encode("utf-8", "surrogatepass")
    return dice.choice(BYTES)(dice, raw) if dice.random() < 0.1 else raw


def _place(dice: random.Random, text: str) -> int:
    return dice.randrange(len(text) + 1)


def _insert(dice: random.Random, text: str) -> str:
    at = _place(dice, text)
    return text[:at] + dice.choice(ODD) + text[at:]


def _drop(dice: random.Random, text: str) -> str:
    at = _place(dice, text)
    return text[:at] + text[at + dice.choice((1, 1, 2, 10, 100)) :]


def _cut(dice: random.Random, text: str) -> str:
    return text[: _place(dice, text)]


def _twice(dice: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [text]
    at = dice.randrange(len(lines))
    return "".join([*lines[:at], lines[at], *lines[at:]])


def _swap(dice: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    dice.shuffle(lines)
    return "".join(lines)


def _value(dice: random.Random, text: str) -> str:
    """Another value in the place of one that stands there."""
    places = [found.span(1) for found in re.finditer(r"[:\[,] ?([^\s:,\[\]{}]+)", text)]
    if not places:
        return _insert(dice, text)
    start, end = dice.choice(places)
    odd = dice.choice(ODD)
    return text[:start] + (odd if dice.random() < 0.5 else json.dumps(odd)) + text[end:]


def _key(dice: random.Random, text: str) -> str:
    places = [found.span(1) for found in re.finditer(r"([A-Za-z_]+):", text)]
    if not places:
        return _insert(dice, text)
    start, end = dice.choice(places)
    return text[:start] + dice.choice(ODD) + text[end:]


def _indent(dice: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True) or [text]
    at = dice.randrange(len(lines))
    lines[at] = dice.choice(("  ", "\t", " ")) + lines[at]
    return "".join(lines)


def _conflict(dice: random.Random, text: str) -> str:
    at = _place(dice, text)
    return text[:at] + CONFLICT.format("a: 1", "a: 2") + text[at:]


def _huge(dice: random.Random, text: str) -> str:
    number = dice.choice((100, 3_000, 20_000))
    return text + dice.choice(
        (
            "\n" + "".join(f"key{n}: x\n" for n in range(number)),
            "\nlabels: " + "[" * number + "]" * number + "\n",
            "\nlabels: " + "{a: " * number + "1" + "}" * number + "\n",
            "\nowner: " + "x" * number + "\n",
            "\nenv:\n" + "".join(f"  K{n}: v\n" for n in range(number)),
            "\n" + "- " * number + "x\n",
            "\n" + "# comment\n" * number,
        )
    )


CHANGES: list[Change] = [
    _insert,
    _insert,
    _drop,
    _cut,
    _twice,
    _swap,
    _value,
    _value,
    _value,
    _key,
    _key,
    _indent,
    _conflict,
]
HUGE: Change = _huge
BYTES: list[Callable[[random.Random, bytes], bytes]] = [
    lambda dice, raw: raw + b"\xff\xfe",
    lambda dice, raw: raw.replace(b"a", b"\xe9", 1),
    lambda dice, raw: bytes(byte ^ (1 << dice.randrange(8)) if dice.random() < 0.01 else byte for byte in raw),
    lambda dice, raw: raw.decode("utf-8", "replace").encode("utf-16"),
    lambda dice, raw: b"",
    lambda dice, raw: b"\x00" * 100,
]
