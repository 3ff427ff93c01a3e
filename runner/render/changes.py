"""Fields before and after, for plan, drift and history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.render.style import Style
from runner.render.text import GAP, cut, pad, width, wrap
from runner.render.units import plural, value

FIELDS_SHOWN = 12
"""Of one deployment, without -v."""
_INDENT = " " * 6


def changes_lines(changes: Sequence[dict[str, Any]], *, style: Style, verbose: bool = False) -> list[str]:
    """One line for each {field, before, after, forces_replacement}; the data must be clean already.

    Without `verbose` long values are cut, and of many fields those that force a replacement are shown first.
    """
    shown = changes if verbose else sorted(changes, key=lambda c: not c.get("forces_replacement"))[:FIELDS_SHOWN]
    names = max((width(change["field"]) for change in shown), default=0)
    limit = 0 if verbose else 2 * style.width
    lines = [line for change in shown for line in _change(change, names, style, limit)]
    if len(shown) < len(changes):
        lines.append(style.dim(f"{_INDENT}… {plural(len(changes) - len(shown), 'more field')} (-v shows all)"))
    return lines


def _change(change: dict[str, Any], names: int, style: Style, limit: int) -> list[str]:
    """On one line where it fits, else before and after under each other; `limit` cuts values, 0 does not."""
    before, after = (cut(text, limit or width(text)) for text in (value(change["before"]), value(change["after"])))
    field = f"{_INDENT}{pad(change['field'], names)}"
    forces = " " * GAP + style.paint("forces replacement", "red") if change.get("forces_replacement") else ""
    looks = ("dim" if change["before"] is None else "red", "dim" if change["after"] is None else "green")
    line = f"{field}  {style.paint(before, looks[0])} → {style.paint(after, looks[1])}{forces}"
    if width(line) <= style.width:
        return [line]
    lines = [field.rstrip() + forces]
    for sign, text, look in (("-", before, looks[0]), ("+", after, looks[1])):
        indent = f"{_INDENT}  {sign} "
        lines += [style.paint(part, look) for part in wrap(text, style.width, indent=indent, hanging=" " * len(indent))]
    return lines
