"""Turns what is wrong inside one file into sentences: what is wrong, and what to do. Values are never echoed,
because people paste secrets into the wrong field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from runner.listing import listed

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

LONGEST_WORD = 60
MOST_NAMES = 40
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


MOST_FAULTS = 200
"""Of one look at a file: nobody reads more, and a suggestion for each takes its time."""
TOO_MANY = Fault(
    "too-many-faults", ("…",), "the file has more faults than these", "mend these, then see: runner validate"
)


def dotted(path: Path_) -> str:
    """`ports.web`, `provider[1]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{short(part)}" if text else short(part)
    return text


def suggestion(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """`did you mean ollama?`, else the whole list if it is short, else the given text."""
    from difflib import get_close_matches

    names = sorted(set(known))
    close = get_close_matches(word.lower(), names, n=1, cutoff=0.6) if len(word) <= LONGEST_WORD else []
    said = f"did you mean {close[0]}?" if close else otherwise or _known(names)
    return f"it has {strange}; {said}" if (strange := odd_character(word)) and said else strange or said


def _known(names: Sequence[str]) -> str:
    """All that are known; the first of them where they are many."""
    return f"known: {listed(names, MOST_NAMES)}" if names else ""


def odd_character(word: str) -> str:
    """The first character that only looks like another one, or like nothing at all, by its name; empty when all are of
    ASCII.
    """
    if word.isascii():
        return ""
    import unicodedata

    at = next(index for index, character in enumerate(word) if not character.isascii())
    return f"{unicodedata.name(word[at], 'a character')} (U+{ord(word[at]):04X}) at place {at + 1}"


def short(word: str) -> str:
    """A word as messages repeat it: never more than a line."""
    return word if len(word) <= LONGEST_WORD else f"{word[: LONGEST_WORD - 1]}…"


def unknown(what: str, path: Path_, known: Iterable[str], *, code: str = "") -> Fault:
    """A name that nobody knows."""
    word = str(path[-1])
    return Fault(code or f"unknown-{what}", path, f"{short(word)} is not a known {what}", suggestion(word, known))


def of_model(error: ValidationError, model: type[BaseModel], data: Any, prefix: Path_ = ()) -> list[Fault]:
    """The faults behind a pydantic error: one for each place, and of a choice between shapes the one that was meant."""
    found: dict[Path_, Fault] = {}
    for item in islice(error.errors(include_url=False, include_input=False), MOST_FAULTS):
        path = _written(item["loc"], data)
        missing = item["loc"][-1:] if item["type"] == "missing" else ()
        fault = _fault(item, (*prefix, *path, *missing), model, path, data)
        found.setdefault(fault.path, fault)
    inner = {path[:length] for path in found for length in range(len(path))}
    listed = [fault for path, fault in found.items() if path not in inner]
    return listed + ([TOO_MANY] if error.error_count() > MOST_FAULTS else [])


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


def _standing(data: Any, path: Path_) -> Any:
    for part in path:
        data = data[part]
    return data


def _fault(item: Any, path: Path_, model: type[BaseModel], written: Path_, data: Any) -> Fault:
    kind, name = item["type"], dotted(path)
    if kind == "extra_forbidden":
        return unknown("field", path, _fields(model, written[:-1]))
    if kind == "missing":
        return Fault("missing-field", path, f"{name} is required", "add it")
    if kind == "literal_error":
        return Fault("invalid-value", path, f"{name} must be one of {item['ctx']['expected']}".replace("'", ""))
    if kind == "string_pattern_mismatch":
        words = [part for part in (*path, _standing(data, written)) if isinstance(part, str)]
        strange = next((odd for word in words if (odd := odd_character(word))), "")
        hint = f"it has {strange}" if strange else ""
        return Fault("invalid-value", path, f"{name} must match {item['ctx']['pattern']}", hint)
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
