"""Bundled modules: what they import is in them, they run on a bare Python, and their basics answer as Ansible's do."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from runner import bundles
from runner.ansible_plugins.module_utils import light_basic
from tests import hostile
from tests.ansible_plugins.module_run import PLUGINS, run_module

MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
BUNDLED = [name for name in MODULES if bundles.packed(name) is not None]


def ran(name: str, **arguments: Any) -> dict[str, Any]:
    """The bundle's answer, from a Python without any package."""
    program = bundles.program(name, json.dumps(arguments))
    assert program is not None
    done = subprocess.run([sys.executable, "-I", "-S", "-"], input=program.encode(), capture_output=True, check=False)
    assert done.stdout, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == int(answer.get("failed", False))
    return answer


def test_all_are_bundled_but_those_that_need_more_of_ansible() -> None:
    assert [name for name in MODULES if name not in BUNDLED] == ["package_source", "slipway_stub"]


@pytest.mark.parametrize("path", sorted(PLUGINS.glob("module*/*.py")), ids=lambda path: path.stem)
def test_imports_are_found_without_parsing(path: Path) -> None:
    source, wanted = path.read_text(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module == "ansible.module_utils" or (node.level and not module):
                wanted |= {alias.name for alias in node.names}
            elif module.startswith("ansible.module_utils.") or node.level:
                wanted.add(module.removeprefix("ansible.module_utils."))
    assert set(bundles._imports(source)) == wanted


@pytest.mark.parametrize("name", BUNDLED)
def test_bundle_refuses_what_the_module_does_not_know(name: str) -> None:
    answer = ran(name, no_such_option=1)
    assert "no_such_option" in answer["msg"]


def test_bundle_answers_like_the_module() -> None:
    asked: dict[str, Any] = {"packages": ["surely-no-package"], "files": ["/etc/passwd"], "user": "root"}
    bundle = ran("host_facts", **asked)["ansible_facts"]["slipway_host"]
    module = run_module("host_facts", **asked)["ansible_facts"]["slipway_host"]
    for lively in ("resources", "packages"):
        assert bundle.pop(lively).keys() == module.pop(lively).keys()
    assert bundle == module


def test_every_character_arrives_as_it_was(tmp_path: Path) -> None:
    text = "a'b\"c\\n\u00e9\U0001f600\u2028 {{ x }}\n#\t'''" + "".join(hostile.MARKERS)
    assert ran("host_files", files={str(tmp_path / "deep" / "file"): text})["changed"]
    assert (tmp_path / "deep" / "file").read_text() == text


@pytest.mark.parametrize("name", BUNDLED)
def test_nothing_of_the_arguments_stands_in_the_program(name: str) -> None:
    quiet, loud = (bundles.program(name, json.dumps({"x": text})) for text in ("", "".join(hostile.values(Path("x")))))
    assert quiet is not None
    assert loud is not None
    differ = [pair for pair in zip(quiet.splitlines(), loud.splitlines(), strict=True) if len(set(pair)) > 1]
    assert len(differ) == 1
    assert re.fullmatch(
        r'ARGUMENTS = json\.loads\(base64\.b64decode\("[A-Za-z0-9+/=]*"\)\.decode\("utf-8"\)\)', differ[0][1]
    )
    assert [marker for marker in hostile.MARKERS if marker in loud] == []


SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "number": {"type": "int", "default": 3},
    "size": {"type": "float"},
    "on": {"type": "bool", "default": False},
    "words": {"type": "list", "elements": "str", "default": []},
    "ports": {"type": "list", "elements": "dict", "options": {"host": {"type": "int", "required": True}}},
    "env": {"type": "dict", "default": {}},
    "file": {"type": "path"},
    "kind": {"choices": ["a", "b"], "default": "a"},
    "any": {"type": "raw"},
}
GOOD: list[dict[str, Any]] = [
    {"name": "x"},
    {"name": 1, "number": "4", "size": 2, "on": "yes", "words": ["a", 1]},
    {"name": "x", "size": None, "words": "a,b", "kind": "b"},
    {"name": "x", "ports": [{"host": "80"}, {"host": 81}], "env": {"A": 1}},
    {"name": "x", "file": "~/x", "any": {"deep": [None]}},
    {"name": "x", "on": 1, "size": "0.5", "number": 5.0},
]
BAD: list[dict[str, Any]] = [
    {},
    {"name": "x", "number": None},
    {"name": "x", "number": "many"},
    {"name": "x", "number": 1.5},
    {"name": "x", "on": "maybe"},
    {"name": "x", "kind": "c"},
    {"name": "x", "ports": [{}]},
    {"name": "x", "ports": [{"host": 1, "hots": 2}]},
    {"name": "x", "env": 3},
    {"name": "x", "unknown": 1},
]


@pytest.mark.parametrize("given", GOOD)
def test_arguments_are_read_as_ansible_reads_them(given: dict[str, Any]) -> None:
    theirs = ArgumentSpecValidator(SPEC).validate(given)
    assert theirs.error_messages == []
    assert light_basic.checked(SPEC, given) == theirs.validated_parameters


@pytest.mark.parametrize("given", BAD)
def test_arguments_are_refused_where_ansible_refuses_them(given: dict[str, Any]) -> None:
    assert ArgumentSpecValidator(SPEC).validate(given).error_messages
    with pytest.raises(light_basic.ArgumentError):
        light_basic.checked(SPEC, given)


def test_what_is_required_together_is_asked_for() -> None:
    needs = [("kind", "b", ["file"])]
    with pytest.raises(light_basic.ArgumentError, match="file"):
        light_basic.checked(SPEC, {"name": "x", "kind": "b"}, needs)
    assert light_basic.checked(SPEC, {"name": "x"}, needs)["kind"] == "a"


def test_secrets_are_hidden_wherever_they_stand() -> None:
    spec = {"env": {"type": "dict", "no_log": True}, "name": {"type": "str"}}
    secret = light_basic.secrets(spec, {"env": {"A": "hunter22", "B": ["deep"], "C": 12345}, "name": "open"})
    assert secret == {"hunter22", "deep", "12345"}
    shown = light_basic.hidden({"msg": "open: hunter22!", "rows": ["deep", 12345, True], "n": 5}, secret)
    assert shown == {"msg": f"open: {light_basic.HIDDEN}!", "rows": [light_basic.WHOLE] * 2 + [True], "n": 5}
