"""How a plan takes up what a deep look has found."""

from __future__ import annotations

import pytest

from runner.deep import BY_HAND, NOT_CHECKED, Finding, repaired
from runner.domain import Action, Change, Kind, Plan
from runner.workflow import Planned

FIELD = {"field": "env.A", "before": "2", "after": "1"}


def planned(*kinds: Kind) -> Planned:
    actions = tuple(Action(f"d{number}", "local", kind, "as it was") for number, kind in enumerate(kinds))
    return Planned(loaded=None, records={}, observed=None, plan=Plan(actions))  # type: ignore[arg-type]  # only the plan counts


@pytest.mark.parametrize(
    ("kind", "finding", "expected"),
    [
        (Kind.NONE, Finding("d0", "Ensure", "", changes=(FIELD,)), (Kind.UPDATE, BY_HAND, "")),
        (Kind.NONE, Finding("d0", "Ensure", "differs"), (Kind.UPDATE, BY_HAND, "")),
        (Kind.NONE, Finding("d0", "Ensure", "no answer", failed=True), (Kind.BLOCKED, "no answer", NOT_CHECKED)),
        (Kind.NONE, Finding("another", "Ensure", ""), (Kind.NONE, "as it was", "")),
        (Kind.CREATE, Finding("d0", "Ensure", ""), (Kind.CREATE, "as it was", "")),
    ],
)
def test_finding_becomes_an_action(kind: Kind, finding: Finding, expected: tuple[Kind, str, str]) -> None:
    made, names = repaired(planned(kind), [finding])
    [action] = made.plan.actions
    assert (action.kind, action.reason, action.code) == expected
    assert names == ({"d0"} if expected[1] == BY_HAND else frozenset())


def test_fields_of_all_findings_are_in_the_plan_and_its_order_stays() -> None:
    found = [Finding("d1", "One", "", changes=(FIELD,)), Finding("d1", "Two", "")]
    made, _ = repaired(planned(Kind.START, Kind.NONE), found)
    assert [action.kind for action in made.plan.actions] == [Kind.UPDATE, Kind.START]
    assert made.plan.actions[0].changes == (Change("env.A", "2", "1"), Change("Two", "differs", "as applied"))
