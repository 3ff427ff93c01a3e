"""Our Ansible modules, each as one self-contained program: module, what it imports of `module_utils`, and a small
stand-in for Ansible's own basics. A host loads that within milliseconds, where the usual zip takes it half a second.

Ansible knows such modules ("JSONARGS"): it puts the arguments into the text and pipes it to the host's Python.
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
_MANY = re.compile(r"^ *from ansible\.module_utils import (\w+(?:, \w+)*)$", re.MULTILINE)
_PROGRAM = '''#!/usr/bin/python
"""Made by runner/bundles.py from runner/ansible_plugins/modules/{name}.py."""
# What makes Ansible take this for what it is: <<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>
import base64, json, sys, types, zlib

ARGUMENTS = json.loads("<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>")
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


def write(folder: Path) -> None:
    """Every module of ours that can be bundled, as a file of the same name."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted((_PLUGINS / "modules").glob("*.py")):
        text = program(path.stem)
        if text is not None:
            (folder / path.name).write_text(text, encoding="utf-8")


@cache
def program(name: str) -> str | None:
    """One module with everything that it imports; None for one that wants more of Ansible than the stand-in has."""
    source = _read(f"modules/{name}.py")
    needed = _needed(source)
    if needed is None:
        return None
    sources = [(one, _utility(one)) for one in needed]
    packed = base64.b64encode(zlib.compress(json.dumps([*sources, (name, source)]).encode())).decode()
    return _PROGRAM.format(name=name, package=_PACKAGE, basic=_BASIC, sources=packed)


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
