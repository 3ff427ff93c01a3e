"""Runs a function of `module_utils` on another host, with that host's Python: the sources travel as text.

Nothing is written there, so a bare host needs nothing but Python and sudo.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent.parent / "ansible_plugins" / "module_utils"
_BEGINS = "# slipway begins"
OLDEST = (3, 8)
"""What Ansible and our modules need of a host's Python."""
PROGRAM = f"""\
import sys
if sys.version_info < {OLDEST}:
    sys.exit("slipway: Python %d.%d is older than {".".join(map(str, OLDEST))}" % sys.version_info[:2])
exec(sys.stdin.read().partition("{_BEGINS}")[2])"""
_BOOTSTRAP = """
import json, sys, types
package = types.ModuleType("slipway")
package.__path__ = []
sys.modules["slipway"] = package
for name, source in SOURCES:
    module = types.ModuleType("slipway." + name)
    module.__package__ = "slipway"
    sys.modules["slipway." + name] = module
    exec(compile(source, name + ".py", "exec"), module.__dict__)
print(json.dumps(getattr(sys.modules["slipway." + NAME], FUNCTION)(*ARGUMENTS)))
"""


def command(python: str) -> str:
    """What runs a program that comes by standard input, without what the host's Python loads on its own for others:
    that takes as long as a look. What stands before it is not looked at: a password for sudo stays there when sudo
    does not ask for it, and must not be taken for Python, whose complaint would show it.
    """
    return f"{shlex.quote(python)} -I -S -c {shlex.quote(PROGRAM)}"


def program(modules: Sequence[str], function: str, *arguments: Any) -> str:
    """A Python program that prints the function's answer as JSON. The last module has the function; the ones that it
    imports come before it.
    """
    sources = json.dumps([[name, _source(name)] for name in modules])
    return "\n".join(
        (
            _BEGINS,
            "import json",
            f"SOURCES = json.loads({sources!r})",
            f"NAME, FUNCTION = {modules[-1]!r}, {function!r}",
            f"ARGUMENTS = json.loads({json.dumps(arguments)!r})",
            _BOOTSTRAP,
        )
    )


@cache
def _source(name: str) -> str:
    return (_FOLDER / f"{name}.py").read_text(encoding="utf-8")
