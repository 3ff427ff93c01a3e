"""A plan as a pull request comment: price and destroys in the headline, details folded, never too long to be posted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from runner.domain import CHANGING, DESTRUCTIVE, ORDER, Kind, Plan
from runner.render import resolved
from runner.render.markdown import code, escape, head, row
from runner.render.parts import effects, price_origin
from runner.render.plan_data import action_json, summary, to_show
from runner.render.style import Style
from runner.render.units import hourly, money, monthly, plural, value

MARKER = "<!-- slipway:plan -->"
"""First line, so that a bot finds its comment and updates it in place."""
LIMIT = 60_000
"""Characters; GitHub refuses a comment of more than 65,536."""
DESCRIBED = ("runs", "on", "at", "data", "secrets")
"""Columns of what an action is about: see `resolved.facts`."""
WARNINGS = 20
_RESERVED = 1_500
"""Of the limit, for the headline, the note of what was cut and the end."""

T = TypeVar("T")
_DOTS = {
    Kind.DESTROY: "🔴",
    Kind.REPLACE: "🟣",
    Kind.CREATE: "🟢",
    Kind.UPDATE: "🟡",
    Kind.ADOPT: "🟠",
    Kind.START: "🟢",
    Kind.RESTART: "🟢",
    Kind.STOP: "🔵",
    Kind.BLOCKED: "⛔",
    Kind.HELD: "⏸️",
}


def plan_markdown(plan: Plan, *, style: Style) -> str:
    """The comment. Only `style.redactor` and `style.now` matter."""
    total = summary(plan.actions)
    shown = to_show(plan)
    actions = style.clean([action_json(action) for action in shown])
    changing = [action for action in actions if action["action"] in CHANGING]
    standing = [action for action in actions if action["action"] not in {*CHANGING, Kind.NONE}]
    lowered = [(action, guard) for action in actions for guard in action["guards"]]
    page = _Page(LIMIT - _RESERVED)
    page.add(_headline(total, sum(a["exposure"]["opens"] for a in _exposed(actions))))
    page.table(("", "deployment", "who reaches it", "from now on"), _exposed(actions), _access, "access change")
    page.table(("", "deployment", "guard", "before", "from now on"), lowered, _guard, "lowered guard")
    described = [action for action in changing if action["resolved"]]
    fields = [(action, change) for action in actions for change in action["changes"]]
    page.table(("", "deployment", "provider", "why", "price"), changing, _row, "action")
    page.table(("", "deployment", "why not", "what to do"), standing, _obstacle, "obstacle")
    page.add([f"⚠️ {escape(warning)}  " for warning in style.clean(list(plan.warnings))[:WARNINGS]])
    page.folded("What, where, how", ("deployment", *DESCRIBED), described, _described, "description")
    page.folded("Field changes", ("deployment", "field", "before", "after", ""), fields, _field, "field change")
    page.folded("Prices", ("deployment", "before", "after", "source"), changing, partial(_price, style=style), "price")
    page.add(_end(plan, total))
    return page.text()


class _Page:
    """Lines up to a limit; what does not fit is counted. The end (one call of `add` last) always has room."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._lines = [MARKER]
        self._missing: dict[str, int] = {}

    def add(self, lines: Sequence[str]) -> None:
        self._lines += lines

    def table(self, titles: Sequence[str], items: Sequence[T], draw: Callable[[T], str], noun: str) -> None:
        """As many rows as there is room for; nothing at all when there is none for the first."""
        rows = self._fitting(items, draw, noun)
        if rows:
            self._lines += [*head(titles), *rows, ""]

    def folded(
        self, title: str, titles: Sequence[str], items: Sequence[T], draw: Callable[[T], str], noun: str
    ) -> None:
        """The same, closed until somebody opens it."""
        rows = self._fitting(items, draw, noun)
        if rows:
            opening = f"<details><summary>{title} ({len(items):,})</summary>"
            self._lines += [opening, "", *head(titles), *rows, "", "</details>", ""]

    def text(self) -> str:
        """The page, with the note of what was cut before its last line."""
        if self._missing:
            cut = ", ".join(plural(count, f"more {noun}") for noun, count in self._missing.items())
            self._lines[-1:-1] = [f"✂️ Cut to fit into a comment: {cut}. `runner plan -v` shows everything.", ""]
        return "\n".join(self._lines) + "\n"

    def _fitting(self, items: Sequence[T], draw: Callable[[T], str], noun: str) -> list[str]:
        rows: list[str] = []
        for item in items:
            text = draw(item)
            if len(text) + 1 > self._left:
                self._missing[noun] = len(items) - len(rows)
                self._left = 0
                break
            self._left -= len(text) + 1
            rows.append(text)
        return rows


def _exposed(actions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [action for action in actions if action["exposure"]]


def _access(action: dict[str, Any]) -> str:
    exposure = action["exposure"]
    sign = "🌐 opens" if exposure["opens"] else "🔒"
    return row([sign, code(action["deployment"]), escape(exposure["before"]), escape(exposure["after"])])


def _guard(lowered: tuple[dict[str, Any], dict[str, str]]) -> str:
    action, guard = lowered
    cells = [code(guard["field"]), escape(guard["before"]), escape(guard["after"])]
    return row(["🛡️ lowers", code(action["deployment"]), *cells])


def _headline(total: dict[str, Any], opened: int) -> list[str]:
    counts = [f"{total[kind]:,} {kind.value}" for kind in ORDER if total[kind] and kind is not Kind.NONE]
    lines = [f"### Slipway plan: {', '.join(counts) or 'nothing to do'}", ""]
    price = [
        f"**{escape(money(delta, currency, signed=True))}/h** ({escape(monthly(delta, currency, signed=True))})"
        for currency, delta in total["known_hourly_deltas"].items()
        if delta
    ]
    if total["unknown_prices"]:
        price.append(f"**{plural(total['unknown_prices'], 'price')} unknown**")
    if price:
        lines += [f"Price: {', '.join(price)}", ""]
    destructive = sum(total[kind] for kind in DESTRUCTIVE)
    if destructive:
        lines += [f"⚠️ **{plural(destructive, 'deployment')} will be destroyed or replaced.**", ""]
    if opened:
        lines += [f"🌐 **{plural(opened, 'deployment')} will be open to more callers.**", ""]
    return lines


def _row(action: dict[str, Any]) -> str:
    forced = any(change["forces_replacement"] for change in action["changes"])
    why = escape(action["reason"]) + (" (**forces replacement**)" if forced else "")
    why += "".join(f"; **{escape(told)}**" for told in effects(action["effect"]))
    return row([_kind(action), code(action["deployment"]), escape(action["provider"]), why, _delta(action["price"])])


def _described(action: dict[str, Any]) -> str:
    told = dict(resolved.facts(action["resolved"], Kind(action["action"])))
    return row([code(action["deployment"]), *(escape(told.get(label, "")) for label in DESCRIBED)])


def _obstacle(action: dict[str, Any]) -> str:
    return row([_kind(action), code(action["deployment"]), escape(action["reason"]), escape(action["hint"])])


def _kind(action: dict[str, Any]) -> str:
    kind = Kind(action["action"])
    return f"{_DOTS[kind]} {kind.value}"


def _field(pair: tuple[dict[str, Any], dict[str, Any]]) -> str:
    action, change = pair
    forces = "forces replacement" if change["forces_replacement"] else ""
    values = (action["deployment"], change["field"], value(change["before"]), value(change["after"]))
    return row([*map(code, values), forces])


def _price(action: dict[str, Any], style: Style) -> str:
    price = action["price"]
    before, after = (
        "–" if price[key] == 0 else escape(hourly(price[key], price["currency"]))
        for key in ("hourly_before", "hourly_after")
    )
    return row([code(action["deployment"]), before, after, escape(price_origin(price, style))])


def _delta(price: dict[str, Any]) -> str:
    before, after = price["hourly_before"], price["hourly_after"]
    if before is None or after is None:
        return "unknown"
    if before == after:
        return escape(hourly(after, price["currency"])) if after else "free"
    delta, currency = after - before, price["currency"]
    return escape(f"{money(delta, currency, signed=True)}/h, {monthly(delta, currency, signed=True)}")


def _end(plan: Plan, total: dict[str, Any]) -> list[str]:
    facts = [f"{total[Kind.NONE]:,} up to date"] if total[Kind.NONE] else []
    if plan.commit:
        facts.append(f"commit {code(plan.commit[:12])}")
    return [f"<sub>{' · '.join([*facts, 'by `runner plan`'])}</sub>"]
