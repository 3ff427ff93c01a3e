"""What `runner doctor` found: {"checks": [{"group", "name", "ok": true | false | null, "found", "fix"}]}. A check that
is null was not needed, or could not be told.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from runner.render.parts import hint_lines
from runner.render.style import Style
from runner.render.text import pad, width, wrap
from runner.render.units import plural

_CHECKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("–", "dim")}


def doctor_text(data: dict[str, Any], *, style: Style) -> str:
    """Every check, and under each failed one what repairs it."""
    checks = style.clean(data)["checks"]
    names = max((width(check["name"]) for check in checks), default=0)
    lines: list[str] = []
    for group, members in groupby(checks, key=lambda check: check.get("group", "")):
        lines += [style.bold(group)] if group else []
        for check in members:
            symbol, look = _CHECKS[check["ok"]]
            left = f"  {style.paint(symbol, look)} {pad(check['name'], names)}  "
            found = wrap(check["found"], style.width, indent=left, hanging=" " * width(left))
            lines += found or [left.rstrip()]
            if check["ok"] is False:
                lines += hint_lines(check.get("fix", ""), style=style, indent=" " * width(left))
        lines.append("")
    failed = sum(1 for check in checks if check["ok"] is False)
    verdict = (
        style.paint(f"{plural(failed, 'check')} failed.", "red") if failed else style.paint("All is well.", "green")
    )
    return "\n".join([*lines, verdict])
