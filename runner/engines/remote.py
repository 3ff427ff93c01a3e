"""Runs a function of `module_utils` on another host, with that host's Python: the sources travel as text.

Nothing is written there, so a bare host needs nothing but Python and sudo.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent.parent / "ansible_plugins" / "module_utils"
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


def program(modules: Sequence[str], function: str, *arguments: Any) -> str:
    """A Python program that prints the function's answer as JSON. The last module has the function; the ones that it
    imports come before it.
    """
    sources = json.dumps([[name, _source(name)] for name in modules])
    head = f"import json\nSOURCES = json.loads({sources!r})\nNAME, FUNCTION = {modules[-1]!r}, {function!r}\n"
    return f"{head}ARGUMENTS = json.loads({json.dumps(arguments)!r})\n{_BOOTSTRAP}"


@cache
def _source(name: str) -> str:
    return (_FOLDER / f"{name}.py").read_text(encoding="utf-8")
