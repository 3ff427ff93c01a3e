"""Takes known secret values out of text and data. Every byte that leaves the process passes one shared `Redactor`."""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Iterator
from itertools import accumulate
from string import ascii_letters, digits
from typing import Any

MASK = "•••"
SHORTEST = 4
"""Shorter values are not masked: they would blank out half of every text."""
SHORTEST_LINE = 8
"""A line of a longer secret (a private key) is masked by itself, because logs arrive line by line."""

_UNRESERVED = frozenset((ascii_letters + digits + "-._~").encode())


class Redactor:
    """Knows secret values and replaces each, in every form in which it may be printed, by `•••`."""

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}
        self._forms: tuple[str, ...] | None = ()

    def add(self, value: str) -> None:
        """Never show this value again. Values of less than four characters are ignored."""
        for secret in _with_lines(value):
            if secret not in self._secrets:
                self._secrets[secret] = None
                self._forms = None

    def reveal(self, value: str) -> None:
        """Somebody asked to see this value (`--show-secrets`): show it, in this process only."""
        for secret in _with_lines(value):
            self._secrets.pop(secret, None)
        self._forms = None

    def text(self, text: str) -> str:
        """The text without any known secret."""
        spans = sorted(span for form in self._all_forms() if form in text for span in _spans(text, form))
        return _masked(text, spans) if spans else text

    def data(self, data: Any) -> Any:
        """The same for JSON-able data, keys included. Returns the argument itself when nothing is to be hidden."""
        blob = "\n".join(_leaves(data))
        if not any(form in blob for form in self._all_forms()):
            return data
        return self._deep(data)

    def _deep(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {self._deep(key): self._deep(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self._deep(item) for item in data]
        # A PIN is also secret when YAML made a number of it; bool and None cannot be secrets.
        return MASK if isinstance(data, int | float) and str(data) in self._secrets else data

    def _all_forms(self) -> tuple[str, ...]:
        if self._forms is None:
            self._forms = tuple(sorted({form for secret in self._secrets for form in _forms(secret)}))
        return self._forms


def _with_lines(value: str) -> Iterator[str]:
    if len(value) >= SHORTEST:
        yield value
    stripped = value.strip()
    if stripped != value and len(stripped) >= SHORTEST:
        yield stripped
    lines = [line.strip() for line in stripped.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= SHORTEST_LINE and not line.startswith("-----"))


def _forms(secret: str) -> set[str]:
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
    return forms | _base64_forms(raw)


def _base64_forms(raw: bytes) -> set[str]:
    """Alone, and inside something longer such as `user:password`, where it may start at any of three offsets."""
    forms = {b2a_base64(raw, newline=False).decode()}
    for offset in range(3):
        text = b2a_base64(bytes(offset) + raw, newline=False).decode()
        first, last = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        forms.add(text[first:last])
    return forms | {form.translate(str.maketrans("+/", "-_")) for form in forms}


def _spans(text: str, form: str) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = text.find(form, start + 1)


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    """Overlapping and touching spans become one mask, so that no rest of a secret stays behind."""
    ends = list(accumulate((end for _, end in spans), max))
    pieces, position = [], 0
    for index, (start, _) in enumerate(spans):
        if index == 0 or start > ends[index - 1]:
            pieces += [text[position:start], MASK]
        position = ends[index]
    return "".join([*pieces, text[position:]])


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
