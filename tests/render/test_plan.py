"""The plan on the terminal: what is dangerous first, what nothing happens to last, unknown is never 0."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.domain import CHANGING, ORDER, Action, Change, Kind, Plan
from runner.redact import Redactor
from runner.render.plan import next_step, plan_text
from runner.render.plan_data import summary
from runner.render.style import Style
from runner.render.text import SGR, width
from tests.render import samples

PLAIN = Style(width=80, now=samples.NOW)
LONG = "word " * 40

actions = st.builds(
    Action,
    deployment=st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True),
    provider=st.sampled_from(["local", "aws"]),
    kind=st.sampled_from(list(Kind)),
    reason=st.sampled_from(["new", LONG]),
    hint=st.sampled_from(["", LONG]),
    changes=st.lists(
        st.builds(Change, st.sampled_from(["a", "params.model"]), st.sampled_from([None, 1, LONG]), st.just("x")),
        max_size=20,
    ).map(tuple),
    hourly_before=st.none() | st.floats(0, 100),
    hourly_after=st.none() | st.floats(0, 100),
    price_source=st.sampled_from(["", "AWS price list", LONG]),
    price_as_of=st.sampled_from(["", "2026-11-01"]),
)


def text(*shown: Action, style: Style = PLAIN, verbose: bool = False) -> str:
    return plan_text(Plan(shown), style=style, verbose=verbose)


def test_the_headline_breaks_between_counts() -> None:
    lines = plan_text(samples.PLAN, style=replace(PLAIN, width=60)).splitlines()
    assert lines[1] == "       1 held, 997 up to date"


def test_the_whole_plan_at_80_columns() -> None:
    assert plan_text(samples.PLAN, style=PLAIN).splitlines() == [
        "Plan   1 destroy, 1 replace, 2 create, 1 stop, 1 blocked, 1 held, 997 up to date",
        "Price  -$0.5698/h (-$415.95/month), 1 unknown price",
        "",
        "- destroy  old       verda      deployments/old.yaml was deleted",
        "    price -$0.526/h, -$383.98/month",
        "",
        "± replace  chat      aws        machine.gpu cannot change in place",
        "      machine.gpu   L4 → L40S  forces replacement",
        "      params.model  llama3.2:3b → qwen2.5:7b",
        "    price +$1.0562/h, +$771.03/month  ($0.8048/h → $1.861/h)",
        "          AWS price list, 3 days old",
        "",
        "+ create   notebook  local      new",
        "    price free",
        "",
        "+ create   images    ovh        new",
        "    price unknown",
        "",
        "■ stop     demo      modal      state: stopped",
        "    price -$1.10/h, -$803.00/month",
        "",
        "! blocked  desktop   portainer  cannot be observed: connection refused",
        "    → start its agent",
        "",
        "⏸ held     booth     aws        on hold until 2026-12-24: demo week",
        "",
        "1 destroy and 1 replace need your consent: runner reconcile --allow-destroy 2",
    ]


def test_a_plan_without_work_is_short() -> None:
    quiet = [action for action in samples.ACTIONS if action.kind is Kind.NONE]
    assert text(*quiet) == "Plan   997 up to date\n\nNothing to do."
    assert text() == "Plan   no deployments\n\nNothing to do."


def test_verbose_names_what_is_up_to_date() -> None:
    assert "up to date: quiet-0, quiet-1" in plan_text(samples.PLAN, style=PLAIN, verbose=True)


@pytest.mark.parametrize(
    ("counts", "says", "command"),
    [
        ({}, "Nothing to do.", ""),
        ({Kind.CREATE: 2}, "To apply:", "runner reconcile"),
        ({Kind.DESTROY: 1, Kind.CREATE: 5}, "1 destroy needs your consent:", "runner reconcile --allow-destroy 1"),
        ({Kind.REPLACE: 3}, "3 replace need your consent:", "runner reconcile --allow-destroy 3"),
        ({Kind.BLOCKED: 1, Kind.HELD: 1}, "Nothing can be done until what blocks is solved.", ""),
        ({Kind.HELD: 1, Kind.NONE: 4}, "Nothing to do before the hold ends.", ""),
        ({Kind.BLOCKED: 1, Kind.UPDATE: 1}, "To apply:", "runner reconcile"),
    ],
)
def test_the_last_line_says_what_to_type(counts: dict[Kind, int], says: str, command: str) -> None:
    planned = [Action(f"d{n}", "local", kind, "") for kind, count in counts.items() for n in range(count)]
    assert next_step(summary(planned)) == (says, command)


def test_the_command_is_that_of_the_caller() -> None:
    plan = Plan((Action("chat", "local", Kind.CREATE, "new"),))
    assert plan_text(plan, style=PLAIN, command="runner reconcile chat").endswith("To apply: runner reconcile chat")


def test_who_is_about_to_ask_needs_no_command() -> None:
    plan = Plan((Action("chat", "local", Kind.CREATE, "new"),))
    assert plan_text(plan, style=PLAIN, command="").endswith("price free")


@given(st.lists(actions, max_size=12), st.integers(40, 200), st.booleans())
@settings(deadline=None, max_examples=40)
def test_every_line_fits_and_the_order_holds(planned: list[Action], cells: int, verbose: bool) -> None:
    shown = text(*planned, style=Style(width=cells, now=samples.NOW), verbose=verbose)
    for line in shown.splitlines():
        assert width(line) <= cells or len(line.split()) <= 4 or "price" in line, line
    body = shown.rsplit("\n\n", 1)[0].splitlines()
    kinds = [line.split()[1] for line in body if line[:1] not in {" ", "", "P", "u"}]
    ranks = [ORDER.index(Kind(word)) for word in kinds]
    assert ranks == sorted(ranks)


@given(st.lists(actions, max_size=12))
@settings(deadline=None)
def test_colour_changes_nothing_but_colour(planned: list[Action]) -> None:
    assert SGR.sub("", text(*planned, style=replace(PLAIN, color=True))) == text(*planned)


@given(st.lists(actions, min_size=1, max_size=12))
@settings(deadline=None)
def test_an_unknown_price_is_never_counted_as_zero(planned: list[Action]) -> None:
    total = summary(planned)
    unknown = [a for a in planned if a.kind in CHANGING and None in (a.hourly_before, a.hourly_after)]
    assert total["unknown_prices"] == len(unknown)
    assert (total["hourly_delta"] is None) == bool(unknown)
    assert ("unknown price" in text(*planned)) == bool(unknown)


def test_prices_of_two_currencies_are_not_added() -> None:
    paid = Action("a", "aws", Kind.CREATE, "new", hourly_after=1.0)
    total = summary([paid, replace(paid, currency="EUR", hourly_after=2.0)])
    assert total["hourly_delta"] is None
    assert total["known_hourly_deltas"] == {"USD": 1.0, "EUR": 2.0}


def test_a_long_value_is_cut_unless_verbose() -> None:
    action = Action("a", "local", Kind.UPDATE, "changed", changes=(Change("env.PROMPT", "x", LONG * 3 + "end"),))
    assert "end" not in text(action)
    assert "end" in text(action, verbose=True)


def test_many_fields_are_folded_but_not_those_that_force_a_replacement() -> None:
    fields = [Change(f"env.V{number}", 1, 2) for number in range(40)]
    forcing = Change("machine.gpu", "L4", "H100", forces_replacement=True)
    action = Action("a", "local", Kind.REPLACE, "changed", changes=(*fields, forcing))
    assert "machine.gpu  L4 → H100  forces replacement" in text(action)
    assert "… 29 more fields (-v shows all)" in text(action)
    assert "more fields" not in text(action, verbose=True)


def test_no_secret_survives_cutting() -> None:
    redactor = Redactor()
    redactor.add("correct-horse-battery-staple")
    action = Action(
        "a", "x", Kind.UPDATE, "c", changes=(Change("env.A", None, "b" * 70 + "correct-horse-battery-staple"),)
    )
    assert "corr" not in text(action, style=replace(PLAIN, width=40, redactor=redactor))


def test_a_plan_is_rendered_without_importing_rich_or_pydantic() -> None:
    code = (
        "import sys; from runner.redact import Redactor; from runner.render.output import Output\n"
        "from runner.render.plan import plan_text; from runner.domain import Plan\n"
        "out = Output(False, None, 0, Redactor()); out.result({}, lambda: plan_text(Plan(()), style=out.style))\n"
        "assert not {'rich', 'pydantic', 'jinja2', 'yaml', 'shutil', 'textwrap'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
