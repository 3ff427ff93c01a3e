"""Values that would be executed or evaluated by what stands between a file and a service, if anything there took them
for more than data. Each springs a trap: a file that comes into being.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.executor import module_common

MARKERS = tuple(value.decode() for name, value in sorted(vars(module_common).items()) if name.startswith("REPLACER"))
"""Ansible's real ones, with the quotes that belong to some."""
JINJA_OVERRIDE = "#jinja2:variable_start_string:'[%', variable_end_string:'%]'\n"


def python(trap: Path) -> str:
    """Ends the text in which Ansible puts arguments, and goes on as a program."""
    return f"'+str(__import__('os').system('touch {trap}'))+b'"


def templates(trap: Path) -> dict[str, str]:
    """Name → a value that springs the trap when it is evaluated as a template."""
    call = f"lookup('ansible.builtin.pipe', 'touch {trap}')"
    return {
        "CURLY": "{{ " + call + " }}",
        "BLOCK": "{% if " + call + " %}{% endif %}",
        "OVERRIDE": JINJA_OVERRIDE + "[% " + call + " %]",
    }


def values(trap: Path) -> dict[str, str]:
    """Name → value, of every kind. The order matters: what ends the text comes after a marker."""
    marked = {f"MARKER_{number}": marker for number, marker in enumerate(MARKERS)}
    return {**marked, **templates(trap), "PYTHON": python(trap), "FACILITY": "syslog.LOG_USER"}


def everywhere(trap: Path) -> dict[str, Any]:
    """As keys and as values, one inside the other."""
    found = values(trap)
    return {**found, **{value: [value] for value in found.values()}}
