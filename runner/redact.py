"""Takes known secret values out of text and data. Every byte that leaves the process passes one shared `Redactor`.

What is promised stands in docs/secrets.md; `tests/test_redact.py` is the same as a table.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from string import ascii_letters, digits
from typing import Any

from runner.spellings import ROUNDS, Place, encodings, places, plain, views

MASK = "•••"
SHORTEST = 4
"""Shorter values are not masked: they would blank out half of every text."""
LONG = 8
"""From this length on a value is masked in every spelling and in pieces; a shorter one stands in many other words."""
PIECE = 6
"""So many characters of a long value, at the end of what is there so far, are masked before the rest has come."""
_GRAM = 4
_FEW = 300
"""Forms that are sooner looked for one by one than all at once."""
_UNRESERVED = frozenset((ascii_letters + digits + "-._~").encode())
_LINE = re.compile(r"[^\r\n]+")
Span = tuple[int, int]


class _Forms:
    """Texts to be found, by their first characters: finding takes as long for a thousand as for one."""

    def __init__(self, forms: Iterable[str]) -> None:
        self._by_gram: dict[str, list[str]] = {}
        self._few: list[str] | None = sorted({form for form in forms if len(form) >= _GRAM})
        self.longest = 0
        for form in self._few:
            self._by_gram.setdefault(form[:_GRAM], []).append(form)
            self.longest = max(self.longest, len(form))
        self._few = self._few if len(self._few) <= _FEW else None

    def spans(self, text: str) -> list[Span]:
        """Where they stand, by their beginnings."""
        if self._few is not None and not any(form in text for form in self._few):
            return []
        known = self._by_gram
        return [
            (at, at + len(form))
            for at in range(len(text) - _GRAM + 1)
            if (forms := known.get(text[at : at + _GRAM])) is not None
            for form in forms
            if text.startswith(form, at)
        ]

    def begun(self, text: str) -> int:
        """Where at the end of a text one of them begins that is not over yet; the text's length where none does."""
        first = max(0, len(text) - self.longest + 1)
        for at in range(first, len(text) - PIECE + 1):
            forms = self._by_gram.get(text[at : at + _GRAM])
            if forms is not None and any(len(form) > len(text) - at and form.startswith(text[at:]) for form in forms):
                return at
        return len(text)


class Redactor:
    """Knows secret values and replaces each, in every form in which it may be printed, by `•••`."""

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}
        self._made: tuple[_Forms, _Forms] | None = None

    def add(self, value: str) -> None:
        """Never show this value again. Values of less than four characters are ignored."""
        for secret in _with_lines(value):
            if secret not in self._secrets:
                self._secrets[secret] = None
                self._made = None

    def reveal(self, value: str) -> None:
        """Somebody asked to see this value (`--show-secrets`): show it, in this process only."""
        for secret in _with_lines(value):
            self._secrets.pop(secret, None)
        self._made = None

    def text(self, text: str) -> str:
        """The text without any known secret. Line ends stay, also inside of one."""
        if not self._secrets:
            return text
        exact, plain_forms = self.forms
        spans = exact.spans(text) + [span for rounds in views(text) for span in _plain_spans(text, plain_forms, rounds)]
        return _masked(text, sorted(spans)) if spans else text

    def stream(self) -> Stream:
        """For what comes line by line, where a secret may come in pieces."""
        return Stream(self)

    def data(self, data: Any) -> Any:
        """The same for JSON-able data, keys included. Returns the argument itself when nothing is to be hidden."""
        if not self._secrets:
            return data
        blob = "\n".join(_leaves(data))
        exact, plain_forms = self.forms
        if not exact.spans(blob) and not any(plain_forms.spans(plain(blob, rounds)) for rounds in views(blob)):
            return data
        return self._deep(data)

    def _deep(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {self._deep(key): self._deep(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            lines = self.stream()  # what is listed may be the lines of one text
            return [lines.text(item) if isinstance(item, str) else self._deep(item) for item in data]
        # A PIN is also secret when YAML made a number of it; bool and None cannot be secrets.
        return MASK if isinstance(data, int | float) and str(data) in self._secrets else data

    @property
    def forms(self) -> tuple[_Forms, _Forms]:
        """What is looked for in a text as it is, and in its one spelling."""
        if self._made is None:
            exact = {form for secret in self._secrets for form in _exact(secret)}
            self._made = _Forms(exact), _Forms(form for secret in self._secrets for form in _plain_forms(secret))
        return self._made


class Stream:
    """Lines of one text, one after the other: also hides what began in an earlier line and goes on in this one.

    Nothing is held back: of a long secret in pieces, at most its first five characters are shown.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._tails = {0: "", ROUNDS: ""}

    def text(self, text: str) -> str:
        """The next line or lines, without any known secret."""
        exact, forms = self._redactor.forms
        if not forms.longest:
            return self._redactor.text(text)
        spans = exact.spans(text)
        if len(views(text)) == 1 and self._tails[0] == self._tails[ROUNDS]:  # nothing looks like an escape
            spans += self._view(text, forms, 0)
            self._tails[ROUNDS] = self._tails[0]
        else:
            spans += [span for rounds in self._tails for span in self._view(text, forms, rounds)]
        return _masked(text, sorted(spans)) if spans else text

    def _view(self, text: str, forms: _Forms, rounds: int) -> list[Span]:
        line = plain(text, rounds)
        joined, before = self._tails[rounds] + line, len(self._tails[rounds])
        found = [(max(0, start - before), end - before) for start, end in forms.spans(joined) if end > before]
        if (begun := forms.begun(joined)) < len(joined) and line:
            found.append((max(0, begun - before), len(line)))
        self._tails[rounds] = joined[1 - forms.longest :]
        return _placed(found, places(text, rounds)) if found else []


def _plain_spans(text: str, forms: _Forms, rounds: int) -> list[Span]:
    """Lines are made plain one by one, so that only those in which something was found are looked at closely."""
    lines = text.splitlines(keepends=True)
    shortened = [plain(line, rounds) for line in lines]
    found = forms.spans("".join(shortened))
    if not found:
        return []
    starts = [0, *accumulate(map(len, lines))]
    begins = [0, *accumulate(map(len, shortened))]
    spans: list[Span] = []
    for number in sorted({number for span in found for number in _lines_of(span, begins)}):
        first, last = begins[number], begins[number + 1]
        inside = [(max(start, first) - first, min(end, last) - first) for start, end in found]
        close = _placed([span for span in inside if span[0] < span[1]], places(lines[number], rounds))
        spans += [(starts[number] + start, starts[number] + end) for start, end in close]
    return spans


def _lines_of(span: Span, begins: list[int]) -> range:
    return range(bisect_right(begins, span[0]) - 1, bisect_right(begins, span[1] - 1))


def _placed(spans: list[Span], at: list[Place]) -> list[Span]:
    """Spans of a plain text, as spans of the text that was printed."""
    return [(at[start].start, at[end - 1].end) for start, end in spans]


def _with_lines(value: str) -> Iterator[str]:
    if len(value) >= SHORTEST:
        yield value
    stripped = value.strip()
    if stripped != value and len(stripped) >= SHORTEST:
        yield stripped
    lines = [line.strip() for line in stripped.splitlines()]
    if len(lines) > 1:  # logs arrive line by line
        yield from (line for line in lines if len(line) >= LONG and not line.startswith("-----"))


def _plain_forms(secret: str) -> Iterator[str]:
    if len(secret) < LONG:
        return
    spelled = {plain(secret), plain(secret, 0), *(plain(form) for form in encodings(secret))}
    yield from (form for form in spelled if len(form) >= PIECE)


def _exact(secret: str) -> set[str]:
    """How a secret may look once JSON, a URL, a shell, Python or an Authorization header went over it."""
    quoted = json.dumps(secret)[1:-1]
    forms = {
        secret,
        quoted,
        json.dumps(quoted)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        secret.replace("'", "''"),
        secret.replace("'", "'\"'\"'"),
        secret.replace("'", "'\\''"),
        "".join("\\" + char if char in '"\\$`' else char for char in secret),
    }
    raw = secret.encode("utf-8", "surrogatepass")
    for hexadecimal in ("%{:02X}", "%{:02x}"):
        url = "".join(chr(byte) if byte in _UNRESERVED else hexadecimal.format(byte) for byte in raw)
        forms |= {url, url.replace("%20", "+"), url.replace("%2F", "/").replace("%2f", "/")}
    return forms | encodings(secret)


def _masked(text: str, spans: list[Span]) -> str:
    """Overlapping and touching spans become one mask, so that no rest of a secret stays behind."""
    ends = list(accumulate((end for _, end in spans), max))
    pieces, position, begun = [], 0, 0
    for index, (start, _) in enumerate(spans):
        if index and start > ends[index - 1]:
            pieces += [text[position:begun], _LINE.sub(MASK, text[begun : ends[index - 1]])]
            position = ends[index - 1]
        if index == 0 or start > ends[index - 1]:
            begun = start
    pieces += [text[position:begun], _LINE.sub(MASK, text[begun : ends[-1]]), text[ends[-1] :]]
    return "".join(pieces)


def _leaves(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield str(key)
            yield from _leaves(value)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from _leaves(item)
    elif data is not None and not isinstance(data, bool):
        yield str(data)
