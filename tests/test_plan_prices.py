"""What a plan says about money: before, after, and where the figure comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runner import plan, steps
from runner.domain import Action, Desired, Hold, Observation, Record
from tests import factories as make
from tests.factories import TODAY, desired, nothing, record, seen, spec

WANT = desired()
RECORD = record(WANT)
NEWER = desired(spec=spec(params={"model": "large"}))
FORCED = desired(spec=spec(machine={"engine": "docker"}))
DEARER = {**make.PRICE, "hourly": 2.0}
PRICES: list[Any] = [
    ("create", replace(WANT, price=DEARER), None, nothing(), (0.0, 2.0)),
    ("create of unknown price", replace(WANT, price=None), None, nothing(), (0.0, None)),
    ("replace", replace(FORCED, price=DEARER), RECORD, seen(), (0.5, 2.0)),
    ("update", replace(NEWER, price=DEARER), RECORD, seen(), (0.5, 2.0)),
    ("update of what nobody recorded", WANT, None, seen(), (None, 0.5)),
    ("start", WANT, RECORD, seen(state="stopped"), (0.0, 0.5)),
    ("stop", desired(state="stopped"), RECORD, seen(), (0.5, 0.0)),
    ("stop of unknown price", desired(state="stopped"), replace(RECORD, price=None), seen(), (None, 0.0)),
    ("stop of what has a disk", desired(state="stopped"), RECORD, seen(stopped_price={"hourly": 0.01}), (0.5, 0.01)),
    ("stop, disk of unknown price", desired(state="stopped"), RECORD, seen(stopped_price=None), (0.5, None)),
    ("start of what has a disk", WANT, RECORD, seen(state="stopped", stopped_price={"hourly": 0.01}), (0.01, 0.5)),
    ("destroy of what has a disk", None, RECORD, seen(state="stopped", stopped_price={"hourly": 0.01}), (0.01, 0.0)),
    ("destroy", None, RECORD, seen(), (0.5, 0.0)),
    ("destroy of what is gone", None, RECORD, nothing(), (0.0, 0.0)),
    ("none", WANT, RECORD, seen(), (0.5, 0.5)),
    ("none, although the list price moved", replace(WANT, price=DEARER), RECORD, seen(), (0.5, 0.5)),
    ("held", desired(hold=Hold("2026-12-24", "demo"), spec=NEWER.spec, price=DEARER), RECORD, seen(), (0.5, 0.5)),
    ("blocked", None, replace(RECORD, protect=True), seen(), (0.5, 0.5)),
]


def only(want: Desired | None, kept: Record | None, have: Observation) -> Action:
    return plan.action(have.name, want, kept, have, TODAY)


@pytest.mark.parametrize(("want", "kept", "have", "prices"), [pytest.param(*row[1:], id=row[0]) for row in PRICES])
def test_price_before_and_after(want: Desired | None, kept: Record | None, have: Observation, prices: Any) -> None:
    action = only(want, kept, have)
    assert (action.hourly_before, action.hourly_after) == prices


def test_price_says_its_source_age_and_currency() -> None:
    euros = {"hourly": 1.0, "currency": "EUR", "source": "catalogue", "as_of": "2026-05-01"}
    action = only(replace(WANT, price=euros), None, nothing())
    assert (action.currency, action.price_source, action.price_as_of) == ("EUR", "catalogue", "2026-05-01")
    destroyed = only(None, replace(RECORD, price=euros), seen())
    assert (destroyed.currency, destroyed.price_source, destroyed.price_as_of) == ("EUR", "catalogue", "2026-05-01")


RATE: dict[str, Any] = {"hourly": 0.2, "currency": "USD", "source": "spot price", "as_of": "2026-11-21"}


@pytest.mark.parametrize(
    ("planned", "rate", "hourly", "source"),
    [
        (make.PRICE, None, 0.5, make.PRICE["source"]),
        (None, None, None, ""),
        (None, RATE, 0.2, "spot price; the plan did not know it"),
        (make.PRICE, RATE, 0.2, "spot price; the plan said 0.5"),
        ({**make.PRICE, "hourly": 0.20001}, RATE, 0.2, "spot price"),
    ],
)
def test_real_rate_is_recorded_with_what_the_plan_said(planned: Any, rate: Any, hourly: Any, source: str) -> None:
    price = steps.priced(planned, rate) or {"hourly": None, "source": ""}
    assert (price["hourly"], price["source"]) == (hourly, source)
