"""What is, on two axes: in sync or drifted, and how healthy.

`status --json` prints {"deployments": [DEPLOYMENT]}, `status NAME --json` one DEPLOYMENT:

    {"name", "template", "provider",
     "sync": "in-sync" | "drifted" | "unknown", "sync_reason",
     "health": "healthy" | "progressing" | "degraded" | "stopped" | "absent" | "missing" | "unknown",
     "health_reason",
     "since": ISO time since when it is in this health, or "",
     "price": {"hourly", "currency", "source", "as_of"} of now, or null when unknown,
     "url": the first endpoint, or "", "reach": from where it holds: "here" | "tunnel" | "network" | "public" | "",
     "file", "owner", "state": "running" | "stopped" | "absent" | "unknown" (its file has faults),
     "protect": bool, "hold": {"until", "reason"} or null,
     "restarts": how often it ended by itself and was started again in the last ten minutes,
     "last_failure": {"time", "commit", "run", "action", "step", "error", "hint", "code", "log", "rolled_back"}
        of the last apply from this clone; null when it did not fail, or it is in sync since,
     "where": host or address of its machine, "" when it is this one, "engine", "model", "gpu", "labels": {},
     "endpoints": [{"label", "url"}], "changes": [{"field", "before", "after", "forces_replacement"}]}

The keys of the last lines may be missing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from runner.render.changes import changes_lines
from runner.render.parts import (
    HEALTH,
    SYNC,
    address,
    badge,
    commands,
    error_lines,
    facts,
    full_price,
    hint_lines,
    listed,
    log_lines,
    note_lines,
    total_price,
)
from runner.render.style import Style
from runner.render.text import GAP, Column, Row, fill, natural_width, width
from runner.render.units import ago, clock, plural, price

_COLUMNS = (
    Column("NAME", least=16),
    Column("TEMPLATE", leave_out=2),
    Column("WHERE", least=12, leave_out=1),
    Column("SYNC"),
    Column("HEALTH"),
    Column("SINCE", right=True, leave_out=3),
    Column("PRICE", right=True),
)
_WIDE = (
    Column("ENGINE", leave_out=4),
    Column("MODEL", least=12, leave_out=6),
    Column("GPU", leave_out=7),
    Column("OWNER", least=8, leave_out=8),
    Column("LABELS", least=8, leave_out=9),
)
"""After the others, with `wide`."""
_URL = Column("")


def status_text(data: dict[str, Any], *, style: Style, wide: bool = False) -> str:
    """The table of all deployments and one line that sums up. URLs move under the rows where it is narrow."""
    rows = style.clean(data)["deployments"]
    if not rows:
        return f"No deployments yet. Make the first one: {style.command('runner new')}"
    columns = [*_COLUMNS, *(_WIDE if wide else ())]
    cells = [[*_cells(row, style), *(_wide(row) if wide else ())] for row in rows]
    left = natural_width(columns, [Row(row) for row in cells]) + GAP
    table = [_row(row, found, style, style.width - left) for row, found in zip(rows, cells, strict=True)]
    lines = listed([*columns, _URL], table, style=style)
    return "\n".join([*lines, "", *_sum(rows, style)])


def deployment_text(data: dict[str, Any], *, style: Style) -> str:
    """Everything about one deployment."""
    row = style.clean(data)
    hold = row.get("hold")
    since = row.get("since", "")
    lines = [style.bold(row["name"]), *note_lines(_kind(row), style=style), ""]
    lines += facts(
        [
            ("sync", badge(row["sync"], SYNC, style)),
            ("", row.get("sync_reason", "")),
            ("health", badge(row["health"], HEALTH, style)),
            ("", row.get("health_reason", "")),
            ("since", f"{ago(since, style.now)} ({clock(since, style.now)})" if since else ""),
            ("price", full_price(row.get("price"), style)),
            ("hold", f"until {hold['until']}: {hold['reason']}" if hold else ""),
            ("protected", "yes: cannot be destroyed or replaced" if row.get("protect") else ""),
            ("owner", row.get("owner", "")),
            ("file", row.get("file", "")),
            *(
                (end["label"], address(end["url"], row.get("reach", ""), style))
                for end in row.get("endpoints") or [{"label": "url", "url": row.get("url", "")}]
            ),
        ],
        style=style,
    )
    lines += _failure(row.get("last_failure"), style)
    if row.get("changes"):
        lines += ["", "  not yet applied", *changes_lines(row["changes"], style=style, verbose=True)]
    return "\n".join([*lines, "", *commands(_next(row), style=style)])


def _failure(failure: dict[str, Any] | None, style: Style) -> list[str]:
    """What went wrong the last time, with the end of its log."""
    if not failure:
        return []
    step = [f"  step: {failure['step']}"] if failure["step"] else []
    return [
        "",
        f"  {_failed(failure, style)}",
        *error_lines(failure["error"], style=style, indent="    "),
        *hint_lines(failure["hint"], style=style, indent="    "),
        *(style.dim("  " + line) for line in step),
        *log_lines(failure["log"], style=style, indent="    "),
    ]


def _failed(failure: dict[str, Any], style: Style) -> str:
    """`update to 1a2b3c4d5 failed 5m ago, rolled back: the version before serves`."""
    commit = f" to {failure['commit'][:9]}" if failure["commit"] else ""
    after = ", rolled back: the version before serves" if failure["rolled_back"] else ""
    when = f"{ago(failure['time'], style.now)} ago ({clock(failure['time'], style.now)})"
    return f"{failure['action']}{commit} failed {when}{after}"


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _kind(row: dict[str, Any]) -> str:
    return " on ".join(part for part in (row["template"], _where(row)) if part)


def _row(row: dict[str, Any], cells: list[str], style: Style, room: int) -> Row:
    """The URL stands at the end where there is room for it, else under the row: it is never cut."""
    link = address(row.get("url", ""), row.get("reach", ""), style)
    beside = width(link) <= room
    below = ["  " + link] if link and not beside else []
    return Row([*cells, link if beside else ""], [*below, *_reasons(row, style)])


def _cells(row: dict[str, Any], style: Style) -> list[str]:
    since = row.get("since", "")
    return [
        style.bold(row["name"]),
        row["template"],
        _where(row),
        badge(row["sync"], SYNC, style),
        badge(row["health"], HEALTH, style),
        ago(since, style.now) if since else "",
        _price(row),
    ]


def _where(row: dict[str, Any]) -> str:
    return " ".join(part for part in (row["provider"], row.get("where", "")) if part)


def _wide(row: dict[str, Any]) -> list[str]:
    labels = ", ".join(f"{key}={value}" for key, value in sorted(row.get("labels", {}).items()))
    return [row.get("engine", ""), row.get("model", ""), row.get("gpu", ""), row.get("owner", ""), labels]


def _price(row: dict[str, Any]) -> str:
    if row["health"] in {"stopped", "absent", "missing"} and row.get("price") and not row["price"]["hourly"]:
        return "–"
    return price(row.get("price"))


def _reasons(row: dict[str, Any], style: Style) -> list[str]:
    hold = row.get("hold")
    reasons = [("└ ", row.get("health_reason", "")), ("└ ", row.get("sync_reason", ""))]
    failure = row.get("last_failure")
    reasons += [("└ ", f"{_failed(failure, style)}: {_first_line(failure['error'])}")] if failure else []
    reasons += [("⏸ ", f"on hold until {hold['until']}: {hold['reason']}")] if hold else []
    return [line for mark, text in reasons for line in note_lines(text, style=style, indent="  ", mark=mark)]


def _sum(rows: list[dict[str, Any]], style: Style) -> list[str]:
    health = Counter(row["health"] for row in rows)
    words = [word for word in [*HEALTH, *sorted(set(health) - set(HEALTH))] if health[word]]
    drifted = sum(1 for row in rows if row["sync"] == "drifted")
    parts = [plural(len(rows), "deployment"), ", ".join(f"{health[word]:,} {word}" for word in words)]
    parts += [f"{drifted:,} drifted"] if drifted else []
    parts.append(total_price([row.get("price") for row in rows]))
    return fill([f"{part} ·" for part in parts[:-1]] + parts[-1:], style.width)


def _next(row: dict[str, Any]) -> list[tuple[str, str]]:
    name = row["name"]
    steps = []
    if row.get("state") == "unknown":
        steps.append(("see what is wrong", "runner validate"))
    if row["sync"] == "drifted":
        steps.append(("see what differs", f"runner plan {name}"))
    if row["health"] in {"degraded", "progressing"}:
        steps.append(("see what it says", f"runner logs {name}"))
    if row["health"] == "healthy":
        steps.append(("use it", f"runner access {name}"))
    return steps or [("see what happened", f"runner events {name}")]
