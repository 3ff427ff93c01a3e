"""Turns what is wrong inside one file into sentences: what is wrong, and what to do. Values are never echoed,
because people paste secrets into the wrong field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

Path_ = tuple[str | int, ...]
PORT_CONFLICT = "port-conflict"
UNKNOWN_TEMPLATE = "unknown-template"

_TYPES = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of fields",
    "model_type": "must be a mapping of fields",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "date_type": "must be a date such as 2026-12-24",
    "date_parsing": "must be a date such as 2026-12-24",
    "date_from_datetime_inexact": "must be a date such as 2026-12-24",
    "date_from_datetime_parsing": "must be a date such as 2026-12-24",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault inside one file, not yet tied to a line."""

    code: str
    path: Path_
    message: str
    hint: str = ""


def dotted(path: Path_) -> str:
    """`ports.web`, `provider[1]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def suggestion(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """`did you mean ollama?`, else the whole list if it is short, else the given text."""
    from difflib import get_close_matches

    names = sorted(set(known))
    close = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return otherwise or (f"known: {', '.join(names)}" if names else "")


def unknown(what: str, path: Path_, known: Iterable[str], *, code: str = "") -> Fault:
    """A name that nobody knows."""
    word = str(path[-1])
    return Fault(code or f"unknown-{what}", path, f"{word} is not a known {what}", suggestion(word, known))


def of_model(error: ValidationError, model: type[BaseModel], data: Any, prefix: Path_ = ()) -> list[Fault]:
    """The faults behind a pydantic error: one for each place, and of a choice between shapes the one that was meant."""
    found: dict[Path_, Fault] = {}
    for item in error.errors(include_url=False, include_input=False):
        path = _written(item["loc"], data)
        missing = item["loc"][-1:] if item["type"] == "missing" else ()
        fault = _fault(item, (*prefix, *path, *missing), model, path)
        found.setdefault(fault.path, fault)
    inner = {path[:length] for path in found for length in range(len(path))}
    return [fault for path, fault in found.items() if path not in inner]


def without(data: dict[str, Any], paths: Iterable[Path_]) -> dict[str, Any]:
    """A copy without what stands at these places; a list that has one of them goes as a whole."""
    kept: dict[Any, Any] = dict(data)
    for path in paths:
        here = kept
        for part in path[:-1]:
            if not isinstance(here.get(part), dict):
                here.pop(part, None)
                break
            here[part] = dict(here[part])
            here = here[part]
        else:
            here.pop(path[-1], None)
    return kept


def _written(loc: Sequence[str | int], data: Any) -> Path_:
    """The part of pydantic's location that is in the file: without the tags of unions and without what is missing."""
    path: list[str | int] = []
    here = data
    for part in loc:
        if (isinstance(here, dict) and part in here) or (isinstance(here, list) and isinstance(part, int)):
            path.append(part)
            here = here[part]  # type: ignore[index]
    return tuple(path)


def _fault(item: Any, path: Path_, model: type[BaseModel], written: Path_) -> Fault:
    kind, name = item["type"], dotted(path)
    if kind == "extra_forbidden":
        return unknown("field", path, _fields(model, written[:-1]))
    if kind == "missing":
        return Fault("missing-field", path, f"{name} is required", "add it")
    if kind == "literal_error":
        return Fault("invalid-value", path, f"{name} must be one of {item['ctx']['expected']}".replace("'", ""))
    if kind == "string_pattern_mismatch":
        return Fault("invalid-value", path, f"{name} must match {item['ctx']['pattern']}")
    if kind == "value_error":
        return Fault("invalid-value", path, f"{name} {item['ctx']['error']}".strip())
    said = _TYPES.get(kind) or item["msg"].replace("Input should", "must", 1)
    return Fault("invalid-value", path, f"{name} {said}".strip())


def _fields(model: type[BaseModel], path: Path_) -> list[str]:
    """The field names that are allowed at a place; those of the top when it cannot be told."""
    here: Any = model
    for part in path:
        field = getattr(here, "model_fields", {}).get(part)
        here = field.annotation if field is not None else here
        here = next((a for a in getattr(here, "__args__", ()) if hasattr(a, "model_fields")), here)
    return list(getattr(here, "model_fields", None) or model.model_fields)
