"""Text of strangers made harmless, one function for each place it is put into: Markdown text, Markdown code, a cell, a
block of code, a link, a comment of HTML. Pure.

Whatever people, records, services and programs say becomes plain words there: no markup, HTML, links or mentions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address
from urllib.parse import quote, urlsplit

_PLAIN = frozenset(" .,-/()=%+?;'\"")
"""Punctuation that means nothing in the middle of a line of Markdown; all other becomes an entity."""
_INVISIBLE = "\u200b"
"""GitHub looks for @people and #issues after entities are decoded; an invisible space stops it."""
_KEPT = frozenset("\u200d\ufe0f")
"""Unseen, but parts of emoji."""
_UNSEEN = frozenset(("Cc", "Cf", "Co", "Cs", "Zl", "Zp"))
"""Categories of Unicode."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
_LANGUAGE = re.compile(r"[a-z]+")


def _safe(char: str) -> str:
    if char.isalnum() or char in _PLAIN:
        return char
    return f"&#{ord(char)};" + (_INVISIBLE if char in "@#" else "")


_TABLE = {code: _safe(chr(code)) for code in range(0x20, 0x7F)} | {ord("\n"): " ", ord("\t"): " "}


def visible(value: object) -> str:
    """The text without control characters, changes of direction and other unseen ones; line ends and tabs stay."""
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or c in _KEPT or unicodedata.category(c) not in _UNSEEN)


def text(value: object) -> str:
    """Words in the middle of a line of Markdown, or in a cell; never put at the start of a line."""
    return visible(value).translate(_TABLE)


def start(value: object, urls: Iterable[str] = ()) -> str:
    """The same where a line, a heading or an item of a list begins: what comes first makes no list of it. These
    addresses become links.
    """
    line = linked(value, urls).lstrip()
    bare = line[:1].isascii() and not line[:1].isalpha() and line[:1] not in "<&"
    return f"&#{ord(line[0])};{line[1:]}" if bare else line


def code(value: object) -> str:
    """A value in code type, in a line or a cell. As HTML: backticks would have to be counted."""
    return f"<code>{text(value) or ' '}</code>"


def row(cells: Sequence[str]) -> str:
    """One row of a table, of cells that are already safe."""
    return f"| {' | '.join(cells)} |"


def block(value: object, language: str = "") -> str:
    """Lines of code between fences that are longer than any in it."""
    lines = visible(value).rstrip("\n")
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", lines)), default=0))
    return f"{fence}{language if _LANGUAGE.fullmatch(language) else ''}\n{lines}\n{fence}"


def comment(value: object) -> str:
    """Text inside a comment of HTML: nothing in it ends the comment."""
    return re.sub(r"[<>\n]|--+", " ", visible(value))


def link(value: object) -> str:
    """A link to itself, or the same as text where it does not lead to a web server of a plain name."""
    url = address(value)
    return f"<{url}>" if url else text(value)


def address(value: object) -> str:
    """The URL, with everything encoded that is not plain; empty when it is none of http or https with a plain host."""
    try:
        parts = urlsplit(str(value))
        port, host = parts.port, parts.hostname or ""
        name = f"[{IPv6Address(host)}]" if ":" in host else host
    except ValueError:
        return ""
    if (
        parts.scheme not in {"http", "https"}
        or parts.username is not None
        or not (":" in host or _HOST.fullmatch(host))
    ):
        return ""
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~?')}" if parts.query else ""
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}{path}{query}"


def linked(value: object, urls: Iterable[str]) -> str:
    """Like `text`, but these addresses, where they stand in it, become links."""
    known = sorted({url for url in urls if address(url)}, key=len, reverse=True)
    if not known:
        return text(value)
    parts = re.split(f"({'|'.join(map(re.escape, known))})", visible(value))
    return "".join(link(part) if part in known else text(part) for part in parts)
