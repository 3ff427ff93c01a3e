"""The catalogue keeps its promises: every template is complete, resolves with its defaults, and hides its secrets."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner import access, derived, expressions
from runner.models import Settings
from runner.snippets import Way
from runner.template import Template
from tests.small import Small, told

FOLDER = Path(__file__).parent.parent / "templates"
ROOT = Path(__file__).parent.parent
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}
TEMPLATES = {name: Template.model_validate(yaml.safe_load(path.read_text())) for name, path in FILES.items()}
SEEDS = {"ollama", "jupyter", "desktop", "code-server", "chatterbox-tts", "comfyui", "automatic1111"}
ALSO_PROMISED = {"vllm", "tgi", "llamacpp", "custom", "custom-script"}
EXAMPLES = {"image": "registry.example/app:1.0", "script": "tools/serve.sh", "sha256": "0" * 64}
"""Values of parameters that are required and have no default."""

every_template = pytest.mark.parametrize("name", TEMPLATES)
with_and_without_gpu = pytest.mark.parametrize("machine", [{}, {"gpu": "L4"}], ids=["cpu", "gpu"])


def context(template: Template, *, machine: dict[str, Any] | None = None, every_secret: bool = True, **params: Any):
    """What an expression sees when a deployment sets nothing but what it must."""
    values = {key: param.default for key, param in template.params.items() if not param.secret}
    values |= {key: EXAMPLES[key] for key, param in template.params.items() if param.required}
    values |= params
    secrets = {key: param for key, param in template.params.items() if param.secret}
    given = frozenset(key for key, param in secrets.items() if every_secret or param.generate or param.required)
    on = {**template.service.ports}
    for one in template.service.companions.values():
        on |= one.ports if values[one.only_with] else {}
    ports = {key: port.host for key, port in on.items()}
    return {
        "deployment": {"name": "example", "owner": "team", "labels": {}},
        "params": values,
        "ports": ports,
        "container_ports": {key: port.container for key, port in template.service.ports.items()},
        "machine": machine or {},
        "model": next((model for model in template.models if model.id == values.get("model")), None),
        "secrets": {**dict.fromkeys(secrets, ""), **expressions.SecretMarkers(given)},
        **access._of_ways(ways(ports, {key: on[key].protocol for key in ports})),
    }


def ways(ports: dict[str, int], protocols: dict[str, str]) -> dict[str, Way]:
    """Each port by tunnel, of a service that asks for nothing."""
    urls = {key: f"{protocols[key]}://127.0.0.1:{number}" for key, number in ports.items()}
    return {key: Way(url, url) for key, url in urls.items()}


def commands(template: Template) -> Iterator[list[str]]:
    yield template.service.command
    yield from (one.command for one in template.service.companions.values())
    if template.service.process:
        yield template.service.process.command


def environments(template: Template) -> Iterator[dict[str, str]]:
    yield template.service.env
    yield from (one.env for one in template.service.companions.values())
    if template.service.process:
        yield template.service.process.env


def access_texts(template: Template) -> Iterator[str]:
    yield template.access.instructions
    yield from (endpoint.path for endpoint in template.access.endpoints)
    yield from (snippet.code for snippet in template.access.snippets)


def all_expressions(template: Template) -> Iterator[str]:
    yield template.service.image
    if template.service.script:
        yield from (template.service.script.source, template.service.script.sha256)
    yield from (one.image for one in template.service.companions.values())
    for command in commands(template):
        yield from command
    for env in environments(template):
        yield from env.values()
    yield from access_texts(template)


def command_line(template: Template, **params: Any) -> list[str]:
    seen = context(template, **params)
    return [word for item in template.service.command if (word := expressions.text(item, seen))]


def test_catalogue_holds_what_was_promised():
    assert set(TEMPLATES) >= SEEDS | ALSO_PROMISED


@every_template
def test_editors_find_the_schema(name):
    first_line = FILES[name].read_text().splitlines()[0]
    assert first_line == "# yaml-language-server: $schema=../schemas/template.schema.json"


@every_template
@with_and_without_gpu
@pytest.mark.parametrize("every_secret", [True, False], ids=["all-secrets", "needed-secrets"])
def test_every_expression_resolves_with_defaults(name, machine, every_secret):
    template = TEMPLATES[name]
    seen = context(template, machine=machine, every_secret=every_secret)
    for source in all_expressions(template):
        expressions.text(source, seen)


@every_template
def test_secrets_stay_out_of_commands_and_access_texts(name):
    template = TEMPLATES[name]
    seen = context(template)
    for command in commands(template):
        assert not [word for word in command if expressions.MARK in expressions.text(word, seen)]
    assert not [text for text in access_texts(template) if expressions.MARK in expressions.text(text, seen)]


@every_template
def test_every_param_has_an_effect(name):
    template = TEMPLATES[name]
    role = (ROOT / "roles" / template.role).rglob("*.yml")
    text = "\n".join([*all_expressions(template), *(path.read_text(encoding="utf-8") for path in role)])
    for key, param in template.params.items():
        if param.arguments:
            continue  # they end the command: see test_extra_arguments.py
        assert f"{'secrets' if param.secret else 'params'}.{key}" in text, key


@every_template
def test_defaults_satisfy_their_own_rules(name):
    for key, param in TEMPLATES[name].params.items():
        if param.default is None:
            continue
        assert not param.choices or param.default in param.choices, key
        assert not param.pattern or re.fullmatch(param.pattern, str(param.default)), key
        assert param.min is None or param.default >= param.min, key
        assert param.max is None or param.default <= param.max, key


@every_template
@with_and_without_gpu
def test_images_are_pinned(name, machine):
    template = TEMPLATES[name]
    image = expressions.text(template.service.image, context(template, machine=machine))
    if template.service.script:
        assert template.params["sha256"].required
        return
    assert re.fullmatch(r"[\w./-]+:(?!latest\b)[\w.-]+(@sha256:[0-9a-f]{64})?", image)


@every_template
def test_packages_of_processes_are_pinned(name):
    process = TEMPLATES[name].service.process
    for package in process.packages if process else []:
        assert re.fullmatch(r"[\w.-]+==[\w.]+", package)


@every_template
def test_no_foreign_host_is_written_down(name):
    template = TEMPLATES[name]
    seen = context(template)
    texts = [expressions.text(source, seen) for source in all_expressions(template)]
    found = {host for text in texts for host in re.findall(r"https?://([^\s/:\"'$]+)|\b(\d+\.\d+\.\d+\.\d+)\b", text)}
    assert {part for pair in found for part in pair if part} <= {"127.0.0.1", "service"}  # what a companion calls it


@every_template
def test_health_probes_a_tcp_port_of_the_service(name):
    service = TEMPLATES[name].service
    assert service.ports[service.health.port].protocol in {"http", "https", "tcp"}


@every_template
def test_library_is_consistent(name):
    template = TEMPLATES[name]
    ids = [model.id for model in template.models]
    assert len(ids) == len(set(ids))
    assert all(model.vram_gb > model.size_gb for model in template.models)
    assert not ids or template.params["model"].default in ids
    pattern = template.params["model"].pattern if ids else ""
    assert all(re.fullmatch(pattern, model_id) for model_id in ids)


@every_template
def test_inactive_templates_say_why(name):
    template = TEMPLATES[name]
    assert template.status == "active" or template.status_note


def test_default_ports_differ_so_that_services_share_a_machine():
    hosts = [port.host for template in TEMPLATES.values() for port in template.service.ports.values()]
    assert len(hosts) == len(set(hosts))


def test_jupyter_runs_on_two_engines_with_one_password():
    jupyter = TEMPLATES["jupyter"]
    assert jupyter.status == "active"
    assert jupyter.service.process
    assert jupyter.service.health.path == "/api"
    token = expressions.value(jupyter.service.env["JUPYTER_TOKEN"], context(jupyter))
    assert token == {"secret_parts": [{"secret": "password"}]}


def test_jupyter_takes_the_cuda_image_on_a_gpu_machine():
    jupyter = TEMPLATES["jupyter"]
    images = [expressions.text(jupyter.service.image, context(jupyter, machine=m)) for m in ({}, {"gpu": "L4"})]
    assert ["cuda" in image for image in images] == [False, True]


@pytest.mark.parametrize("name", ["vllm", "tgi", "llamacpp"])
def test_service_that_downloads_its_model_has_the_time_for_it(tmp_path, name):
    """At 50 MB/s, beside what it takes otherwise; whoever says how long means all of it."""
    small = Small(tmp_path / "repo")
    small.write(f"templates/{name}.yaml", (FOLDER / f"{name}.yaml").read_text())
    largest = max(TEMPLATES[name].models, key=lambda model: model.size_gb)
    head = f"template: {name}\nprovider: ssh\nmachine: {{address: 192.0.2.1}}\n"
    small.deployment("large", f"{head}params: {{model: {largest.id!r}}}\nports: {{api: 9001}}\n")
    small.deployment(
        "own", f"{head}params: {{model: {largest.id!r}}}\nservice: {{health: {{timeout_s: 7}}, shm_gb: 3}}\n"
    )
    found = {key: item.spec["service"] for key, item in small.load().desired.items()}
    usual = TEMPLATES[name].service.health.timeout_s
    assert found["large"]["health"]["timeout_s"] == usual + round(20 * largest.size_gb)
    assert (found["own"]["health"]["timeout_s"], found["own"]["shm_gb"]) == (7, 3)


@pytest.mark.parametrize("name", ["vllm", "tgi"])
def test_gated_model_asks_for_its_token_before_a_machine_does(tmp_path, name):
    small = Small(tmp_path / "repo")
    small.write(f"templates/{name}.yaml", (FOLDER / f"{name}.yaml").read_text())
    gated = next(model.id for model in TEMPLATES[name].models if model.gated)
    free = next(model.id for model in TEMPLATES[name].models if not model.gated)
    head = f"template: {name}\nprovider: ssh\nmachine: {{address: 192.0.2.1}}\nparams: {{model: "
    for number, (key, text) in enumerate(
        {
            "without": f"{gated}}}\n",
            "with": f"{gated}}}\nsecrets: {{hf_token: env:X}}\n",
            "by-env": f"{gated}}}\nsecrets: {{HF_TOKEN: env:X}}\n",
            "free": f"{free}}}\n",
        }.items()
    ):
        small.deployment(key, f"{head}{text}ports: {{api: {9000 + number}}}\n")
    [(where, code, field, said, hint)] = told(small.load().problems)
    assert (where, code, field) == ("deployments/without.yaml:1", "missing-secret", "secrets.hf_token")
    assert gated in said
    assert "secrets: {hf_token: env:HF_TOKEN}" in hint


@pytest.mark.parametrize(("name", "param"), [("vllm", "tensor_parallel_size"), ("tgi", "num_shard")])
def test_model_that_is_spread_needs_as_many_gpus(name, param):
    counts = [derived.needs(TEMPLATES[name], {param: value}).get("gpu_count", 1) for value in (None, 1, 4)]
    assert counts == [1, 1, 4]


@pytest.mark.parametrize(
    ("name", "params", "flag"),
    [
        ("vllm", {"max_model_len": 4096}, "--max-model-len=4096"),
        ("vllm", {"quantization": "awq"}, "--quantization=awq"),
        ("vllm", {"served_model_name": "chat"}, "--served-model-name=chat"),
        ("tgi", {"max_total_tokens": 4096}, "--max-total-tokens=4096"),
        ("tgi", {"quantize": "gptq"}, "--quantize=gptq"),
    ],
)
def test_optional_flags_appear_only_when_set(name, params, flag):
    template = TEMPLATES[name]
    assert flag in command_line(template, **params)
    assert flag not in command_line(template)


def test_vllm_command_starts_with_the_model():
    assert command_line(TEMPLATES["vllm"])[0] == "Qwen/Qwen2.5-7B-Instruct"


# --- What people paste -----------------------------------------------------------------------------------------------

HOSTILE = 'it\'s "x"; touch canary; $(touch canary) `touch canary`\n'


def hostile(template: Template) -> dict[str, Any]:
    """Every text parameter says something that would be a command. No pattern helps: they may change."""
    texts = {key: HOSTILE for key, param in template.params.items() if param.type == "string" and not param.secret}
    seen = context(template)
    return {**seen, "params": {**seen["params"], **texts}, "secrets": {key: f"<{key}>" for key in template.params}}


@every_template
def test_pasted_shell_runs_nothing_but_itself(name: str, tmp_path: Path) -> None:
    template = TEMPLATES[name]
    for snippet in template.access.snippets:
        if snippet.language == "bash":
            (tmp_path / "curl").write_text("#!/bin/sh\n")
            (tmp_path / "curl").chmod(0o755)
            code = "ssh() { :; }\n" + expressions.text(snippet.code, hostile(template))
            env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
            done = subprocess.run(
                ["bash", "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
            )
            assert "syntax error" not in done.stderr, code
            assert not (tmp_path / "canary").exists(), code


@every_template
def test_pasted_python_takes_values_as_texts(name: str) -> None:
    template = TEMPLATES[name]
    for snippet in template.access.snippets:
        if snippet.language == "python":
            tree = ast.parse(expressions.text(snippet.code, hostile(template)))
            assert "touch canary" not in ast.unparse(tree).replace(repr(HOSTILE), "")


@every_template
@with_and_without_gpu
@pytest.mark.parametrize("chat", [False, True])
def test_what_is_absent_is_left_out_of_the_environment(name: str, machine: dict[str, Any], *, chat: bool) -> None:
    """Of the service, of its companions and of its process: no HF_TOKEN="" and no None for what nobody gave."""
    template = TEMPLATES[name]
    given = context(
        template, machine=machine, every_secret=False, **({"chat": True} if name == "ollama" and chat else {})
    )
    service = derived.service(template, given, Settings())
    parts = [service, service["process"] or {}, *service.get("companions", {}).values()]
    empty = {key for part in parts for key, value in part.get("env", {}).items() if value in ("", "None")}
    written = {key for env in environments(template) for key, text in env.items() if "{" in text}
    assert empty & written == set()
    assert not any(value == "None" for part in parts for value in part.get("command", []))


@pytest.mark.parametrize("text", ["{{ secrets.token }}", "{{ params.word }}", "{% if params.word %}x{% endif %}"])
def test_an_expression_that_resolves_to_nothing_leaves_its_variable_out(text: str) -> None:
    scope = expressions.Scope(secrets={"token": ""}, params={"word": None})
    found = derived._environment({"MAYBE": text, "EMPTY": "", "ALWAYS": "a{{ params.word }}b"}, scope)
    assert found == {"EMPTY": "", "ALWAYS": "ab"}
