"""What strangers say is plain words on every page: held against a real parser of Markdown, for each place."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from runner import access, markup, pages
from runner.domain import Action, Change, Kind, Plan, Record
from runner.render.plan_markdown import plan_markdown
from runner.render.style import Style
from tests import factories as make
from tests.test_templates import TEMPLATES

PLAIN = "harmless"
ATTACKS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!--", "-->", "--!>", "</code>",
    "&lt;b&gt;", "&#60;b&#62;",
    "[x](https://evil.example)", "![x](https://evil.example/p.png)", "[x][y]", "[x]: https://evil.example",
    "<https://evil.example>",
    "https://evil.example", "www.evil.example", "a@evil.example", "@someone", "#12", "owner/name#12",
    "**x**", "__x__", "~~x~~", "*x*",
    "`x`", "``` x", "```\n# x\n```", "a|b", "|", "a\n| b | c |", "a\n\n# x", "\n- x", "# x", "- x", "+ x",
    "1. x", "1) x", "> x", "===", "---",
    "    x", "\\", "\\|", "x\\", "$x$", "{{ 7*7 }}", ":smile:", "\u202ex", "a\x1b[31mb",
    "\x1b]8;;https://evil.example\x07x\x1b]8;;\x07",
    "\u2028x", "javascript:alert(1)", "' onmouseover='x", '" x="', "x\r\n# y", "<details>", "[^1]", "- [ ] x", "é✓📦",
]  # fmt: skip
PARSER = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")


def shape(text: str) -> list[tuple[str, str, str]]:
    """What a reader's program makes of it, without the words: (kind, tag, where it leads)."""

    def walk(tokens: list[Token]) -> Iterator[tuple[str, str, str]]:
        for token in tokens:
            if token.type in {"text", "softbreak"}:
                continue
            tags = token.content if token.type.startswith("html") else token.info
            yield token.type, token.tag or tags, str(token.attrs.get("href", token.attrs.get("src", "")))
            yield from walk(token.children or [])

    return list(walk(PARSER.parse(text)))


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said = ""

    def handle_data(self, data: str) -> None:
        self.said += data


def words(text: str) -> str:
    """What a reader sees."""
    seen = _Words()
    seen.feed(PARSER.render(text))
    return " ".join(seen.said.replace("\u200b", "").split())


def shown(value: str) -> str:
    return " ".join(markup.visible(value).split())


PLACES: dict[str, Callable[[str], str]] = {
    "text": lambda value: f"before {markup.text(value)} after",
    "cell": lambda value: "\n".join(
        [markup.row(["a", "b"]), markup.row(["---"] * 2), markup.row(["x", markup.text(value)])]
    ),
    "code": lambda value: f"before {markup.code(value)} after",
    "item": lambda value: f"- {markup.start(value)}",
    "heading": lambda value: f"# {markup.start(value)}",
    "linked": lambda value: f"- {markup.start(f'Open https://a.example/x: {value}', ['https://a.example/x'])}",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_stays_words_in_every_place(place: str, attack: str) -> None:
    write = PLACES[place]
    assert shape(write(attack)) == shape(write(PLAIN))
    assert shown(attack) in words(write(attack))


@pytest.mark.parametrize("attack", ATTACKS)
def test_block_ends_where_it_ends(attack: str) -> None:
    text = f"{markup.block(attack, 'bash')}\nafter"
    [fence, *rest] = PARSER.parse(text)
    assert (fence.type, fence.info) == ("fence", "bash")
    assert fence.content.rstrip("\n") == markup.visible(attack).rstrip("\n")
    assert [token.content for token in rest if token.type == "inline"] == ["after"]
    assert markup.block("x", attack).startswith("```\n")


@pytest.mark.parametrize("attack", ATTACKS)
def test_comment_is_not_ended(attack: str) -> None:
    assert shape(f"<!-- from {markup.comment(attack)} -->\n\nafter")[0][0] == "html_block"
    assert words(f"<!-- from {markup.comment(attack)} -->\n\nafter") == "after"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("http://127.0.0.1:8888/lab", "http://127.0.0.1:8888/lab"),
        ("https://[2001:db8::1]:8443/a?b=c", "https://[2001:db8::1]:8443/a?b=c"),
        ("https://a.example/x y<z>", "https://a.example/x%20y%3Cz%3E"),
        ("javascript:alert(1)", ""),
        ("ftp://a.example/", ""),
        ("tcp://127.0.0.1:5901", ""),
        ("https://user:pass@a.example/", ""),
        ("https://a.example@evil.example/", ""),
        ("https://a.example\\@evil.example/", ""),
        ("https://a example/", ""),
        ("https://[x]/", ""),
        ("https://a.example:99999/", ""),
        ("//a.example/", ""),
        ("https://", ""),
        ("https://a.example/\n# x", "https://a.example/%0A"),
    ],
)
def test_links_lead_to_web_servers_only(url: str, link: str) -> None:
    assert markup.address(url).partition("#")[0].rstrip() in {link, link.replace("%0A", "")}


FIELDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "owner": lambda value: {"owner": value},
    "provider": lambda value: {"provider": value},
    "file": lambda value: {"file": value},
    "source of price": lambda value: {"price": {"hourly": 1.0, "currency": value, "source": value, "as_of": value}},
    "gpu": lambda value: {"spec": make.spec(machine={"gpu": value})},
    "model": lambda value: {"spec": make.spec(params={"model": value})},
    "template": lambda value: {"spec": make.spec(template=value)},
    "host": lambda value: {"machine": {"id": "x", "engine": value, "host": value}},
    "label": lambda value: {"spec": make.spec(labels={"project": value})},
}
SOURCE: dict[str, Any] = access.source(
    {
        "name": "App",
        "icon": "📦",
        "access": {
            "callers": {"web": {"login": "password", "password": "password"}},
            "endpoints": [{"label": "Page", "port": "web"}],
            "instructions": "{{ params.model }} of {{ deployment.owner }} for {{ deployment.labels.project or '-' }}\n",
            "snippets": [{"title": "Ask", "code": "{{ curl.web }} {{ urls.web }} # {{ params.model }}"}],
        },
    }
)


def record(field: str, value: str) -> Record:
    kept = replace(make.record(), machine={"id": "x", "address": "127.0.0.1", "engine": "process"})
    base = replace(kept, spec=make.spec(labels={"project": "x"}))
    more = FIELDS[field](value)
    if "spec" in more:
        more["spec"] = {**more["spec"], "labels": {"project": "x", **more["spec"]["labels"]}}
        more["spec"]["params"].setdefault("model", "x")
    return replace(base, **more)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_pages_say_it_and_do_nothing_else(field: str, attack: str) -> None:
    """Blocks of code may hold anything: they are compared by the test above."""

    def drawn(value: str) -> list[list[tuple[str, str, str]]]:
        of = record(field, value)
        page = pages.page(access.panel(of, SOURCE), of)
        return [
            [token for token in shape(text) if "html_block" not in token] for text in (page, pages.index_page([of]))
        ]

    assert drawn(attack) == drawn(PLAIN)


@pytest.mark.parametrize("attack", ATTACKS)
def test_plan_as_a_comment_says_it_and_does_nothing_else(attack: str) -> None:
    def drawn(value: str) -> list[tuple[str, str, str]]:
        action = Action(
            "web", value, Kind.UPDATE, value, changes=(Change(value, value, value, forces_replacement=False),)
        )
        return shape(plan_markdown(Plan((action,), commit=value), style=Style()))

    assert [t for t in drawn(attack) if t[0] != "html_inline"] == [t for t in drawn(PLAIN) if t[0] != "html_inline"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_catalogue_says_words(name: str) -> None:
    """What the README's table shows of a template."""
    assert html.unescape(markup.text(TEMPLATES[name].name)) == TEMPLATES[name].name
