"""Numbers, times and values as people read them. Pure; the present moment is an argument."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

HOURS_PER_MONTH = 730
UNKNOWN = "unknown"

_CURRENCIES = {"USD": "$", "EUR": "€", "GBP": "£"}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_VALUE_LIMIT = 4000
_LONGEST_LITERAL = 40


def plural(count: int, noun: str, many: str = "") -> str:
    """`1 change`, `2 changes`, `1,000 changes`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def money(amount: float, currency: str, *, signed: bool = False, decimals: int = 2) -> str:
    """`$0.526`, `+€12.00`: up to four decimals where they matter, never fewer than `decimals`."""
    sign = "-" if amount < 0 else "+" if signed and amount > 0 else ""
    text = f"{abs(amount):,.4f}" if abs(amount) < 100 else f"{abs(amount):,.2f}"  # noqa: PLR2004
    whole, _, fraction = text.partition(".")
    number = f"{whole}.{fraction.rstrip('0').ljust(decimals, '0')}"
    symbol = _CURRENCIES.get(currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency}".rstrip()


def hourly(amount: float | None, currency: str) -> str:
    """`$0.53/h`, `free`, or `unknown`: an unknown price is never shown as 0."""
    if amount is None:
        return UNKNOWN
    return f"{money(amount, currency)}/h" if amount else "free"


def monthly(amount: float, currency: str, *, signed: bool = False) -> str:
    """`$384.00/month`, from a price per hour."""
    return f"{money(round(amount * HOURS_PER_MONTH, 2), currency, signed=signed)}/month"


def price(value: dict[str, Any] | None) -> str:
    """`$0.53/h` of {hourly, currency, …}; None is `unknown`."""
    return hourly(value.get("hourly"), value.get("currency", "")) if value else UNKNOWN


def duration(seconds: float | None) -> str:
    """`2.1s`, `41s`, `1m 42s`, `2h 05m`, `3d 4h`."""
    if seconds is None:
        return ""
    if seconds < 9.95:  # noqa: PLR2004 - what would round to 10.0
        return f"{max(seconds, 0):.1f}s"
    total = round(seconds)
    if total < _MINUTE:
        return f"{total}s"
    if total < _HOUR:
        return f"{total // _MINUTE}m {total % _MINUTE:02}s"
    if total < _DAY:
        return f"{total // _HOUR}h {total % _HOUR // _MINUTE:02}m"
    return f"{total // _DAY}d {total % _DAY // _HOUR}h"


def moment(text: str) -> datetime | None:
    """An ISO date or time; without a zone it is UTC. None when it is neither."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def ago(text: str, now: datetime) -> str:
    """`42s`, `3h`, `12d`: the time since then, in one unit; the text itself when it is no time."""
    then = moment(text)
    if then is None:
        return text
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def age(text: str, now: datetime) -> str:
    """`of today`, `3 days old`, `5 months old`: how far a price can be trusted. Empty when nothing is known."""
    then = moment(text)
    if then is None:
        return f"of {text}" if text else ""
    days = (now.date() - then.date()).days
    if days < 1:
        return "of today"
    if days < 60:  # noqa: PLR2004
        return f"{plural(days, 'day')} old"
    return f"{plural(days // 30, 'month')} old"


def clock(text: str, now: datetime) -> str:
    """`14:03:07` when it was today, else `Nov 20 14:03` or `2025-11-20`, all in the time zone of `now`."""
    then = moment(text)
    if then is None:
        return text
    then = then.astimezone(now.tzinfo)
    if then.date() == now.date():
        return then.strftime("%H:%M:%S")
    return then.strftime("%b %d %H:%M" if then.year == now.year else "%Y-%m-%d")


def value(data: Any) -> str:
    """One value of a file on one line: bare words stay bare, what would read as something else is quoted."""
    if data is None:
        return "unset"
    text = data if isinstance(data, str) and not _ambiguous(data) else json.dumps(data, ensure_ascii=False)
    if not text.isprintable():
        text = json.dumps(data)
    return text if len(text) <= _VALUE_LIMIT else text[: _VALUE_LIMIT - 1] + "…"


def _ambiguous(text: str) -> bool:
    if text != text.strip() or not text.isprintable() or text in {"", "unset"}:
        return True
    if len(text) > _LONGEST_LITERAL:
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def size(count: int | None) -> str:
    """`12.3 GB`, as disks are sold."""
    if count is None:
        return "size unknown"
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:  # noqa: PLR2004 - decimal units
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"  # noqa: PLR2004
        amount /= 1000
    return f"{amount:.1f} TB"
