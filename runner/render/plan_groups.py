"""Many new deployments that say the same, told as one: a plan of a thousand stays readable. Takes clean data."""

from __future__ import annotations

from typing import Any

from runner.domain import Kind
from runner.listing import listed

MANY = 6
"""From this number on they are told as one."""
NAMED = 60
"""Names of such a group that are shown."""


def grouped(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The actions in their order; groups are one action that has their `names`."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for action in actions:
        groups.setdefault(_alike(action), []).append(action["deployment"])
    found, told = [], set[tuple[str, ...]]()
    for action in actions:
        key = _alike(action)
        if not key[0] or len(groups[key]) < MANY:
            found.append(action)
        elif key not in told:
            told.add(key)
            found.append({**action, "names": groups[key]})
    return found


def title(group: dict[str, Any]) -> str:
    """How many, of what, where, and why."""
    template, place, _, reason = _alike(group)
    return f"{len(group['names']):,} × {template} on {place}: {reason}"


def names(group: dict[str, Any]) -> str:
    """Which, as far as they are not too many."""
    found: list[str] = group["names"]
    return listed(found, NAMED)


def _alike(action: dict[str, Any]) -> tuple[str, ...]:
    """What a group has in common. The first is empty for what stands alone: it destroys, opens, or has more to say."""
    resolved = action["resolved"]
    if action["action"] != Kind.CREATE or action["exposure"] or action["guards"] or action["hint"] or not resolved:
        return "", action["deployment"]
    place = resolved["place"] if resolved["place"] and not resolved["chosen"] else f"machines of {action['provider']}"
    return resolved["template"], place, action["provider"], action["reason"]
