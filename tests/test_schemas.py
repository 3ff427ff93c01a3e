"""What editors complete and check with is what the loader accepts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes with ansible-lint, without types
from pydantic import BaseModel

from runner import providers
from runner.models import Deployment, Settings
from runner.schemas import KINDS, schema
from runner.template import Template
from tests.small import APP

ROOT = Path(__file__).parent.parent
MODELS: dict[str, type[BaseModel]] = {"deployment": Deployment, "template": Template, "settings": Settings}
FULL = """\
template: jupyter
provider: [ssh]
state: stopped
machine: {host: gpu-1}
params: {a: 1}
env: {A: text}
secrets: {TOKEN: env:TOKEN}
service: {command: [serve], ports: {web: 8888, raw: {container: 9, protocol: tcp}}, health: {path: /}}
ports: {web: 8888}
access: {expose: {cidr: [203.0.113.0/24]}, auth: token}
protect: true
hold: {until: '2026-12-24', reason: demo}
lifecycle: {idle: 30m, ttl: 8h, schedule: {start: '0 8 * * 1-5', timezone: Europe/Berlin}}
budget: {max_hourly: 1.5}
owner: team
labels: {project: chatbot}
integrations: [mcp]
"""


def faults(kind: str, data: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema(kind)).iter_errors(data)]


def test_every_reference_leads_somewhere() -> None:
    for kind in KINDS:
        references = {node["$ref"] for node in nodes(schema(kind)) if "$ref" in node}
        assert references <= {f"#/$defs/{name}" for name in schema(kind)["$defs"]}


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(inner)


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_a_valid_schema_that_json_can_hold(kind: str) -> None:
    document = schema(kind)
    Draft202012Validator.check_schema(document)
    assert json.loads(json.dumps(document)) == document
    assert schema(kind) == document


@pytest.mark.parametrize("kind", KINDS)
def test_schema_knows_every_field_of_its_model(kind: str) -> None:
    assert schema(kind)["properties"].keys() == MODELS[kind].model_fields.keys()
    assert schema(kind)["additionalProperties"] is False


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_annotations_stay_here(kind: str) -> None:
    assert "in_place" not in json.dumps(schema(kind))
    assert not [node for node in nodes(schema(kind)) if node.get("effect") == "later"]


def test_every_provider_has_its_options_and_settings_in_the_schemas() -> None:
    definitions = schema("deployment")["$defs"]
    known = schema("settings")["properties"]["providers"]["properties"]
    assert known.keys() == set(providers.names())
    for name in providers.names():
        assert definitions[f"machine-{name}"]["properties"].keys() == providers.load(name).options().model_fields.keys()
        assert known[name]["properties"].keys() == providers.load(name).settings().model_fields.keys()


def test_complete_deployment_is_accepted_by_schema_and_model() -> None:
    data = yaml.safe_load(FULL)
    assert data.keys() == Deployment.model_fields.keys()
    assert faults("deployment", data) == []
    Deployment.model_validate(data)


@pytest.mark.parametrize(
    "change",
    [
        {"porvider": "local"},
        {"state": "started"},
        {"template": None},
        {"ports": {"web": 0}},
        {"ports": {"web": 65536}},
        {"env": {"1BAD": "x"}},
        {"access": {"expose": "everyone"}},
        {"access": {"expose": {"cidr": []}}},
        {"hold": {"until": "2026-12-24"}},
        {"budget": {"max_hourly": 0}},
        {"integrations": ["fax"]},
        {"machine": {"engine": "podman"}},
    ],
)
def test_what_the_loader_refuses_an_editor_marks(change: dict[str, Any]) -> None:
    assert faults("deployment", {**yaml.safe_load(FULL), **change})


def test_template_is_required() -> None:
    assert faults("deployment", {"provider": "local"}) == ["'template' is a required property"]


def test_templates_of_this_repository_and_of_the_tests_fit() -> None:
    assert faults("template", yaml.safe_load(APP)) == []
    for path in sorted((ROOT / "templates").glob("*.yaml")):
        assert faults("template", yaml.safe_load(path.read_text())) == [], path.name


def test_settings_of_this_repository_fit() -> None:
    assert faults("settings", yaml.safe_load((ROOT / "runner.yaml").read_text())) == []
