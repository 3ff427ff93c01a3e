"""What a plan says of who reaches a deployment from outside: in data, for terminals and for pull requests."""

from __future__ import annotations

from typing import Any

import pytest

from runner import plan, reach
from runner.domain import Desired, Exposure, Kind, Plan, Record
from runner.render.plan import plan_text
from runner.render.plan_data import plan_from_json, plan_json
from runner.render.plan_markdown import plan_markdown
from runner.render.style import Style
from tests import factories as make
from tests.factories import TODAY, seen

PUBLIC = {"expose": "public", "auth": "token", "domain": "", "tls": "internal", "ports": {"web": 443}}
WORDS = "public at port 443, token"


def want(access: dict[str, Any] = PUBLIC, **more: Any) -> Desired:
    return make.desired(spec=make.spec(access=access), **{"digest": "d1", **more})


CLOSED = want(reach.TUNNEL)


@pytest.mark.parametrize(
    ("wanted", "kept", "runs", "kind", "exposure"),
    [
        (want(), None, "", Kind.CREATE, Exposure("closed", WORDS, opens=True)),
        (want(), CLOSED, "running", Kind.UPDATE, Exposure("tunnel", WORDS, opens=True)),
        (CLOSED, want(), "running", Kind.UPDATE, Exposure(WORDS, "tunnel", opens=False)),
        (want(), want(), "running", Kind.NONE, None),
        (want(), want(), "stopped", Kind.START, Exposure("closed", WORDS, opens=True)),
        (want(state="stopped"), want(), "running", Kind.STOP, Exposure(WORDS, "closed", opens=False)),
        (want(state="absent"), want(), "running", Kind.DESTROY, Exposure(WORDS, "closed", opens=False)),
        (None, want(), "running", Kind.DESTROY, Exposure(WORDS, "closed", opens=False)),
        (CLOSED, None, "", Kind.CREATE, None),
    ],
)
def test_access_change_of_each_action(
    wanted: Desired | None, kept: Desired | None, runs: str, kind: Kind, exposure: Exposure | None
) -> None:
    record: Record | None = make.record(kept) if kept else None
    have = seen(digest="d1", state=runs) if runs else make.nothing()
    found = plan.action("web", wanted, record, have, TODAY)
    assert (found.kind, found.exposure) == (kind, exposure)


def planned() -> Plan:
    return plan.plan({"web": want()}, {"web": make.record(CLOSED)}, {"web": seen(digest="d1")}, today=TODAY)


def test_saved_plan_keeps_it() -> None:
    assert plan_from_json(plan_json(planned())) == planned()


def test_people_cannot_overlook_it() -> None:
    style = Style(width=100)
    assert f"access tunnel → {WORDS} (opens it)" in plan_text(planned(), style=style)
    comment = plan_markdown(planned(), style=style)
    assert "🌐 **1 deployment will be open to more callers.**" in comment
    assert f"| 🌐 opens | <code>web</code> | tunnel | {WORDS} |" in comment
