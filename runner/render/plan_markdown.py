"""A plan as a pull request comment: price and destroys in the headline, details folded, never too long to be posted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.domain import CHANGING, DESTRUCTIVE, ORDER, Kind, Plan
from runner.render.markdown import code, escape, head, row
from runner.render.plan_data import action_json, summary
from runner.render.style import Style
from runner.render.units import age, hourly, money, monthly, plural, value

MARKER = "<!-- slipway:plan -->"
"""First line, so that a bot finds its comment and updates it in place."""
LIMIT = 60_000
"""Characters; GitHub refuses a comment of more than 65,536."""
_RESERVED = 1_500
"""Of the limit, for the headline, the note of what was cut and the end."""

_DOTS = {
    Kind.DESTROY: "🔴",
    Kind.REPLACE: "🟣",
    Kind.CREATE: "🟢",
    Kind.UPDATE: "🟡",
    Kind.START: "🟢",
    Kind.RESTART: "🟢",
    Kind.STOP: "🔵",
    Kind.BLOCKED: "⛔",
    Kind.HELD: "⏸️",
}


def plan_markdown(plan: Plan, *, style: Style) -> str:
    """The comment. Only `style.redactor` and `style.now` matter."""
    total = summary(plan.actions)
    shown = sorted((a for a in plan.actions if a.kind is not Kind.NONE), key=lambda action: ORDER.index(action.kind))
    actions = style.clean([action_json(action) for action in shown])
    changing = [action for action in actions if action["action"] in CHANGING]
    standing = [action for action in actions if action["action"] not in CHANGING]
    page = _Page(LIMIT - _RESERVED)
    page.add(_headline(total))
    page.table(("", "deployment", "provider", "why", "price"), [_row(action) for action in changing], "action")
    page.table(("", "deployment", "why not", "what to do"), [_obstacle(action) for action in standing], "obstacle")
    page.folded("Field changes", ("deployment", "field", "before", "after", ""), _fields(actions), "field change")
    page.folded("Prices", ("deployment", "before", "after", "source"), _prices(changing, style), "price")
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

    def table(self, titles: Sequence[str], rows: Sequence[str], noun: str) -> None:
        """As many rows as there is room for; nothing at all when there is none for the first."""
        fitting = self._fitting(rows, noun)
        if fitting:
            self._lines += [*head(titles), *fitting, ""]

    def folded(self, title: str, titles: Sequence[str], rows: Sequence[str], noun: str) -> None:
        """The same, closed until somebody opens it."""
        fitting = self._fitting(rows, noun)
        if fitting:
            opening = f"<details><summary>{title} ({len(rows):,})</summary>"
            self._lines += [opening, "", *head(titles), *fitting, "", "</details>", ""]

    def text(self) -> str:
        """The page, with the note of what was cut before its last line."""
        if self._missing:
            cut = ", ".join(plural(count, f"more {noun}") for noun, count in self._missing.items())
            self._lines[-1:-1] = [f"✂️ Cut to fit into a comment: {cut}. `runner plan -v` shows everything.", ""]
        return "\n".join(self._lines) + "\n"

    def _fitting(self, rows: Sequence[str], noun: str) -> list[str]:
        fitting = []
        for text in rows:
            if len(text) + 1 > self._left:
                break
            self._left -= len(text) + 1
            fitting.append(text)
        if len(fitting) < len(rows):
            self._missing[noun] = len(rows) - len(fitting)
            self._left = 0
        return fitting


def _headline(total: dict[str, Any]) -> list[str]:
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
    return lines


def _row(action: dict[str, Any]) -> str:
    forced = any(change["forces_replacement"] for change in action["changes"])
    why = escape(action["reason"]) + (" (**forces replacement**)" if forced else "")
    return row([_kind(action), code(action["deployment"]), escape(action["provider"]), why, _delta(action["price"])])


def _obstacle(action: dict[str, Any]) -> str:
    return row([_kind(action), code(action["deployment"]), escape(action["reason"]), escape(action["hint"])])


def _kind(action: dict[str, Any]) -> str:
    kind = Kind(action["action"])
    return f"{_DOTS[kind]} {kind.value}"


def _fields(actions: Sequence[dict[str, Any]]) -> list[str]:
    return [
        row(
            [
                code(action["deployment"]),
                code(change["field"]),
                code(value(change["before"])),
                code(value(change["after"])),
                "forces replacement" if change["forces_replacement"] else "",
            ]
        )
        for action in actions
        for change in action["changes"]
    ]


def _prices(actions: Sequence[dict[str, Any]], style: Style) -> list[str]:
    rows = []
    for action in actions:
        price = action["price"]
        before, after = (
            "–" if price[key] == 0 else escape(hourly(price[key], price["currency"]))
            for key in ("hourly_before", "hourly_after")
        )
        origin = ", ".join(part for part in (price["source"], age(price["as_of"], style.now)) if part)
        if before != after or origin:
            rows.append(row([code(action["deployment"]), before, after, escape(origin)]))
    return rows


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
