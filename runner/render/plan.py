"""A plan for people at a terminal: summary first, destroys first, the next command last.

As JSON it is in `plan_data`, as the comment of a pull request in `plan_markdown`.
"""

from __future__ import annotations

from typing import Any

from runner.domain import CHANGING, DESTRUCTIVE, ORDER, SYMBOLS, Kind, Plan
from runner.render import plan_groups, resolved
from runner.render.changes import changes_lines
from runner.render.parts import effects, price_origin
from runner.render.plan_data import action_json, summary, to_show
from runner.render.style import Style
from runner.render.text import GAP, fill, pad, width, wrap
from runner.render.units import hourly, money, monthly, plural

LOOKS = {
    Kind.DESTROY: "red",
    Kind.REPLACE: "magenta",
    Kind.CREATE: "green",
    Kind.UPDATE: "yellow",
    Kind.ADOPT: "magenta",
    Kind.START: "green",
    Kind.RESTART: "green",
    Kind.STOP: "blue",
    Kind.BLOCKED: "red",
    Kind.HELD: "cyan",
    Kind.NONE: "dim",
}
DETAILED = 12
"""Actions; of more, the details are folded."""
_KIND_WIDTH = max(len(kind.value) for kind in LOOKS)
_INDENT = " " * 4


def plan_text(plan: Plan, *, style: Style, verbose: bool = False, command: str = "runner reconcile") -> str:
    """The plan as text. `command` is what applies exactly this plan; empty when the caller is about to ask."""
    shown = to_show(plan)
    total = summary(plan.actions)
    actions = style.clean([action_json(action) for action in shown])
    columns = [max((width(action[key]) for action in actions), default=0) for key in ("deployment", "provider")]
    lines, previous = _headline(total, style), 2
    folded = not verbose and len(actions) > DETAILED
    for action in plan_groups.grouped(actions) if folded else actions:
        block = _action(action, columns, style, folded=folded, verbose=verbose)
        lines += ["", *block] if max(previous, len(block)) > 1 else block
        previous = len(block)
    if verbose:
        lines += _up_to_date(plan, style)
    if folded:
        lines += ["", style.dim("-v shows what each of them runs, where, at which port, and its price.")]
    if command or not plan.changing:
        lines += ["", *wrap_command(*next_step(total, command), style=style)]
    return "\n".join(lines)


def next_step(total: dict[str, Any], command: str = "runner reconcile") -> tuple[str, str]:
    """(what is the case, what to type) of a plan's summary; nothing to type when there is nothing to do."""
    destructive = sum(total[kind] for kind in DESTRUCTIVE)
    if destructive:
        parts = [f"{total[kind]} {kind}" for kind in ORDER if kind in DESTRUCTIVE and total[kind]]
        verb = "needs" if destructive == 1 else "need"
        return f"{' and '.join(parts)} {verb} your consent:", f"{command} --allow-destroy {destructive}"
    if any(total[kind] for kind in CHANGING):
        return "To apply:", command
    if total[Kind.BLOCKED]:
        return "Nothing can be done until what blocks is solved.", ""
    if total[Kind.HELD]:
        return "Nothing to do before the hold ends.", ""
    return "Nothing to do.", ""


def wrap_command(text: str, command: str, *, style: Style) -> list[str]:
    """A sentence and the command that follows from it; the command is never broken."""
    if not command:
        return [style.bold(line) for line in wrap(text, style.width)]
    if len(text) + len(command) < style.width:
        return [f"{text} {style.command(command)}"]
    return [*wrap(text, style.width), f"  {style.command(command)}"]


def price_delta(total: dict[str, Any]) -> str:
    """`+$0.67/h (+$489.10/month)`; says when a part of it is unknown. Empty when the bill stays the same."""
    deltas, unknown = total["known_hourly_deltas"], total["unknown_prices"]
    parts = [f"{money(d, c, signed=True)}/h ({monthly(d, c, signed=True)})" for c, d in deltas.items() if d]
    return ", ".join([*parts, plural(unknown, "unknown price")] if unknown else parts)


def _headline(total: dict[str, Any], style: Style) -> list[str]:
    counts = [
        style.paint(f"{total[kind]:,} {'up to date' if kind is Kind.NONE else kind.value}", LOOKS[kind])
        for kind in ORDER
        if total[kind]
    ]
    words = [f"{count}," for count in counts[:-1]] + (counts[-1:] or ["no deployments"])
    lines = fill(words, style.width, indent=style.bold("Plan") + "   ", hanging=" " * 7)
    price = price_delta(total)
    return [*lines, f"{style.bold('Price')}  {price}"] if price else lines


def _many(group: dict[str, Any], verb: str, style: Style) -> list[str]:
    told = wrap(plan_groups.title(group), style.width, indent=f"{verb}  ", hanging=_INDENT)
    return [*told, *wrap(plan_groups.names(group), style.width, indent=_INDENT, hanging=_INDENT)]


def _action(action: dict[str, Any], columns: list[int], style: Style, *, folded: bool, verbose: bool) -> list[str]:
    kind = Kind(action["action"])
    verb = style.paint(f"{SYMBOLS[kind]} {kind.value:{_KIND_WIDTH}}", "bold", LOOKS[kind])
    if "names" in action:
        return _many(action, verb, style)
    top = f"{verb}  {style.bold(pad(action['deployment'], columns[0]))}  {style.dim(action['provider'])}"
    beside = f"{pad(top, _KIND_WIDTH + 2 + sum(columns) + 2 * GAP)}  {' '.join(action['reason'].split())}"
    reason = wrap(action["reason"], style.width, indent=_INDENT)
    lines = [beside] if reason and width(beside) <= style.width else [top, *reason]
    lines += _exposure(action["exposure"], style)
    lines += _guards(action["guards"], style)
    lines += _effect(action["effect"], style)
    described = [] if folded else _described(action, kind, style, verbose=verbose)
    lines += described
    lines += changes_lines(action["changes"], style=style, verbose=verbose)
    priced = kind is Kind.CREATE and not folded
    if priced or (kind in CHANGING and (verbose or _price_moves(action["price"]))):
        lines += _price(action["price"], style, resolved.LABELS if described else 0)
    hint = wrap(action["hint"], style.width, indent=_INDENT + "→ ", hanging=_INDENT + "  ")
    return lines + [style.paint(line, "cyan") for line in hint]


def _described(action: dict[str, Any], kind: Kind, style: Style, *, verbose: bool) -> list[str]:
    """What blocks needs no more lines than its cause and its cure."""
    if not action["resolved"] or (kind not in CHANGING and not verbose):
        return []
    return resolved.lines(action["resolved"], kind, style=style, indent=_INDENT)


def _exposure(exposure: dict[str, Any] | None, style: Style) -> list[str]:
    """Who reaches it before and after; what opens must not be overlooked."""
    if exposure is None:
        return []
    told = f"access {exposure['before']} → {exposure['after']}" + (" (opens it)" if exposure["opens"] else "")
    looks = ("bold", "red") if exposure["opens"] else ("green",)
    return [style.paint(line, *looks) for line in wrap(told, style.width, indent=_INDENT, hanging=_INDENT * 2)]


def _effect(effect: dict[str, Any], style: Style) -> list[str]:
    told = "; ".join(effects(effect))
    looks = ("bold", "red") if effect["deletes"] or effect["leaves"] else ("yellow",)
    return [style.paint(line, *looks) for line in wrap(told, style.width, indent=_INDENT, hanging=_INDENT * 2)]


def _guards(guards: list[dict[str, str]], style: Style) -> list[str]:
    """What protects less from now on: each has a line, whatever else changes."""
    told = [f"lowers a guard: {guard['field']} {guard['before']} → {guard['after']}" for guard in guards]
    wrapped = [wrap(line, style.width, indent=_INDENT, hanging=_INDENT * 2) for line in told]
    return [style.paint(line, "bold", "red") for lines in wrapped for line in lines]


def _price_moves(price: dict[str, Any]) -> bool:
    return price["hourly_before"] is None or price["hourly_before"] != price["hourly_after"]


def _price(price: dict[str, Any], style: Style, labels: int = 0) -> list[str]:
    before, after, currency = price["hourly_before"], price["hourly_after"], price["currency"]
    if after is None:
        told = f"{hourly(before, currency)} → unknown" if before else "unknown"
    elif before is None:
        told = f"unknown → {hourly(after, currency) if after else 'nothing'}"
    elif before == after:
        told = hourly(after, currency)
    else:
        told = f"{money(after - before, currency, signed=True)}/h, {monthly(after - before, currency, signed=True)}"
        told += f"  ({hourly(before, currency)} → {hourly(after, currency)})" if before and after else ""
    origin = price_origin(price, style)
    line = f"{_INDENT}{style.dim('price'.ljust(labels))} {told}"
    if origin and width(line) + GAP + width(origin) <= style.width:
        return [f"{line}{' ' * GAP}{style.dim(origin)}"]
    return [line, *(style.dim(text) for text in wrap(origin, style.width, indent=_INDENT + " " * 6))]


def _up_to_date(plan: Plan, style: Style) -> list[str]:
    names = [action.deployment for action in plan.actions if action.kind is Kind.NONE]
    text = style.clean(f"up to date: {', '.join(names)}")
    return ["", *(style.dim(line) for line in wrap(text, style.width, hanging=_INDENT))] if names else []
