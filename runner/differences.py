"""The fields in which a deployment differs from what was applied, as a plan shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner.domain import (
    Change,
    Desired,
    Record,
    Resource,
    Spec,
)

DECLARED = (
    "template",
    "provider",
    "machine",
    "params",
    "env",
    "secrets",
    "ports",
    "access",
    "lifecycle",
    "owner",
    "labels",
    "own",
)
DERIVED = ("role", "needs", "service")
WRITTEN = {"own": "service"}
"""Part of a spec → the field of the file that it comes from, where that is called otherwise."""


def changes(want: Desired, record: Record | None, resource: Resource | None) -> tuple[Change, ...]:
    """Fields that differ from what was applied. Derived fields only when no declared one explains them."""
    before = record.spec if record is not None else {}
    if not before or before == want.spec:
        return ()
    declared = _differences(before, want.spec, DECLARED)
    facts = resource.facts if resource is not None else {}
    found = declared or _differences(before, want.spec, DERIVED)
    fixed = () if facts.get("made_for") == want.digest else want.fixed  # a replacement that nobody has noted yet
    return tuple(
        Change(field, old, new, forces_replacement=_forces(field, new, fixed, facts)) for field, old, new in found
    )


def _forces(field: str, after: Any, fixed: tuple[str, ...], facts: Mapping[str, Any]) -> bool:
    """A fixed field that now spells out what is already there, or leaves the choice open, forces nothing."""
    there: Any = facts
    for part in field.split(".")[1:]:
        there = there.get(part) if isinstance(there, Mapping) else None
    return field in fixed and after not in (there, "auto") and not (isinstance(after, list) and there in after)


def _differences(before: Spec, after: Spec, keys: Iterable[str]) -> list[tuple[str, Any, Any]]:
    old = _flat({WRITTEN.get(key, key): before[key] for key in keys if key in before})
    new = _flat({WRITTEN.get(key, key): after[key] for key in keys if key in after})
    fields = sorted({*old, *new})
    return [(field, old.get(field), new.get(field)) for field in fields if old.get(field) != new.get(field)]


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as dotted fields; secrets inside texts are shown by name."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        field = f"{prefix}{key}"
        if isinstance(value, dict) and isinstance(value.get("secret_parts"), list):
            found[field] = "".join(
                p if isinstance(p, str) else f"<secret {p['secret']}>" for p in value["secret_parts"]
            )
        elif isinstance(value, dict):
            found.update(_flat(value, f"{field}."))
        else:
            found[field] = value
    return found
