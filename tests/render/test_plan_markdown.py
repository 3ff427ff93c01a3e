"""The comment on a pull request: nobody's YAML can write anything but words into it, and it always can be posted."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from runner.domain import Action, Change, Kind, Plan
from runner.redact import Redactor
from runner.render.markdown import escape
from runner.render.plan_markdown import LIMIT, MARKER, plan_markdown
from runner.render.style import Style
from tests.render import samples

STYLE = Style(now=samples.NOW)
OURS = {"h3", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "code", "details", "summary", "sub"}
ATTACKS = [
    "<script>alert(1)</script>",
    "</details><img src=x onerror=y>",
    "| a | b |\n|---|---|",
    "**bold** _it_ ~~gone~~ `code`",
    "[click](http://evil.example) ![x](y) <http://evil.example> https://evil.example www.evil.example",
    "@everyone and @org/team, #1, GH-1, me@evil.example",
    ":tada: $x^2$ \\| \\` &lt; &#64;",
    "<!-- slipway:plan -->\n# Headline\n- [x] done",
    "```\nfence\n```",
    "a\r\n\r\n## b\n\n> quote",
]
texts = st.text(max_size=60) | st.text("<>|`*_[]()!@#~\\&$:/-+=.\n a1", max_size=60) | st.sampled_from(ATTACKS)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.attributes: list[object] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def rendered(markdown: str) -> Tags:
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
    tags = Tags()
    tags.feed(html)
    return tags


def hostile(text: str) -> Plan:
    action = Action(
        text, text, Kind.UPDATE, text, text, (Change(text, text, [text]),), 1.0, 2.0, text[:3] or "USD", text, text
    )
    return Plan((action, replace(action, kind=Kind.BLOCKED), replace(action, kind=Kind.DESTROY)), commit=f"c{text}")


@given(texts)
@settings(deadline=None, max_examples=200)
def test_strangers_cannot_add_markup(text: str) -> None:
    page, harmless = (
        rendered(plan_markdown(hostile(text), style=STYLE)),
        rendered(plan_markdown(hostile("x"), style=STYLE)),
    )
    assert set(page.seen) <= OURS
    assert page.attributes == []
    assert [tag for tag in page.seen if tag != "strong"] == [tag for tag in harmless.seen if tag != "strong"]


@given(texts)
@settings(deadline=None)
def test_strangers_cannot_mention_link_or_forge_the_marker(text: str) -> None:
    page = plan_markdown(hostile(text), style=STYLE)
    assert page.count("<!--") == 1
    said = "".join(rendered(page).words)
    assert not re.search(r"@\w|#\d", said)
    own = page.replace("`", "")
    assert not re.search(r"[@#:$\[\]\\*~_]\w", re.sub(r"&#\d+;|\*\*|slipway:plan|###", "", own))


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=50))
def test_words_come_out_as_they_went_in(text: str) -> None:
    page = "".join(rendered(f"| a |\n|---|\n| x{escape(text)}x |").words)
    assert f"x{text}x" in page.replace("\u200b", "")


def test_the_marker_is_the_first_line() -> None:
    assert plan_markdown(Plan(()), style=STYLE).splitlines()[0] == MARKER


def test_headline_says_what_and_how_much() -> None:
    lines = plan_markdown(samples.PLAN, style=STYLE).splitlines()
    assert lines[1] == "### Slipway plan: 1 destroy, 1 replace, 2 create, 1 stop, 1 blocked, 1 held"
    assert lines[3] == "Price: **-&#36;0.5698/h** (-&#36;415.95/month), **1 price unknown**"
    assert lines[5] == "⚠️ **2 deployments will be destroyed or replaced.**"


def test_destroys_come_first_and_none_are_only_counted() -> None:
    page = plan_markdown(samples.PLAN, style=STYLE)
    kinds = re.findall(r"^\| \S+ (\w+) \| <code>", page, re.MULTILINE)
    assert kinds == ["destroy", "replace", "create", "create", "stop", "blocked", "held"]
    assert "quiet-0" not in page
    assert "997 up to date · commit <code>3511be88711e</code>" in page


def test_nothing_to_do_is_said() -> None:
    page = plan_markdown(Plan((Action("a", "local", Kind.NONE, ""),)), style=STYLE)
    assert "### Slipway plan: nothing to do" in page
    assert "1 up to date" in page
    assert "table" not in rendered(page).seen


@pytest.mark.parametrize("count", [50, 5000])
def test_a_huge_plan_is_cut_with_a_note_and_keeps_its_destroys(count: int) -> None:
    changes = tuple(Change(f"env.V{number}", "a" * 300, "b" * 300) for number in range(20))
    many = [Action(f"d{n}", "aws", Kind.UPDATE, "changed " * 60, changes=changes) for n in range(count)]
    page = plan_markdown(Plan((*many, *samples.ACTIONS)), style=STYLE)
    assert len(page) <= LIMIT
    assert "<code>old</code>" in page
    assert re.search(r"Cut to fit into a comment: .*[\d,]+ more field changes", page)
    assert page.count("<details>") == page.count("</details>")
    assert page.rstrip().splitlines()[-1].startswith("<sub>")


def test_no_secret_survives_escaping_and_cutting() -> None:
    redactor = Redactor()
    redactor.add("s*cr_t|<pass>")
    page = plan_markdown(hostile("x" * 195 + "s*cr_t|<pass>"), style=replace(STYLE, redactor=redactor))
    assert "cr&#95;t" not in page
    assert "•••" in page
