"""Editors mark as people type what `validate` finds, by the JSON Schemas alone, and nothing that it takes."""

from __future__ import annotations

import json
import re
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]

from runner import formats
from runner.models import Lifecycle, Schedule
from runner.repo import Repo
from runner.schemas import schema
from runner.yamlfile import YamlFault, parse
from tests.small import Small
from tests.test_load_faults import CASES

ROOT = Path(__file__).parent.parent
OF_OTHER_FILES = {
    "port-conflict",  # follows from what other ports are
    "does-not-fit",  # from what a provider knows of machines
}
NOT_BY_A_SCHEMA = {
    "lifecycle: {schedule: {timezone: Europe/Berlinn}}",  # which zones there are depends on the machine
    "access: {expose: public, tls: acme, domain: chat.example.com, ports: {web: 8443}}",
}
FAULTS = [
    # (template of this repository, what is written, field that is marked)
    ("ollama", "params: {modle: x}", "params"),
    ("ollama", "params: {context_length: many}", "params"),
    ("ollama", "secrets: {HF_TOKEN: hf_abcdefghijklmnop}", "secrets"),
    ("ollama", "provider: gpc", "provider"),
    ("ollama", "provider: [aws, gpc]", "provider"),
    ("ollama", "provider: []", "provider"),
    ("ollama", "provider: aws\nmachine: {engine: docker}", "machine"),
    ("ollama", "provider: aws\nmachine: {region: virginia}", "machine"),
    ("ollama", "provider: aws\nmachine: {spot: maybe}", "machine"),
    ("ollama", "provider: aws\nmachine: {ssh_cidrs: [everywhere]}", "machine"),
    ("ollama", "provider: local\nmachine: {gpu: L4}", "machine"),
    ("ollama", "machine: {engine: podman}", "machine"),
    ("ollama", "provider: ssh\nmachine: {hots: gpu-1}", "machine"),
    ("ollama", "provider: ssh\nmachine: {address: 192.0.2.1, become_password: hunter2}", "machine"),
    ("ollama", "ports: {wbe: 1}", "ports"),
    ("ollama", "ports: {api: 70000}", "ports"),
    ("ollama", "lifecycle: {ttl: 8 hours}", "lifecycle"),
    ("ollama", "lifecycle: {idle: 30}", "lifecycle"),
    ("ollama", "lifecycle: {schedule: {start: '0 25 * * *'}}", "lifecycle"),
    ("ollama", "lifecycle: {schedule: {stop: 'at eight'}}", "lifecycle"),
    ("ollama", "lifecycle: {schedule: {start: '0 8 * * mon-fry'}}", "lifecycle"),
    ("ollama", "lifecycle: {schedule: {start: 'mon 8 * * *'}}", "lifecycle"),
    ("ollama", "lifecycle: {schedule: {timezone: America}}", "lifecycle"),
    ("ollama", "lifecycle: {schedule: {timezone: Berlin}}", "lifecycle"),
    ("ollama", "provider: ssh\naccess: {expose: {cidr: [203.0.113.0/33]}}", "access"),
    ("ollama", "provider: ssh\naccess: {expose: {cidr: [0.0.0.0/0]}}", "access"),
    ("ollama", "provider: ssh\naccess: {expose: public, auth: none}", "access"),
    ("ollama", "provider: local\naccess: {expose: public}", "access"),
    ("ollama", "provider: ssh\naccess: {expose: public, ports: {api: 22}}", "access"),
    ("ollama", "provider: ssh\naccess: {expose: public, domain: 'https://x.example.com'}", "access"),
    ("ollama", "provider: ssh\naccess: {expose: public, tls: acme}", "access"),
    ("ollama", "hold: {until: tomorrow, reason: x}", "hold"),
    ("ollama", "hold: {until: 2026-13-01, reason: x}", "hold"),
    ("ollama", "env: {A-B: x}", "env"),
    ("ollama", "service: {command: [x]}", "service"),
    ("ollamma", "", "template"),
    ("custom", "", "params"),
    ("custom", "params: {image: 'https://ghcr.io/x'}", "params"),
    ("custom", "params: {image: a:1}\nservice: {process: {}}", "service"),
    ("jupyter", "params: {password: hunter2}", "params"),
    ("jupyter", "budget: {max_hourly: 0}", "budget"),
    ("jupyter", "protect: 'yes'", "protect"),
]
RIGHT = [
    "template: jupyter",
    "template: jupyter\nprovider: local\nstate: stopped\nmachine: {engine: process}\nsecrets: {password: env:P}",
    "template: ollama\nprovider: [ssh, aws]\nmachine: {gpu: L4}\nparams: {model: 'qwen2.5:7b'}",
    "template: ollama\nprovider: aws\nmachine: {gpu: L4, spot: true}\nlifecycle: {ttl: 1h30m}",
    "template: ollama\nprovider: aws\nmachine: {spot: {fallback: on-demand}, region: [us-east-1, eu-west-1]}",
    "template: ollama\nprovider: ssh\nmachine: {host: gpu-1}\naccess: {expose: {cidr: [10.0.0.0/8, 'fd00::/8']}}",
    "template: ollama\nprovider: ssh\naccess: {expose: public, domain: a.example.com, tls: acme, ports: {api: 443}}",
    "template: ollama\nprovider: ssh\nmachine: {address: 192.0.2.7, become_password: env:SUDO, jump: me@gate:22}",
    "template: ollama\nenv: {A: 1, B: 1.10, C: true, D: text}\nlabels: {n: 5}",
    "template: ollama\nhold: {until: 2026-12-24, reason: demo}\nbudget: {max_hourly: 1}",
    "template: custom\nparams: {image: 'ghcr.io/a/b:1'}\nservice: {ports: {web: 9000}, gpu: required}\nports: {web: 1}",
    "template: ollama\nlifecycle: {schedule: {start: '*/5 08-18 1,15 jan-Mar mon-FRI', timezone: Europe/Berlin}}",
    "template: ollama\nsecrets: {HF_TOKEN: vault:HF, EXTRA: 'file:~/x', access_token: generate}",
]


@pytest.fixture(scope="module")
def here() -> Draft202012Validator:
    """This repository's schema of a deployment."""
    return Draft202012Validator(schema("deployment", Repo(ROOT)))


def fields(error: ValidationError) -> set[str]:
    """Top-level fields that an error is about."""
    missing = re.findall(r"'(\w+)' is a required property|\('?(\w+)'? was unexpected\)", error.message)
    words = {word for pair in missing for word in pair if word} | set(re.findall(r"'(\w+)'", error.message))
    return {str(error.absolute_path[0])} if error.absolute_path else words


def test_most_faults_of_the_loaders_table_are_marked_at_their_field(tmp_path: Path) -> None:
    """The rest is named: it follows from other files, or from the machine."""
    small = Small(tmp_path / "repo")
    marks = Draft202012Validator(schema("deployment", small.repo))
    missed = []
    for text, expected in CASES:
        code, field = re.match(r"\d+ (\S+) (\w*)", expected).groups()  # type: ignore[union-attr]
        whole = text if text.startswith("template:") else f"template: app\n{text}\n"
        try:
            data = parse(whole)
        except YamlFault:
            continue  # an editor's own parser says so
        marked = set().union(*(fields(error) for error in marks.iter_errors(data)))
        if field not in marked and code not in OF_OTHER_FILES and text.splitlines()[-1] not in NOT_BY_A_SCHEMA:
            missed.append((text, expected, marked))
    assert len(CASES) > 80
    assert missed == []


@pytest.mark.parametrize(("template", "text", "field"), FAULTS)
def test_planted_fault_is_marked(here: Draft202012Validator, template: str, text: str, field: str) -> None:
    data = parse(f"template: {template}\n{text}\n")
    assert field in set().union(*(fields(error) for error in here.iter_errors(data)))


def written() -> Iterator[tuple[str, str]]:
    """Deployments of this repository, of its documents and of the list above."""
    yield from ((f"right {number}", text) for number, text in enumerate(RIGHT))
    for path in sorted((ROOT / "deployments").glob("*.yaml")):
        yield path.name, path.read_text()
    for path in [
        ROOT / "README.md",
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "roles").glob("*/README.md")),
    ]:
        blocks = re.findall(r"^```yaml\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
        yield from (
            (f"{path.name} {i}", block)
            for i, block in enumerate(blocks)
            if "\ntemplate: " in f"\n{block}" and "…" not in block
        )


@pytest.mark.parametrize(("name", "text"), [*written()], ids=[name for name, _ in written()])
def test_what_is_right_is_not_marked(here: Draft202012Validator, name: str, text: str) -> None:
    del name
    assert [error.message for error in here.iter_errors(parse(text))] == []


def test_every_template_can_be_written_with_its_defaults(here: Draft202012Validator) -> None:
    told = here.schema["properties"]["template"]["enum"]
    assert told == sorted(path.stem for path in (ROOT / "templates").glob("*.yaml"))
    for name in told:
        needed = (
            here.schema["$defs"][f"params-{name}"]["required"] + here.schema["$defs"][f"secrets-{name}"]["required"]
        )
        marked = [error.message for error in here.iter_errors({"template": name})]
        assert bool(marked) == bool(needed), name


def test_known_templates_params_and_hosts_are_completed(tmp_path: Path) -> None:
    small = Small(tmp_path / "repo")
    small.write("runner.yaml", "id: x\nproviders: {ssh: {hosts: {gpu-1: {address: 192.0.2.1}}}}\n")
    document = schema("deployment", small.repo)
    assert document["properties"]["template"]["enum"] == ["app", "needy", "off", "soon"]
    assert document["$defs"]["params-app"]["properties"]["model"]["enum"] == ["small", "large", None]
    assert document["$defs"]["params-app"]["properties"]["context"]["minimum"] == 512
    assert document["$defs"]["machine-ssh"]["properties"]["host"]["examples"] == ["gpu-1"]


def test_faulty_template_marks_none_of_its_deployments(tmp_path: Path) -> None:
    small = Small(tmp_path / "repo")
    small.write("templates/broken.yaml", "name: x\n")
    marks = Draft202012Validator(schema("deployment", small.repo))
    assert not [*marks.iter_errors({"template": "broken", "params": {"a": 1}})]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("providers: {asw: {}}", "providers"),
        ("providers: {aws: {regoin: x}}", "providers"),
        ("providers: {ssh: {hosts: {Gpu_1: {address: x}}}}", "providers"),
        ("providers: {ssh: {hosts: {a: {address: x, port: 0}}}}", "providers"),
        ("defaults: {provider: gpc}", "defaults"),
        ("images: {replace: {a: Team/App}}", "images"),
        ("acme: {email: nobody}", "acme"),
        ("id: Not An Id", "id"),
        ("provider: aws", "provider"),
    ],
)
def test_faults_of_settings_are_marked(text: str, field: str) -> None:
    errors = [*Draft202012Validator(schema("settings")).iter_errors(parse(text))]
    assert field in set().union(*(fields(error) for error in errors))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": "1"}, "version"),
        ({"category": "llms"}, "category"),
        ({"status": "on"}, "status"),
        ({"requirements": {"gpu": "yes"}}, "requirements"),
        ({"open": ["ports", "everything"]}, "open"),
        ({"params": {"Model": {"description": "x"}}}, "params"),
        ({"params": {"model": {"type": "text", "description": "x"}}}, "params"),
        ({"icno": "x"}, "icno"),
    ],
)
def test_faults_of_templates_are_marked(change: dict[str, Any], field: str) -> None:
    data = {**parse((ROOT / "templates" / "ollama.yaml").read_text()), **change}
    errors = [*Draft202012Validator(schema("template")).iter_errors(data)]
    assert field in set().union(*(fields(error) for error in errors))


@pytest.mark.parametrize("image", ["Team/App:1", "https://ghcr.io/x", "a b"])
def test_image_of_a_template_is_checked_unless_it_is_an_expression(image: str) -> None:
    data = parse((ROOT / "templates" / "ollama.yaml").read_text())
    marks = Draft202012Validator(schema("template"))
    assert [*marks.iter_errors({**data, "service": {**data["service"], "image": image}})]
    for right in ("{{ params.image }}", "a:1"):
        assert not [*marks.iter_errors({**data, "service": {**data["service"], "image": right}})]


def test_every_zone_and_duration_that_the_loader_takes_is_taken() -> None:
    zones = sorted(zoneinfo.available_timezones() - {"Factory", "localtime"})
    assert [zone for zone in zones if not re.search(formats.ZONE, zone)] == []
    assert Schedule.model_validate({"timezone": "Europe/Berlin"}).timezone == "Europe/Berlin"
    for text in ("30m", "8h", "1h30m", "5d"):
        assert re.search(formats.DURATION, text)
        Lifecycle.model_validate({"ttl": text})


def test_committed_schema_is_that_of_this_repository() -> None:
    kept = json.loads((ROOT / "schemas" / "deployment.schema.json").read_text())
    assert kept == schema("deployment", Repo(ROOT))
