"""Our Ansible modules, each as one self-contained program: module, what it imports of `module_utils`, a small stand-in
for Ansible's own basics, and its arguments. A host loads that within milliseconds, where Ansible's zip takes it half a
second.

Ansible can put arguments into a program too, but it does so by replacing its markers in the whole text, also in what it
has just put there: whoever writes a marker into a value would write the program. So Ansible gets neither program nor
arguments to edit; the arguments are base64, in which nothing means anything. See `ansible_plugins/bundled.py`.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from functools import cache
from pathlib import Path

_PLUGINS = Path(__file__).parent / "ansible_plugins"
_PACKAGE = "ansible.module_utils"
_BASIC = "basic"
_STAND_IN = "light_basic"
_ONE = re.compile(r"^ *from (?:ansible\.module_utils)?\.(\w+) import", re.MULTILINE)
_MANY = re.compile(r"^ *from (?:ansible\.module_utils|\.) import (\w+(?:, \w+)*) *(?:#.*)?$", re.MULTILINE)
_PROGRAM = '''"""Made by runner/bundles.py from runner/ansible_plugins/modules/{name}.py."""
import base64, json, sys, types, zlib

ARGUMENTS = json.loads(base64.b64decode("{arguments}").decode("utf-8"))
SOURCES = json.loads(zlib.decompress(base64.b64decode("{sources}")).decode("utf-8"))


def package(name):
    made = sys.modules[name] = types.ModuleType(name)
    made.__path__ = []


package("ansible")
package("{package}")
for name, source in SOURCES[:-1]:
    module = types.ModuleType("{package}." + name)
    module.__package__ = "{package}"
    sys.modules[module.__name__] = module
    setattr(sys.modules["{package}"], name, module)
    exec(compile(source, name + ".py", "exec"), module.__dict__)
sys.modules["{package}.{basic}"].ARGUMENTS = ARGUMENTS
exec(compile(SOURCES[-1][1], "{name}.py", "exec"))
'''


def program(name: str, arguments: str) -> str | None:
    """One module with everything that it imports and its arguments, a JSON object; None for a module that is not ours,
    or wants more of Ansible than the stand-in has.
    """
    sources = packed(name)
    if sources is None:
        return None
    given = base64.b64encode(arguments.encode()).decode()
    return _PROGRAM.format(name=name, package=_PACKAGE, basic=_BASIC, sources=sources, arguments=given)


def load_all() -> None:
    """Processes that are forked from this one need not pack any module by themselves."""
    for path in (_PLUGINS / "modules").glob("*.py"):
        packed(path.stem)


@cache
def packed(name: str) -> str | None:
    """A module and all that it imports, for its program."""
    if not (_PLUGINS / "modules" / f"{name}.py").is_file():
        return None
    source = _read(f"modules/{name}.py")
    needed = _needed(source)
    if not needed:
        return None
    sources = [(one, _utility(one)) for one in needed]
    return base64.b64encode(zlib.compress(json.dumps([*sources, (name, source)]).encode())).decode()


@cache
def _needed(source: str) -> list[str] | None:
    """What it imports of `module_utils`, and what that imports, each after all that it needs itself."""
    found: dict[str, None] = {}
    for name in _imports(source):
        if name != _BASIC and not (_PLUGINS / "module_utils" / f"{name}.py").exists():
            return None
        for one in _needed(_utility(name)) or ():
            found.setdefault(one)
        found.setdefault(name)
    return list(found)


def _imports(source: str) -> list[str]:
    """Of `ansible.module_utils`, absolutely or, from inside it, relatively. Read as text: parsing takes much longer."""
    names = [name for many in _MANY.findall(source) for name in many.split(", ")]
    return names + _ONE.findall(source)


@cache
def _utility(name: str) -> str:
    return _read(f"module_utils/{_STAND_IN if name == _BASIC else name}.py")


def _read(path: str) -> str:
    return (_PLUGINS / path).read_text(encoding="utf-8")
