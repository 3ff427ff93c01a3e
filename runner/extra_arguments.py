"""Options that a deployment adds to the command of its service, held against the template's table. Pure.

They are a list of words, never a line for a shell; what is not in the table is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.faults import suggestion

if TYPE_CHECKING:
    from runner.template import Argument

_VALUES = {"integer": r"-?\d{1,12}", "number": r"-?\d{1,12}(\.\d{1,12})?", "word": r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}"}
_WANTED = {"integer": "a whole number", "number": "a number", "word": "a word of letters, digits and . _ -"}


def problem(known: Mapping[str, Argument], words: Any) -> str:
    """Why these words of a list cannot be the arguments; empty when they can."""
    seen: set[str] = set()
    for word in words:
        name, equals, value = str(word).partition("=")
        reason = _problem(known, name, value if equals else None)
        if not reason and name in seen:
            reason = "is there twice"
        if reason:
            return f"{str(word)[:80]!r} {reason}"
        seen.add(name)
    return ""


def _problem(known: Mapping[str, Argument], name: str, value: str | None) -> str:
    argument = known.get(name)
    if argument is None:
        hint = suggestion(name, known, otherwise=f"the template knows {', '.join(known)}")
        return f"is not an option that can be added; {hint}"
    if argument.choices:
        fits = value in argument.choices
        return "" if fits else f"must be {name}= and one of {', '.join(argument.choices)}"
    if argument.type == "flag":
        return "" if value is None else f"takes no value: write {name}"
    fits = value is not None and bool(re.fullmatch(_VALUES[argument.type], value))
    return "" if fits else f"must be {name}= and {_WANTED[argument.type]}"
