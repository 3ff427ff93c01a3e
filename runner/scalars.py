"""What a text means when it stands in YAML without quotes: the core schema of YAML 1.2, narrower on purpose. Pure."""

from __future__ import annotations

import math
import re
from typing import Any

_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NUMERIC_START = frozenset("0123456789+-.")


class WrittenInt(int):
    """A whole number whose digits are not the usual ones: `str` gives them back."""

    written: str

    def __str__(self) -> str:
        return self.written


class WrittenFloat(float):
    """A number whose digits are not the usual ones: `str` gives them back."""

    written: str

    def __str__(self) -> str:
        return self.written


def plain(value: str) -> Any:
    """What a text means when it stands without quotes."""
    if value in _CONSTANTS:
        return _CONSTANTS[value]
    if value and value[0] in _NUMERIC_START:
        if _INTEGER.match(value):
            beyond = len(value) > 20 or not -(1 << 63) <= int(value) < 1 << 63  # noqa: PLR2004 - digits of 64 bits
            return value if beyond else _as_written(int(value), value)
        if _FLOAT.match(value):
            number = float(value)
            return _as_written(number, value) if math.isfinite(number) else value
    return value


def _as_written(number: float, text: str) -> float:
    if str(number) == text:
        return number
    kept = WrittenInt(number) if isinstance(number, int) else WrittenFloat(number)
    kept.written = text
    return kept
