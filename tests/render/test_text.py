"""Width as terminals count it, and everything that is built on it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.render.style import Style
from runner.render.text import Column, Row, box, cut, fill, natural_width, pad, table, width, wrap

texts = st.text(st.sampled_from("ab c漢é🦙🖥\ufe0f\u200d\u0301👍🏽👩🔬—"), max_size=40)
RED = "\x1b[31m"
RESET = "\x1b[0m"


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("plain", 5),
        ("漢字", 4),
        ("e\u0301", 1),
        ("🦙", 2),
        ("🖥️", 2),
        ("❤️", 2),
        ("👩‍🔬", 2),
        ("👍🏽", 2),
        ("⏸", 1),
        ("─│╭", 3),
        (f"{RED}red{RESET}", 3),
    ],
)
def test_width(text: str, cells: int) -> None:
    assert width(text) == cells


@given(texts, st.integers(1, 30), st.booleans())
@settings(deadline=None)
def test_cut_never_exceeds_the_limit_and_keeps_what_fits(text: str, cells: int, painted: bool) -> None:
    shown = f"{RED}{text}{RESET}" if painted else text
    result = cut(shown, cells)
    assert width(result) <= cells
    assert result == shown or "…" in result


def test_cut_closes_colours() -> None:
    assert cut(f"{RED}abcdef{RESET}", 4) == f"{RED}abc…{RESET}"


@given(texts, st.integers(0, 20), st.booleans())
@settings(deadline=None)
def test_pad_reaches_the_width(text: str, cells: int, right: bool) -> None:
    assert width(pad(text, cells, right=right)) == max(width(text), cells)


@given(texts, st.integers(5, 30))
@settings(deadline=None)
def test_wrap_keeps_all_words_and_the_width(text: str, cells: int) -> None:
    lines = wrap(text, cells, indent="- ", hanging="  ")
    assert [word for line in lines for word in line[2:].split()] == text.split()
    assert all(width(line) <= cells or len(line.split()) <= 2 for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


def test_wrap_never_breaks_a_url() -> None:
    url = "https://example.org/" + "a" * 60
    assert wrap(f"see {url} for more", 20) == ["see", url, "for more"]


def test_fill_keeps_pieces_with_spaces_together() -> None:
    assert fill(["1 destroy,", "997 up to date"], 16, hanging=" ") == ["1 destroy,", " 997 up to date"]


COLUMNS = [Column("NAME", least=6), Column("KIND", leave_out=2), Column("AGE", leave_out=1, right=True), Column("")]
ROWS = [Row(["a-long-deployment", "ollama", "3h", ""]), Row(["b", "jupyter", "12d", ""], ["  why"])]


def test_table_aligns_and_drops_the_empty_column() -> None:
    assert table(COLUMNS, ROWS, 80) == [
        "NAME               KIND     AGE",
        "a-long-deployment  ollama    3h",
        "b                  jupyter  12d",
        "  why",
    ]


def test_table_first_cuts_then_leaves_columns_out() -> None:
    assert table(COLUMNS, ROWS, 24)[1] == "a-long-de…  ollama    3h"
    assert table(COLUMNS, ROWS, 17)[1] == "a-long-depl…   3h"
    assert table(COLUMNS, ROWS, 8)[1] == "a-long-…"


@given(st.lists(st.tuples(texts, texts, texts), min_size=1), st.integers(12, 120))
@settings(deadline=None)
def test_table_fits_when_its_columns_may_be_cut(cells: list[tuple[str, str, str]], limit: int) -> None:
    columns = [Column("A", least=2), Column("B", least=2), Column("C", least=2)]
    lines = table(columns, [Row(row) for row in cells], limit)
    assert all(width(line) <= limit for line in lines)


def test_natural_width_is_that_of_the_uncut_table() -> None:
    assert natural_width(COLUMNS[:3], [Row(row.cells[:3]) for row in ROWS]) == len(table(COLUMNS, ROWS, 200)[0])


@given(texts, st.lists(texts), st.integers(20, 80))
@settings(deadline=None)
def test_box_is_straight(title: str, lines: list[str], cells: int) -> None:
    framed = box(title, lines, cells)
    widths = {width(line) for line in framed if line.endswith(("╮", "│", "╯"))}
    assert len(widths) == 1
    assert widths.pop() <= cells


def test_box_lets_a_long_url_run_over_the_edge() -> None:
    url = "http://" + "a" * 90
    lines = box("title", [url, "short"], 40, edge=Style(color=True).dim)
    assert any(url in line for line in lines)
