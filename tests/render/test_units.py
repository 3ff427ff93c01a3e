"""Numbers, times and values as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.render import units

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.526, "$0.526"), (1.1, "$1.10"), (12, "$12.00"), (0.0001, "$0.0001"), (-0.35, "-$0.35"), (1234.5, "$1,234.50")],
)
def test_money(amount: float, text: str) -> None:
    assert units.money(amount, "USD") == text


def test_money_of_other_currencies_and_with_a_sign() -> None:
    assert units.money(1, "EUR", signed=True) == "+€1.00"
    assert units.money(-2, "CHF", signed=True) == "-2.00 CHF"
    assert units.money(0, "USD", signed=True) == "$0.00"


def test_an_unknown_price_is_never_zero() -> None:
    assert units.hourly(None, "USD") == units.price(None) == units.price({"hourly": None}) == "unknown"
    assert units.price({"hourly": 0.0, "currency": "USD"}) == "free"
    assert units.price({"hourly": 0.5, "currency": "USD"}) == "$0.50/h"


def test_a_month_has_730_hours() -> None:
    assert units.monthly(0.526, "USD") == "$383.98/month"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (-1, "0.0s"),
        (2.14, "2.1s"),
        (9.96, "10s"),
        (59.4, "59s"),
        (59.6, "1m 00s"),
        (102, "1m 42s"),
        (7500, "2h 05m"),
        (273600, "3d 4h"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("then", "text"),
    [
        ("2026-11-21T14:04:18Z", "42s"),
        ("2026-11-21T13:00:00+00:00", "1h"),
        ("2026-11-09", "12d"),
        ("2026-11-21T15:00:00Z", "0s"),
        ("soon", "soon"),
    ],
)
def test_ago(then: str, text: str) -> None:
    assert units.ago(then, NOW) == text


@pytest.mark.parametrize(
    ("then", "text"),
    [
        ("2026-11-21", "of today"),
        ("2026-11-20", "1 day old"),
        ("2026-09-01", "2 months old"),
        ("", ""),
        ("v7", "of v7"),
    ],
)
def test_age(then: str, text: str) -> None:
    assert units.age(then, NOW) == text


@pytest.mark.parametrize(
    ("then", "text"),
    [
        ("2026-11-21T01:02:03Z", "01:02:03"),
        ("2026-11-20T01:02:03Z", "Nov 20 01:02"),
        ("2025-11-20T01:02:03Z", "2025-11-20"),
        ("never", "never"),
    ],
)
def test_clock(then: str, text: str) -> None:
    assert units.clock(then, NOW) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, "unset"),
        ("unset", '"unset"'),
        ("llama3.2:3b", "llama3.2:3b"),
        ("", '""'),
        ("true", '"true"'),
        (True, "true"),
        ("8080", '"8080"'),
        (8080, "8080"),
        (" a", '" a"'),
        ("a\nb", '"a\\nb"'),
        (["é", 1], '["é", 1]'),
    ],
)
def test_value_shows_text_and_type(data: Any, text: str) -> None:
    assert units.value(data) == text


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_value_is_one_line(data: Any) -> None:
    assert len(units.value(data).splitlines()) == 1


def test_plural() -> None:
    assert [units.plural(n, "price") for n in (0, 1, 1000)] == ["0 prices", "1 price", "1,000 prices"]
