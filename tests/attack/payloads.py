"""What would be executed, evaluated, shown as live text or written elsewhere, if it were taken for more than data."""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt

from tests import hostile

EVIL = "evil.example"
"""Where links of payloads lead."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TAGS = re.compile(r"<\s*/?\s*(script|img|iframe|svg|a|style|details|h1)\b", re.IGNORECASE)
_MARKDOWN = MarkdownIt("commonmark").enable("table")


def payloads(trap: Path, outside: Path) -> list[str]:
    """The trap comes into being where one is executed; nothing may be written into the folder outside."""
    touch = f"touch {trap}"
    return [
        *hostile.templates(trap).values(),
        hostile.python(trap),
        *(f"$({touch})", f"`{touch}`", f"; {touch} ;", f"| {touch}", f"&& {touch}", f"x\n{touch}\n", f"'; {touch}; '"),
        *(f"-oProxyCommand={touch}", f"--upload-pack={touch}", f"!{touch}", f"%(ENV_X)s\ncommand={touch}"),
        *(f"../../../{outside.name}/x", f"{outside}/x", "../outside/x", f"file:{outside}/x", "..", "."),
        *(f"[x](http://{EVIL})", f"![x](http://{EVIL}/p)", f"<http://{EVIL}>", f"[x]: http://{EVIL}\n\n[x]"),
        *(
            "<script>alert(1)</script>",
            f"<img src=http://{EVIL}>",
            f"<a href='http://{EVIL}'>x</a>",
            "<details><h1>x</h1>",
        ),
        *(
            f"```\n<img src=http://{EVIL}>\n```",
            f"x | y |\n|---|---|\n| [x](http://{EVIL}) |",
            f"`` ` <svg/onload=x>[x](//{EVIL})",
        ),
        *(
            "\x1b]0;title\x07",
            "\x1b[2J\x1b[H",
            "\x9b31m",
            "a\rb",
            "a\bb",
            "\u202eabc",
            "\x1b]8;;http://evil.example\x07x\x1b]8;;\x07",
        ),
        *("x\nansible_connection: local\n", "!unsafe x", "!vault |", "x: &a [*a]", "{secret_parts: [{secret: key}]}"),
    ]


def live_on_a_terminal(text: str) -> str:
    """The first thing in it that a terminal would obey; empty when there is none."""
    found = _CONTROL.search(text)
    return repr(text[max(0, found.start() - 20) : found.end() + 20]) if found else ""


def live_on_a_page(text: str) -> str:
    """The first thing in it that a browser would show as more than text; empty when there is none."""
    for block in _MARKDOWN.parse(text):
        for token in (block, *(block.children or ())):
            target = str(token.attrs.get("href") or token.attrs.get("src") or "")
            if EVIL in target:
                return f"a link to {target}"
            if token.type in ("html_inline", "html_block") and _TAGS.search(token.content) and EVIL in token.content:
                return token.content[:80]
            if token.type in ("html_inline", "html_block") and "alert(1)" in token.content:
                return token.content[:80]
    return ""
