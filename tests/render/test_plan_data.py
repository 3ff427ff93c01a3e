"""The plan as JSON: the contract that other people's scripts read, and that a saved plan is read back from."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.domain import Action, Change, Kind, Plan
from runner.errors import UsageError
from runner.render.plan_data import plan_from_json, plan_json
from tests.render import samples

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
prices = st.none() | st.floats(0, 1000)
plans = st.builds(
    Plan,
    actions=st.lists(
        st.builds(
            Action,
            st.text(),
            st.text(),
            st.sampled_from(list(Kind)),
            st.text(),
            st.text(),
            st.lists(st.builds(Change, st.text(), values, values, st.booleans()), max_size=3).map(tuple),
            prices,
            prices,
            st.sampled_from(["USD", "EUR"]),
            st.text(),
            st.text(),
        ),
        max_size=4,
    ).map(tuple),
    commit=st.text(),
    inputs=st.text(),
    observed=st.text(),
)


@given(plans)
def test_a_saved_plan_is_read_back_unchanged(plan: Plan) -> None:
    assert plan_from_json(json.loads(json.dumps(plan_json(plan)))) == plan


def test_the_keys_of_the_contract() -> None:
    document = plan_json(samples.PLAN)
    assert document["format"] == 1
    assert document["commit"] == "3511be88711edbff6f30"
    action = document["actions"][1]
    assert set(action) == {
        "deployment",
        "provider",
        "action",
        "reason",
        "hint",
        "code",
        "changes",
        "price",
        "exposure",
        "guards",
        "effect",
        "resolved",
    }
    assert action["action"] == "replace"
    assert action["changes"][1] == {"field": "machine.gpu", "before": "L4", "after": "L40S", "forces_replacement": True}
    assert action["price"] == {
        "hourly_before": 0.8048,
        "hourly_after": 1.861,
        "currency": "USD",
        "source": "AWS price list",
        "as_of": "2026-11-18",
    }
    assert document["summary"]["create"] == 2
    assert document["summary"]["none"] == 997
    assert document["summary"]["update"] == 0
    assert document["summary"]["hourly_delta"] is None
    assert document["summary"]["known_hourly_deltas"] == {"USD": -0.5698}


def test_deltas_when_all_prices_are_known() -> None:
    summary = plan_json(Plan((Action("a", "aws", Kind.CREATE, "new", hourly_after=0.526),)))["summary"]
    assert (summary["hourly_delta"], summary["monthly_delta"], summary["currency"]) == (0.526, 383.98, "USD")


def test_what_does_not_change_costs_nothing_more() -> None:
    blocked = Action("a", "aws", Kind.BLOCKED, "locked", hourly_before=None, hourly_after=None)
    summary = plan_json(Plan((blocked,)))["summary"]
    assert (summary["hourly_delta"], summary["unknown_prices"]) == (0, 0)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"format": 1},
        {"format": 2, "actions": []},
        {"format": 1, "actions": [{}]},
        {"format": 1, "actions": 7},
        {"format": 1, "actions": [None]},
        {"format": 1, "actions": [{**plan_json(samples.PLAN)["actions"][0], "action": "explode"}]},
    ],
)
def test_what_is_no_saved_plan_is_refused_with_the_remedy(data: Any) -> None:
    with pytest.raises(UsageError) as caught:
        plan_from_json(data)
    assert caught.value.code == "bad-plan-file"
    assert "runner plan --out" in caught.value.hint
