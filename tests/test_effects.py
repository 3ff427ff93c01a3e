"""A plan says whom it cuts off, which data it deletes, and what looks like a rename."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runner import effects, plan
from runner.domain import Effect, Kind
from runner.render.markdown import escape
from runner.render.plan import plan_text
from runner.render.plan_data import plan_from_json, plan_json
from runner.render.plan_markdown import plan_markdown
from runner.render.style import Style
from runner.render.units import size
from tests import factories as make

WANT = make.desired()
VOLUMES = make.spec()
VOLUMES["service"] = {
    **VOLUMES["service"],
    "volumes": {"work": "/work", "models": "/models"},
    "companions": {"chat": {"image": "chat:1", "volumes": {"data": "/data"}}},
}
STORED = make.desired(spec=VOLUMES)
DOCKER = {"engine": "docker"}
NAMES = ("work", "models", "data of chat")


def decided(want: Any, record: Any, have: Any) -> Any:
    return plan.action("web", want, record, have, make.TODAY)


CASES: list[Any] = [
    ("nothing to do", WANT, make.record(), make.seen(), Effect()),
    ("create", WANT, None, make.nothing(), Effect()),
    ("update", make.desired(spec=make.spec(params={"model": "large"})), make.record(), make.seen(), Effect(True)),
    ("update of what is stopped", make.desired(spec=make.spec(params={"model": "large"})), make.record(),
     make.seen(state="stopped"), Effect()),
    ("only its owner", make.desired(spec=make.spec(owner="x")), make.record(), make.seen(), Effect()),
    ("only its protection", replace(WANT, protect=True), make.record(), make.seen(), Effect()),
    ("unhealthy", WANT, make.record(), make.seen(health="unhealthy"), Effect(True)),
    ("never recorded", WANT, None, make.seen(), Effect(True)),
    ("stop", replace(WANT, state="stopped"), make.record(), make.seen(), Effect()),
    ("destroy a process", None, make.record(), make.seen(), Effect(deletes=(effects.WHOLE,))),
    ("destroy containers", None, make.record(STORED), make.seen(STORED, facts=DOCKER), Effect(deletes=NAMES)),
    ("destroy what stores nothing", None, make.record(), make.seen(facts=DOCKER), Effect()),
    ("destroy what is gone", None, make.record(STORED), make.nothing(), Effect()),
    ("replace a process", make.desired(spec=make.spec(machine={"engine": "docker"})), make.record(), make.seen(),
     Effect(True, (effects.WHOLE,))),
    ("replace a rented machine", replace(STORED, providers=("other",)), make.record(STORED),
     make.seen(STORED, facts={**DOCKER, "machine_runs": True}), Effect(True, NAMES)),
    ("move to another provider", replace(STORED, providers=("other",)), make.record(STORED),
     make.seen(STORED, facts=DOCKER), Effect(True, leaves=NAMES)),
]  # fmt: skip


@pytest.mark.parametrize(("want", "record", "have", "effect"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_an_action_does(want: Any, record: Any, have: Any, effect: Effect) -> None:
    assert decided(want, record, have).effect == effect


def test_lost_data_is_said_everywhere() -> None:
    made = plan.plan({}, {"web": make.record(STORED)}, {"web": make.seen(STORED, facts=DOCKER)}, today=make.TODAY)
    [action] = made.actions
    made = replace(made, actions=(replace(action, effect=replace(action.effect, bytes=12_300_000_000)),))
    told = "deletes its data: work, models, data of chat (12.3 GB)"
    assert told in plan_text(made, style=Style())
    assert f"**{escape(told)}**" in plan_markdown(made, style=Style())
    assert plan_from_json(plan_json(made)) == made


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "size unknown"),
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (250_000_000, "250 MB"),
        (2 * 10**12, "2.0 TB"),
    ],
)
def test_sizes_are_those_of_disks(count: int | None, text: str) -> None:
    assert size(count) == text


def test_file_that_got_another_name_is_recognised() -> None:
    old, new, other = (make.desired(name) for name in ("old", "new", "other"))
    made = plan.plan(
        {"new": new}, {"old": make.record(old)}, {"old": make.seen(old), "new": make.nothing("new")}, today=make.TODAY
    )
    assert {a.deployment: (a.kind, a.hint) for a in made.actions} == {
        "old": (Kind.DESTROY, "looks like a rename: runner rename old new keeps data and secrets"),
        "new": (Kind.CREATE, "looks like a rename: runner rename old new keeps data and secrets"),
    }
    seen = {"old": make.seen(old), "new": make.nothing("new"), "other": make.nothing("other")}
    two = plan.plan({"new": new, "other": other}, {"old": make.record(old)}, seen, today=make.TODAY)
    assert not any("rename" in action.hint for action in two.actions)
