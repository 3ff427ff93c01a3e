"""What can be had, and how much of it. Each takes what its `--json` prints.

offers  {"offers": [{"provider", "type", "region", "gpu", "gpus", "vram_gb", "ram_gb", "vcpus", "hourly", "spot_hourly",
                     "currency", "source", "as_of", "arch", "spot", "share"}], cheapest first; a price that is null is
         unknown, as is a size of 0; share: how much of a whole GPU each of its GPUs is
         "notes": [{"provider", "error", "hint"}]: why some prices are not of now}
quota   {"quotas": [{"provider", "region", "name", "code", "market", "unit", "limit", "used", "left"}],
         "unknown": [{"provider", "error", "hint"}]}
"""

from __future__ import annotations

from typing import Any

from runner.render.parts import hint_lines, listed
from runner.render.style import Style
from runner.render.text import Column, Row, wrap
from runner.render.units import UNKNOWN, age, hourly, plural

_OFFER_COLUMNS = (
    Column("TYPE"),
    Column("PROVIDER", leave_out=3),
    Column("REGION"),
    Column("GPU"),
    Column("VRAM", right=True),
    Column("RAM", right=True, leave_out=2),
    Column("VCPU", right=True, leave_out=1),
    Column("ON DEMAND", right=True),
    Column("SPOT", right=True),
)
_QUOTA_COLUMNS = (
    Column("REGION"),
    Column("LIMIT", least=20),
    Column("MARKET"),
    Column("MAY HAVE", right=True),
    Column("USED", right=True),
    Column("LEFT", right=True),
    Column("CODE", leave_out=1),
)


def offers_text(data: dict[str, Any], *, style: Style) -> str:
    """The table, and where its prices are from."""
    clean = style.clean(data)
    rows = [Row(_offer(offer, style)) for offer in clean["offers"]]
    if not rows:
        return "\n".join(["Nothing fits. Ask for less, or for other regions.", *_notes(clean["notes"], style)])
    sources = dict.fromkeys(
        f"{offer['source']} ({age(offer['as_of'], style.now)})" for offer in clean["offers"] if offer["as_of"]
    )
    lines = [*listed(_OFFER_COLUMNS, rows, style=style), ""]
    lines += wrap(f"{plural(len(rows), 'offer')}. Prices: {', '.join(sources) or UNKNOWN}.", style.width)
    return "\n".join([*lines, *_notes(clean["notes"], style)])


def quota_text(data: dict[str, Any], *, style: Style) -> str:
    """One row for each limit; what is used up stands out."""
    clean = style.clean(data)
    rows = [Row(_quota(quota, style)) for quota in clean["quotas"]]
    lines = listed(_QUOTA_COLUMNS, rows, style=style) if rows else ["No provider in use has limits that can be read."]
    return "\n".join([*lines, *_notes(clean["unknown"], style)])


def _offer(offer: dict[str, Any], style: Style) -> list[str]:
    share = f"{offer['share']:g} × " if 0 < offer["share"] < 1 else ""
    count = f"{offer['gpus']} × " if offer["gpus"] > 1 else ""
    spot = hourly(offer["spot_hourly"], offer["currency"]) if offer["spot"] else "–"
    return [
        style.bold(offer["type"]),
        offer["provider"],
        offer["region"],
        f"{count}{share}{offer['gpu']}" if offer["gpu"] else "–",
        f"{offer['vram_gb']:g} GB" if offer["vram_gb"] else "–",
        f"{offer['ram_gb']:g} GB" if offer["ram_gb"] else UNKNOWN,
        f"{offer['vcpus']}" if offer["vcpus"] else UNKNOWN,
        hourly(offer["hourly"], offer["currency"]),
        spot,
    ]


def _quota(quota: dict[str, Any], style: Style) -> list[str]:
    left = _amount(quota["left"])
    return [
        quota["region"],
        quota["name"],
        quota["market"],
        f"{_amount(quota['limit'])} {quota['unit']}",
        _amount(quota["used"]),
        style.paint(left, "red") if quota["left"] == 0 else left,
        style.dim(quota["code"]),
    ]


def _amount(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,g}"


def _notes(notes: list[dict[str, Any]], style: Style) -> list[str]:
    lines: list[str] = []
    for note in notes:
        lines += ["", *wrap(f"{note['provider']}: {note['error']}", style.width)]
        lines += hint_lines(note["hint"], style=style) if note["hint"] else []
    return lines
