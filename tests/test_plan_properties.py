"""What holds for every desired side, every record and every observation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runner import plan
from runner.domain import CHANGING, DESTRUCTIVE, ORDER, Desired, Hold, Kind, Observation, Plan, Record
from tests import factories as make
from tests.factories import TODAY

NAMES = ("a", "b", "c")
FREE = {**make.PRICE, "hourly": 0.0}
prices = st.sampled_from([None, make.PRICE, FREE])
specs = st.builds(
    make.spec,
    provider=st.sampled_from([["local"], ["other"], ["other", "local"]]),
    machine=st.sampled_from([{"engine": "auto"}, {"engine": "docker"}, {"engine": "process"}]),
    params=st.sampled_from([{"model": "small"}, {"model": "large"}, {"model": "{{ 7*7 }}"}]),
)
holds = st.sampled_from([None, None, Hold("2026-12-24", "demo"), Hold("2026-01-01", "over")])


@st.composite
def wanted(draw: st.DrawFn, name: str) -> Desired:
    state = draw(st.sampled_from(["running", "stopped", "absent"]))
    more: Any = {"protect": draw(st.booleans()), "hold": draw(holds), "price": draw(prices)}
    return make.desired(name, spec=draw(specs), state=state, **more)


@st.composite
def kept(draw: st.DrawFn, name: str) -> Record:
    finished = make.record(draw(wanted(name)), provider=draw(st.sampled_from(["local", "other"])))
    return replace(finished, digest=draw(st.sampled_from([finished.digest, ""])), price=draw(prices))


@st.composite
def observed(draw: st.DrawFn, name: str) -> Observation:
    if draw(st.integers(0, 3)) == 0:
        return Observation(name, error="it did not answer")
    resource = st.builds(
        make.resource,
        wanted(name),
        provider=st.sampled_from(["local", "other"]),
        state=st.sampled_from(["running", "stopped", "pending", "failed"]),
        facts=st.sampled_from([{}, {"engine": "docker"}, {"engine": "process"}]),
    )
    resources = tuple(draw(st.lists(resource, max_size=2)))
    return Observation(name, resources, health=draw(st.sampled_from(["healthy", "starting", "unhealthy", "unknown"])))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, Desired], dict[str, Record], dict[str, Observation]]:
    def some(strategy: Any) -> dict[str, Any]:
        return {name: draw(strategy(name)) for name in draw(st.sets(st.sampled_from(NAMES)))}

    return some(wanted), some(kept), {name: draw(observed(name)) for name in NAMES}


def every_world(test: Any) -> Any:
    return settings(max_examples=60)(given(worlds())(test))


def made(world: Any) -> Plan:
    return plan.plan(*world, today=TODAY)


@every_world
def test_plan_is_total_ordered_and_gives_reasons(world: Any) -> None:
    actions = made(world).actions
    assert sorted(a.deployment for a in actions) == sorted({*world[0], *world[1]})
    assert [ORDER.index(a.kind) for a in actions] == sorted(ORDER.index(a.kind) for a in actions)
    assert all(a.reason for a in actions)
    assert all(a.hourly_before is None or a.hourly_before >= 0 for a in actions)


@every_world
def test_plan_does_not_depend_on_the_order_of_what_it_is_made_from(world: Any) -> None:
    turned = tuple(dict(reversed(side.items())) for side in world)
    assert made(turned) == made(world)


@every_world
def test_nothing_is_done_to_what_cannot_be_observed(world: Any) -> None:
    blind = {name for name, have in world[2].items() if have.error or len(have.resources) > 1}
    assert all(a.kind is Kind.BLOCKED for a in made(world).actions if a.deployment in blind)


@every_world
def test_nothing_protected_is_destroyed_or_replaced(world: Any) -> None:
    desired, records, _ = world
    for action in made(world).actions:
        guard = desired.get(action.deployment) or records[action.deployment]
        assert not (guard.protect and action.kind in DESTRUCTIVE)


@every_world
def test_nothing_on_hold_changes(world: Any) -> None:
    held = {name for name, want in world[0].items() if want.hold and want.hold.until > TODAY}
    assert not [a for a in made(world).actions if a.deployment in held and a.kind in CHANGING]


@every_world
def test_nothing_that_is_wanted_is_destroyed(world: Any) -> None:
    wanted_names = {name for name, want in world[0].items() if want.state != "absent"}
    assert not [a for a in made(world).actions if a.deployment in wanted_names and a.kind is Kind.DESTROY]


@every_world
def test_plan_of_what_was_applied_does_nothing(world: Any) -> None:
    desired = world[0]
    there = {name: want for name, want in desired.items() if want.state != "absent"}
    records = {name: make.record(want) for name, want in there.items()}
    have = {name: make.seen(want, state=want.state) for name, want in there.items()}
    gone = {name: make.nothing(name) for name in desired.keys() - there.keys()}
    assert all(a.kind is Kind.NONE for a in made((desired, records, have | gone)).actions)


@every_world
def test_one_deployment_never_changes_the_decision_about_another(world: Any) -> None:
    whole = {a.deployment: a for a in made(world).actions}
    for name, action in whole.items():
        alone = made(tuple({key: value for key, value in side.items() if key == name} for side in world))
        assert alone.actions == (action,)
