"""Words for time that people write: durations, crontab lines, time zones. Pure, but for the list of time zones.

Each raises ValueError with what the field must be; values are not echoed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Word = Callable[[str], str]
_DURATION = re.compile(r"(?:[0-9]{1,9}[smhd]){1,8}")
_PART = re.compile(r"([0-9]+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_S = 10 * 366 * 86400
"""Ten years: longer is a mistake, and dates come to an end too."""
_CRON = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}
_NAMES = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "weekday": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_LONGEST_FIELD = 100
_ITEM = re.compile(
    r"(?P<first>\*|[0-9]{1,2}|[a-z]{3})(?:-(?P<last>[0-9]{1,2}|[a-z]{3}))?(?:/[1-9][0-9]?)?", re.IGNORECASE
)
_ZONE = re.compile(r"(?!Factory$)[A-Z][A-Za-z0-9_+-]{0,40}(?:/[A-Za-z0-9_+-]{1,40}){0,3}")
"""Names as the list of time zones has them; `localtime` and `posixrules` are files beside it."""


def duration(value: str) -> str:
    """`30m`, `8h`, `1h30m`, up to ten years."""
    if not _DURATION.fullmatch(value):
        msg = "must be a duration such as 30m, 8h or 1h30m"
        raise ValueError(msg)
    if not 0 < seconds(value) <= LONGEST_S:
        msg = "must be a duration between a second and ten years, such as 30m or 8h"
        raise ValueError(msg)
    return value


def seconds(value: str) -> int:
    """Of a duration; 0 of an empty text."""
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(value))


def cron(value: str) -> str:
    """The five fields of a crontab line."""
    fields = value[: 6 * _LONGEST_FIELD].split()
    if len(fields) != len(_CRON):
        msg = f'must have the five fields of a crontab line ({", ".join(_CRON)}), e.g. "0 8 * * 1-5"'
        raise ValueError(msg)
    for name, field in zip(_CRON, fields, strict=True):
        if len(field) > _LONGEST_FIELD or not all(_fits(item, name) for item in field.split(",")):
            low, high = _CRON[name]
            msg = f'must have {name}s from {low} to {high} in its five fields ({", ".join(_CRON)}), e.g. "0 8 * * 1-5"'
            raise ValueError(msg)
    return value


def _fits(item: str, name: str) -> bool:
    """One of the items of a field: `*`, `5`, `1-5`, `mon-fri`, `*/10`."""
    found = _ITEM.fullmatch(item)
    if not found:
        return False
    if found["first"] == "*":
        return found["last"] is None
    to_sunday = name == "weekday" and (found["last"] or "").lower() == "sun"  # the last day as well as the first
    first, last = _number(found["first"], name), 7 if to_sunday else _number(found["last"], name)
    return first is not None and (found["last"] is None or (last is not None and first <= last))


def _number(word: str | None, name: str) -> int | None:
    """The number that a word stands for; None when it is none of that field."""
    if word is None:
        return None
    names = _NAMES.get(name, ())
    low, high = _CRON[name]
    number = int(word) if word.isdigit() else names.index(word.lower()) + low if word.lower() in names else -1
    return number if low <= number <= high else None


def zone(value: str) -> str:
    """A name of the list of time zones."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # a plan of nothing does without

    msg = "is not a known time zone; use a name such as Europe/Berlin"
    if not _ZONE.fullmatch(value):
        raise ValueError(msg)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # the last: a folder of the list, such as America
        raise ValueError(msg) from error
    return value
