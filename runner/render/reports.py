"""Lists: drift, orphans, events, history, locks. Each takes what its `--json` prints.

drift    {"deployments": [{"name", "provider", "reason", "changes": [{"field", "before", "after"}]}],
          "checked": how many, "unknown": [{"name", "error", "hint"}]}
orphans  {"orphans": [{"provider", "id", "deployment", "state", "since", "detail", "price": as everywhere}],
          "unknown": [{"provider", "error", "hint", "id": where it is about one second machine}]}
events   {"events": [{"time", "run", "deployment", "kind", "step", "status", "seconds", "message"}]}
history  {"name", "entries": [{"time", "commit", "author", "subject", "changes"}]}, newest first
locks    {"locks": [{"deployment", "holder", "since", "expires", "reason", "url"}]}
"""

from __future__ import annotations

from typing import Any

from runner.render.changes import changes_lines
from runner.render.parts import RESULT, error_lines, hint_lines, listed, log_lines, note_lines, total_price
from runner.render.style import Style
from runner.render.text import Column, Row, pad, width, wrap
from runner.render.units import ago, clock, duration, plural, price


def drift_text(data: dict[str, Any], *, style: Style, verbose: bool = False) -> str:
    """What differs from what was asked for, field by field."""
    drift = style.clean(data)
    lines: list[str] = []
    for row in drift["deployments"]:
        mark = style.paint("±", "yellow")
        lines += [f"{mark} {style.bold(row['name'])}  {style.dim(row['provider'])}"]
        lines += wrap(row["reason"], style.width, indent="    ")
        lines += [*changes_lines(row.get("changes", []), style=style, verbose=verbose), ""]
    for row in drift.get("unknown", []):
        lines += [*_unknown(row["name"], row, style), ""]
    return "\n".join([*lines, _drift_summary(drift, style)])


def _drift_summary(drift: dict[str, Any], style: Style) -> str:
    """Nothing is said of those that could not be looked at. What was changed by hand is no change of a plan."""
    unseen = {row["name"] for row in drift.get("unknown", [])}
    checked = plural(drift["checked"] - len(unseen), "deployment")
    rows = drift["deployments"]
    rest = f" {len(unseen):,} could not be looked at." if unseen else ""
    if not rows:
        return f"No drift in {checked}.{rest}"
    by_hand = [row["name"] for row in rows if row.get("by_hand")]
    repairs = ["runner reconcile"] if len(by_hand) < len(rows) else []
    repairs += [f"runner restart {' '.join(by_hand)}"] if by_hand else []
    return f"{len(rows):,} of {checked} drifted.{rest} Repair: {', '.join(map(style.command, repairs))}"


def orphans_text(data: dict[str, Any], *, style: Style) -> str:
    """What carries our mark and belongs to no file."""
    orphans = style.clean(data)
    found = orphans["orphans"]
    columns = [Column("PROVIDER"), Column("ID"), Column("MADE FOR"), Column("HOST", leave_out=1), Column("STATE")]
    columns += [Column("SINCE", right=True, leave_out=2), Column("PRICE", right=True)]
    rows = [
        Row(
            [
                row["provider"],
                style.bold(row["id"]),
                row["deployment"],
                row.get("host", ""),
                row["state"],
                ago(row["since"], style.now) if row.get("since") else "",
                price(row.get("price")),
            ],
            note_lines(row.get("detail", ""), style=style, indent="  ", mark="└ "),
        )
        for row in found
    ]
    lines = [*listed(columns, rows, style=style), ""] if rows else []
    for row in orphans.get("unknown", []):
        lines += [*_unknown(row["provider"], row, style), ""]
    if not found:
        return "\n".join([*lines, "No orphans" + (" where one could look." if orphans.get("unknown") else ".")])
    cost = total_price([row.get("price") for row in found])
    return "\n".join(
        [*lines, f"{plural(len(found), 'orphan')}, {cost}. Remove: {style.command('runner orphans --destroy')}"]
    )


def events_text(data: dict[str, Any], *, style: Style) -> str:
    """What happened, oldest first."""
    events = style.clean(data)["events"]
    if not events:
        return "No events yet."
    times = [clock(event["time"], style.now) for event in events]
    cells, names = max(map(width, times)), max(width(event["deployment"]) for event in events)
    lines = []
    for time, event in zip(times, events, strict=True):
        symbol, look = RESULT.get(event["status"], ("·", "dim"))
        left = f"{style.dim(pad(time, cells))}  {pad(event['deployment'], names)}  {style.paint(symbol, look)} "
        took = f"({duration(event['seconds'])})" if event.get("seconds") is not None else ""
        what = f"{event['step'] or event['status']} {took}".rstrip()
        said = f"{what}: {event['message']}" if event["message"] else what
        below = " " * width(left)
        lines += error_lines(said, style=style, indent=below, mark=left) or [left.rstrip()]
        lines += log_lines(event.get("log", ""), style=style, indent=below)
    return "\n".join(lines)


def history_text(data: dict[str, Any], *, style: Style, verbose: bool = False) -> str:
    """Who changed what and when, newest first."""
    history = style.clean(data)
    lines = []
    for entry in history["entries"]:
        commit, time = entry.get("commit", "")[:9], clock(entry["time"], style.now)
        lines += [f"{style.paint(commit, 'yellow')}  {style.dim(time)}  {entry.get('author', '')}".strip()]
        lines += wrap(entry["subject"], style.width, indent="    ")
        lines += [*changes_lines(entry.get("changes", []), style=style, verbose=verbose), ""]
    return "\n".join(lines[:-1]) or f"No history of {history['name']} yet."


def locks_text(data: dict[str, Any], *, style: Style) -> str:
    """Who holds what, and until when."""
    locks = style.clean(data)["locks"]
    columns = [Column("DEPLOYMENT"), Column("HELD BY"), Column("FOR", right=True), Column("EXPIRES")]
    rows = [
        Row(
            [
                style.bold(lock["deployment"]),
                lock["holder"],
                ago(lock["since"], style.now) if lock.get("since") else "",
                clock(lock["expires"], style.now) if lock.get("expires") else "",
            ],
            [
                line
                for text in (lock.get("reason", ""), lock.get("url", ""))
                for line in note_lines(text, style=style, indent="  ", mark="└ ")
            ],
        )
        for lock in locks
    ]
    return "\n".join(listed(columns, rows, style=style)) if rows else "Nothing is locked."


def _unknown(name: str, row: dict[str, Any], style: Style) -> list[str]:
    said = row["error"] if row.get("id") else f"could not be looked at: {row['error']}"
    lines = wrap(f"{name}{':' if row.get('id') else ''} {said}", style.width, indent="! ", hanging="  ")
    return [
        *(style.paint(line, "yellow") for line in lines),
        *hint_lines(row.get("hint", ""), style=style, indent="  "),
    ]
