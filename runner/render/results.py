"""How an apply ended; what `reconcile --json` prints.

{"results": [{"deployment", "action", "result": "ok" | "changed" | "failed" | "unreachable" | "skipped"
              | "interrupted", "seconds": float or null, "url", "error", "hint", "code", "step": which failed or "",
              "log": the end of its output or "",
              "rolled_back": the version before serves}]}
"""

from __future__ import annotations

from typing import Any

from runner.domain import Kind
from runner.render.parts import RESULT, address, commands, error_lines, hint_lines, listed, log_lines
from runner.render.style import Style
from runner.render.text import Column, Row
from runner.render.units import duration


def results_text(data: dict[str, Any], *, style: Style) -> str:
    """How an apply ended, one row for each deployment, and what to type next."""
    results = style.clean(data)["results"]
    columns = [Column("  DEPLOYMENT"), Column("RESULT"), Column("TIME", right=True), Column("")]
    rows = [
        Row(
            [
                _named(row, style),
                row["result"],
                duration(row.get("seconds")),
                address(row.get("url", ""), row.get("reach", ""), style),
            ],
            [
                *error_lines(row.get("error", ""), style=style, indent="    ", mark="  └ "),
                *hint_lines(row.get("hint", ""), style=style, indent="    "),
                *log_lines(row.get("log", ""), style=style, indent="    "),
            ],
        )
        for row in results
    ]
    failed = [row["deployment"] for row in results if row["result"] in {"failed", "unreachable"}]
    done = [row for row in results if row["result"] in {"ok", "changed"} and row.get("url")]
    usable = [row["deployment"] for row in done if row["action"] != Kind.STOP]
    stopped = [row["deployment"] for row in done if row["action"] == Kind.STOP]
    steps = [("see what happened", f"runner events {name}") for name in failed[:1]]
    steps += [("use it", f"runner access {name}") for name in usable[:1]]
    steps += [("start it again", f"runner start {name}") for name in stopped[:1]]
    lines = listed(columns, rows, style=style)
    return "\n".join([*lines, *([""] if steps else []), *commands(steps, style=style)])


def _named(row: dict[str, Any], style: Style) -> str:
    symbol, look = RESULT.get(row["result"], ("?", "yellow"))
    return f"{style.paint(symbol, look)} {style.bold(row['deployment'])}"
