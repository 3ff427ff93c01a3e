"""What is read back (records, marks, leases, events, answers of programs) is input, like what people write: a table for
each noun, one row for each field. Pure, and without pydantic: checking a record costs less than parsing it.

A check takes a value and returns None when it is right, else the dotted place inside of it that is wrong; the place
of the value itself is the empty text. Values are never echoed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

Check = Callable[[Any], str | None]
HERE = ""


class Damaged(ValueError):
    """What was read back is not what we write. The text says why, and shows nothing of it."""


LONGEST_LINE = 4096
_REMEMBERED = 1000
_NO_CONTROL = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
_HOST = r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}"
_IPV6 = r"[0-9A-Fa-f:.]{0,39}:[0-9A-Fa-f:.]{0,39}"


def text(pattern: str, longest: int = 255) -> Check:
    """A text that matches as a whole."""
    matches = re.compile(pattern).fullmatch
    right: set[str] = set()  # records say the same few words again and again

    def check(value: Any) -> str | None:
        if not isinstance(value, str) or len(value) > longest:
            return HERE
        if value in right:
            return None
        if not matches(value):
            return HERE
        if len(right) < _REMEMBERED:
            right.add(value)
        return None

    return check


def one_of(*values: Any) -> Check:
    """One of a few values, of their very types."""
    known = frozenset((type(value), value) for value in values)

    def check(value: Any) -> str | None:
        try:
            return None if (type(value), value) in known else HERE
        except TypeError:  # a list is no key
            return HERE

    return check


def number(least: float, most: float, *, whole: bool = True) -> Check:
    """A number within limits; never true or false, and never a fraction where `whole`."""

    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            return HERE
        return None if least <= value <= most else HERE

    return check


def either(*checks: Check) -> Check:
    """Right when one of them says so."""

    def check(value: Any) -> str | None:
        for one in checks:
            if one(value) is None:
                return None
        return HERE

    return check


def listed(item: Check, most: int = 1000) -> Check:
    """A list of such."""

    def check(value: Any) -> str | None:
        if not isinstance(value, list | tuple) or len(value) > most:
            return HERE
        for index, one in enumerate(value):
            if (found := item(one)) is not None:
                return f"[{index}]{_after(found)}"
        return None

    return check


def named(key: Check, item: Check, most: int = 10_000) -> Check:
    """A mapping of any keys of a kind to values of a kind."""

    def check(value: Any) -> str | None:
        if not isinstance(value, dict) or len(value) > most:
            return HERE
        for name, one in value.items():
            if key(name) is not None:
                return HERE
            if (found := item(one)) is not None:
                return _joined(name, found)
        return None

    return check


def fields(rows: Mapping[str, Check], *, required: tuple[str, ...] = (), closed: bool = False) -> Check:
    """A mapping with these fields. Others pass unless it is `closed`: those are data that nobody takes for a word."""
    known = tuple(rows.items())
    names = frozenset(rows)

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return HERE
        for name in required:
            if name not in value:
                return name
        if closed and not names.issuperset(value):
            return HERE
        for name, row in known:
            if name in value and (found := row(value[name])) is not None:
                return _joined(name, found)
        return None

    return check


def _joined(name: str, inside: str) -> str:
    return f"{name}{_after(inside)}"


def _after(inside: str) -> str:
    return inside if not inside or inside.startswith("[") else f".{inside}"


@cache
def _moment(value: str) -> str | None:
    try:
        return None if datetime.fromisoformat(value).tzinfo else HERE
    except ValueError:
        return HERE


def moment(value: Any) -> str | None:
    """An ISO time that says its zone, so that it can be compared."""
    return _moment(value) if isinstance(value, str) and len(value) <= 40 else HERE  # noqa: PLR2004 - with microseconds


def any_text(value: Any) -> str | None:
    """What people wrote: of any length that its file allows, with any line ends."""
    return None if isinstance(value, str) else HERE


def mapping(value: Any) -> str | None:
    """Data that is handed on and never taken for a word."""
    return None if isinstance(value, dict) else HERE


def flag(value: Any) -> str | None:
    """true or false."""
    return None if isinstance(value, bool) else HERE


nothing = one_of(None)
empty = one_of("")
name = text(r"[a-z][a-z0-9-]{0,40}")
"""Of a deployment."""
template = text(r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}")
repository = text(r"[a-z0-9][a-z0-9-]{0,40}")
identifier = text(r"[a-z][a-z0-9_]{0,60}")
"""Of a provider, a role, a port, a volume."""
variable = text(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
digest = text(r"[A-Za-z0-9:-]{0,128}")
word = text(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,254}")
"""Ids and names that others gave: they may become a word of a command line, so they never start with a hyphen."""
line = text(f"{_NO_CONTROL}*", LONGEST_LINE)
host = text(_HOST)
address = text(f"{_HOST}|{_IPV6}")
bracketed = text(rf"\[{_IPV6}\]")
user = text(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,127}")
port = number(1, 65535)
path = text(rf"(?![-\s]){_NO_CONTROL}+", LONGEST_LINE)
key_file = text(rf"(?![-\s])(?:(?![\"$]){_NO_CONTROL})+", LONGEST_LINE)
"""A path that ssh reads: it knows no way to write a quotation mark or a dollar sign there."""
inside = text(rf"(?![-/~\s])(?!(?:.*/)?\.\.(?:/|$)){_NO_CONTROL}+", LONGEST_LINE)
"""A path below the repository."""
host_key = text(
    r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]{1,60} [A-Za-z0-9+/]{16,4000}={0,2}(?: [ -~]{0,200})?", LONGEST_LINE
)
url = text(rf"[a-z][a-z0-9+]{{0,15}}://(?:{_HOST}|\[{_IPV6}\]|{_IPV6})(?::[0-9]{{1,5}})?/?", 400)
"""Of an endpoint: scheme, host and port, and nothing that a shell, a page or a terminal could take for more."""
secret = text(rf"generate|(?:env|vault):[A-Za-z_][A-Za-z0-9_]*|file:(?!\s){_NO_CONTROL}+", LONGEST_LINE)
"""Where a secret comes from."""
network = text(r"[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?")
currency = text(r"[A-Z]{3}")
jump = text(rf"(?:[A-Za-z0-9_][A-Za-z0-9_.@-]*@)?(?:{_HOST}|\[{_IPV6}\]|{_IPV6})(?::[0-9]{{1,5}})?", 500)
amount = number(0, 1e9, whole=False)


def optional(check: Check) -> Check:
    """Or null, or the empty text."""
    return either(check, nothing, empty)


UNNAMED = "?"
"""Stands for the deployment of what carries our mark and no proper name: equal to none that there can be."""


def deployment(value: Any) -> str:
    """The name in a mark, which anybody may have written."""
    return value if name(value) is None else UNNAMED


LOGIN: dict[str, Check] = {
    "address": optional(address),
    "port": port,
    "user": optional(user),
    "key": optional(key_file),
    "jump": optional(jump),
    "host_key": optional(host_key),
    "become_password": optional(secret),
    "python": optional(text(r"/[A-Za-z0-9._/+-]{1,250}")),
}
"""How to get onto a machine: words of ssh, and lines of its files."""

MAX_DEPTH = 60
_FEW_OPENERS = 120
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)


def too_deep(body: str) -> bool:
    """Whether a JSON text nests deeper than anything that we write; a text with few brackets is not looked through."""
    if body.count("[") + body.count("{") <= _FEW_OPENERS:
        return False
    deep = 0
    for token in _TOKENS.finditer(body):
        deep += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if deep > MAX_DEPTH:
            return True
    return False


def parsed(raw: bytes | str) -> Any:
    """The data of a JSON text that we or a program of ours wrote. Raises Damaged, whatever is wrong with it."""
    try:
        body = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        return checked_text(body, json.loads(body))
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, Damaged) else Damaged("it is no JSON text") from error


def checked_text(body: str, data: Any) -> Any:
    """The data, once its text nests no deeper than ours do and every text in it can be written again."""
    if too_deep(body):
        msg = "it nests too deep"
        raise Damaged(msg)
    if "\\ud" in body or "\\uD" in body:
        try:
            json.dumps(data, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            msg = "it has half a character"
            raise Damaged(msg) from error
    return data
