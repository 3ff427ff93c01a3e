"""The table of proven templates says what the end-to-end tests do: none is forgotten, nothing said without a test."""

from __future__ import annotations

import ast
from pathlib import Path

import yaml

from tests.e2e.proofs import PROOFS, SHOWN, image, kind
from tests.lab import images
from tests.test_templates import ALSO_PROMISED, SEEDS

ROOT = Path(__file__).parent.parent
E2E = ROOT / "tests" / "e2e" / "test_templates.py"


def test_every_proof_is_of_a_template_that_deploys() -> None:
    for name in PROOFS:
        assert yaml.safe_load((ROOT / "templates" / f"{name}.yaml").read_text())["status"] == "active"


def test_all_that_was_promised_is_run() -> None:
    assert PROOFS.keys() >= SEEDS | ALSO_PROMISED


def test_every_column_is_a_test_that_goes_through_all_proofs() -> None:
    tests = {node.name: node for node in ast.parse(E2E.read_text()).body if isinstance(node, ast.FunctionDef)}
    for name in SHOWN.values():
        assert [ast.unparse(decorator) for decorator in tests[name].decorator_list] == ["each_template"]
    assert 'each_template = pytest.mark.parametrize("template", PROOFS)' in E2E.read_text()


def test_kind_follows_from_the_image() -> None:
    for template in PROOFS:
        assert not image(template) or image(template) in images.names()
    assert {name for name in PROOFS if kind(name) == "a stand-in"} == {
        "ollama", "vllm", "tgi", "comfyui", "automatic1111", "chatterbox-tts",
    }  # fmt: skip
    assert kind("nothing") == "not run"
