"""Small pieces that several views are made of. They take clean data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runner.render.style import Style
from runner.render.text import Column, Row, pad, table, width, wrap
from runner.render.units import age, hourly, monthly, plural, size

HEALTH = {
    "healthy": ("●", "green"),
    "progressing": ("◐", "yellow"),
    "degraded": ("▲", "red"),
    "stopped": ("○", "dim"),
    "absent": ("○", "dim"),
    "missing": ("✗", "red"),
}
"""Any other word is shown with a question mark."""
SYNC = {"in-sync": ("✓", "green"), "drifted": ("±", "yellow")}

RESULT = {
    "ok": ("✓", "green"),
    "changed": ("✓", "green"),
    "skipped": ("–", "dim"),
    "failed": ("✗", "red"),
    "unreachable": ("✗", "red"),
    "interrupted": ("○", "yellow"),
    "started": ("·", "dim"),
}
"""Of a step or of a whole deployment."""


def effects(effect: dict[str, Any]) -> list[str]:
    """What an action does to those who use the service, and to its data; empty where it does nothing to them."""
    told = ["restarts"] if effect["restarts"] else []
    if effect["deletes"]:
        told.append(f"deletes its data: {', '.join(effect['deletes'])} ({size(effect['bytes'])})")
    if effect["leaves"]:
        told.append(f"leaves its data where it is, which a new place does not have: {', '.join(effect['leaves'])}")
    return told


def badge(word: str, known: dict[str, tuple[str, str]], style: Style) -> str:
    """`● healthy`, coloured."""
    symbol, look = known.get(word, ("?", "yellow"))
    return style.paint(f"{symbol} {word}", look)


def facts(pairs: Iterable[tuple[str, str]], *, style: Style, indent: str = "  ") -> list[str]:
    """Labels and what they say, aligned; empty ones are left out. Texts that are too long wrap under themselves."""
    said = [(label, text) for label, text in pairs if text]
    labels = max((width(label) for label, _ in said), default=0)
    lines = []
    for label, text in said:
        left = indent + style.dim(pad(label, labels)) + "  "
        if "\x1b" in text or width(left) + width(text) <= style.width:
            lines.append(left + text)
        else:
            lines += wrap(text, style.width, indent=left, hanging=" " * width(left))
    return lines


def hint_lines(hint: str, *, style: Style, indent: str = "") -> list[str]:
    """`→ what to do`, wrapped."""
    return [style.paint(line, "cyan") for line in wrap(hint, style.width, indent=indent + "→ ", hanging=indent + "  ")]


def error_lines(error: str, *, style: Style, indent: str = "", mark: str = "") -> list[str]:
    """Why it failed: its own line breaks are kept, and lines that are too long wrap."""
    lines: list[str] = []
    for text in error.splitlines():
        lines += wrap(text, style.width, indent=indent if lines else mark or indent, hanging=indent)
    return lines


def log_lines(log: str, *, style: Style, indent: str = "") -> list[str]:
    """The end of a program's log, line by line as it was written."""
    return [style.dim(f"{indent}│ {line}".rstrip()) for line in log.splitlines()]


def note_lines(text: str, *, style: Style, indent: str = "", mark: str = "") -> list[str]:
    """A remark under something, dim and wrapped."""
    lines = wrap(text, style.width, indent=indent + mark, hanging=indent + " " * len(mark))
    return [style.dim(line) for line in lines]


def address(url: str, reach: str, style: Style) -> str:
    """A URL as a link, with a word where it holds only while a tunnel is open."""
    return style.paint(url, "cyan") + (style.dim(" by tunnel") if url and reach == "tunnel" else "")


def full_price(price: dict[str, Any] | None, style: Style) -> str:
    """`$0.53/h, $386.90/month (AWS price list, 3 days old)` of {hourly, currency, source, as_of}."""
    if not price or price.get("hourly") is None:
        return "unknown"
    amount, currency = price["hourly"], price.get("currency", "")
    told = f"{hourly(amount, currency)}, {monthly(amount, currency)}" if amount else "free"
    origin = price_origin(price, style)
    return f"{told} ({origin})" if origin else told


def price_origin(price: dict[str, Any], style: Style) -> str:
    """`AWS price list, 3 days old`."""
    return ", ".join(part for part in (price.get("source", ""), age(price.get("as_of", ""), style.now)) if part)


def total_price(prices: Sequence[dict[str, Any] | None]) -> str:
    """`$2.41/h ($1,759.30/month), 1 unknown price`: the sum by currency; unknown prices are counted, never added."""
    sums: dict[str, float] = {}
    for price in prices:
        if price and price.get("hourly") is not None:
            currency = price.get("currency", "")
            sums[currency] = sums.get(currency, 0.0) + price["hourly"]
    parts = [f"{hourly(round(s, 4), c)} ({monthly(s, c)})" for c, s in sums.items() if s]
    unknown = sum(1 for price in prices if not price or price.get("hourly") is None)
    if unknown:
        parts.append(plural(unknown, "unknown price"))
    return ", ".join(parts) or "free"


def commands(pairs: Iterable[tuple[str, str]], *, style: Style) -> list[str]:
    """What to type next: purposes and commands, aligned."""
    return facts(((purpose, style.command(command)) for purpose, command in pairs), style=style)


def listed(columns: Sequence[Column], rows: Sequence[Row], *, style: Style) -> list[str]:
    """A table with quiet titles."""
    title, *lines = table(columns, rows, style.width)
    return [style.dim(title), *lines]
