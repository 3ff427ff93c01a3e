"""Deployment + template + settings → spec: what people write is data, what templates say is resolved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.digest import canonical
from runner.domain import Desired
from tests.small import APP, Small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "repo")


REMOTE = "provider: ssh\nmachine: {address: 203.0.113.7, user: root}\n"


def resolved(small: Small, text: str = "", *, template: str = "app") -> Desired:
    small.deployment("web", f"template: {template}\n{text}")
    loaded = small.load()
    assert loaded.problems == []
    return loaded.desired["web"]


def service(small: Small, text: str = "") -> dict[str, Any]:
    found: dict[str, Any] = resolved(small, text).spec["service"]
    return found


def test_spec_has_a_declared_and_a_derived_half(small: Small) -> None:
    spec = resolved(small).spec
    declared = ["template", "provider", "machine", "params", "secrets", "ports", "env"]
    declared += ["access", "lifecycle", "owner", "labels"]
    assert list(spec) == [*declared, "needs", "role", "service"]
    assert spec["service"] == {
        "image": "example/app:1",
        "command": ["--model=small"],
        "env": {
            "TOKEN": {"secret_parts": ["Bearer ", {"secret": "password"}]},
        },
        "ports": {
            "web": {"bind": "127.0.0.1", "host": 8080, "container": 80, "protocol": "http"},
            "api": {"bind": "127.0.0.1", "host": 8081, "container": 81, "protocol": "http"},
        },
        "volumes": {},
        "shm_gb": 0,
        "user": "",
        "health": {"port": "web", "path": "/", "status": 200, "timeout_s": 120},
        "process": {"packages": ["app==1"], "command": ["app", "--port=8080"], "env": {}},
        "gpus": "none",
    }


def test_defaults_of_params_are_filled_in(small: Small) -> None:
    params = resolved(small, "params: {context: 4096}\n").spec["params"]
    assert params == {
        "model": "small",
        "context": 4096,
        "rate": 0.5,
        "debug": False,
        "extras": [],
        "tag": None,
        "text": "",
    }


def test_argument_that_resolves_to_nothing_is_left_out(small: Small) -> None:
    assert service(small, "params: {debug: true, text: hello}\n")["command"] == ["--model=small", "hello", "--debug"]


def test_every_service_binds_to_loopback_whatever_is_exposed(small: Small) -> None:
    for access in ("tunnel", "public", "{cidr: [10.0.0.0/8]}"):
        ports = service(small, f"{REMOTE}access: {{expose: {access}}}\n")["ports"]
        assert {port["bind"] for port in ports.values()} == {"127.0.0.1"}


def test_host_ports_can_be_chosen(small: Small) -> None:
    found = service(small, "ports: {web: 9000}\n")
    assert {name: port["host"] for name, port in found["ports"].items()} == {"web": 9000, "api": 8081}
    assert found["process"]["command"] == ["app", "--port=9000"]


# --- Access -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "access"),
    [
        ("", {"expose": "tunnel"}),
        ("auth: basic", {"expose": "tunnel"}),
        (
            "expose: public",
            {"expose": "public", "auth": "token", "domain": "", "tls": "internal", "ports": {"web": 443}},
        ),
        (
            "expose: public, domain: a.example.com",
            {"expose": "public", "auth": "token", "domain": "a.example.com", "tls": "acme", "ports": {"web": 443}},
        ),
        (
            "expose: {cidr: [10.0.0.0/8]}, auth: none, domain: a.example.com, ports: {api: 8443}",
            {
                "expose": {"cidr": ["10.0.0.0/8"]},
                "auth": "none",
                "domain": "a.example.com",
                "tls": "internal",
                "ports": {"api": 8443},
                "paths": {"api": ["/v1/*"]},
            },
        ),
    ],
)
def test_access_is_complete(small: Small, written: str, access: dict[str, Any]) -> None:
    assert resolved(small, f"{REMOTE}access: {{{written}}}\n").spec["access"] == access


def test_what_callers_must_know_is_never_the_services(small: Small) -> None:
    want = resolved(small, f"{REMOTE}access: {{expose: public}}\nsecrets: {{access_password: env:OTHER}}\n")
    assert want.spec["secrets"] == {"access_token": "generate", "password": "generate"}
    assert "access" not in str(want.spec["service"]["env"])
    own = resolved(small, f"{REMOTE}access: {{expose: public, auth: basic}}\nsecrets: {{access_password: env:P}}\n")
    assert own.spec["secrets"] == {"access_password": "env:P", "password": "generate"}


def test_who_reaches_it_is_no_reason_to_restart_the_service(small: Small) -> None:
    closed, opened = resolved(small, REMOTE), resolved(small, f"{REMOTE}access: {{expose: public}}\n")
    assert closed.spec != opened.spec
    assert closed.digest == opened.digest


# --- Secrets ---------------------------------------------------------------------------------------------------------


def test_secret_is_a_name_and_never_a_value(small: Small) -> None:
    spec = resolved(small, "secrets: {key: env:APP_KEY, HF_TOKEN: file:~/token}\n").spec
    assert spec["secrets"] == {"HF_TOKEN": "file:~/token", "key": "env:APP_KEY", "password": "generate"}
    env = spec["service"]["env"]
    assert env["KEY"] == {"secret_parts": [{"secret": "key"}]}
    assert env["HF_TOKEN"] == {"secret_parts": [{"secret": "HF_TOKEN"}]}


def test_generated_secret_can_come_from_elsewhere(small: Small) -> None:
    assert resolved(small, "secrets: {password: vault:SHARED}\n").spec["secrets"] == {"password": "vault:SHARED"}


def test_text_of_a_person_cannot_forge_a_secret(small: Small) -> None:
    env = service(small, 'params: {text: "{{ secrets.password }} secret_parts"}\n')["env"]
    assert env["TEXT"] == "{{ secrets.password }} secret_parts"


# --- Machines, providers, settings -----------------------------------------------------------------------------------


def test_machine_gets_the_defaults_of_its_provider(small: Small) -> None:
    assert resolved(small).spec["machine"] == {"engine": "auto"}
    assert resolved(small, "machine: {engine: process}\n").spec["machine"] == {"engine": "process"}


def test_fields_that_cannot_change_in_place_come_from_the_provider(small: Small) -> None:
    assert resolved(small).fixed == ("machine.engine",)


def test_candidates_keep_their_order_and_are_named_once(small: Small) -> None:
    assert resolved(small, "provider: [local, local]\n").providers == ("local",)


def test_deployments_of_one_machine_share_a_place(small: Small) -> None:
    assert resolved(small).place == "local"


def test_image_can_be_replaced_by_the_settings(small: Small) -> None:
    small.write("runner.yaml", "id: test\nimages: {replace: {'example/app:1': 'mirror.example/app:1'}}\n")
    assert service(small)["image"] == "mirror.example/app:1"


@pytest.mark.parametrize(("wanted", "gpus"), [("required", "all"), ("none", "none"), ("optional", "auto")])
def test_gpus_follow_from_template_and_machine(small: Small, wanted: str, gpus: str) -> None:
    small.write("templates/app.yaml", APP.replace("params:", f"requirements: {{gpu: {wanted}}}\nparams:", 1))
    assert service(small)["gpus"] == gpus


def test_model_of_the_catalogue_is_seen_by_expressions(small: Small) -> None:
    catalogue = "models: [{id: large, name: Large, size_gb: 7.5, vram_gb: 9}]\nparams:"
    size = "{{ model.size_gb if model else 0 }}"
    template = APP.replace("params:", catalogue, 1).replace("{{ params.text }}", size, 1)
    small.write("templates/app.yaml", template)
    assert service(small, "params: {model: large}\n")["command"] == ["--model=large", "7.5"]
    assert service(small, "params: {model: small}\n")["command"] == ["--model=small", "0"]


# --- Digest ----------------------------------------------------------------------------------------------------------


def test_digest_does_not_depend_on_how_it_is_written(small: Small) -> None:
    first = resolved(small, "owner: me\nenv: {A: '1', B: '2'}\nparams: {model: small}\n")
    again = resolved(small, "# later\nenv:\n  B: 2\n  A: 1\nowner: 'me'\nprovider: [local]\n")
    assert first.digest == again.digest


@pytest.mark.parametrize(
    "line",
    [
        "owner: me",
        "env: {A: b}",
        "labels: {a: b}",
        "params: {rate: 0.6}",
        "ports: {web: 1}",
        "machine: {engine: docker}",
        "secrets: {password: env:X}",
    ],
)
def test_digest_moves_with_every_declared_field(small: Small, line: str) -> None:
    assert resolved(small, line + "\n").digest != resolved(small).digest


@pytest.mark.parametrize("line", ["state: stopped", "protect: true", "hold: {until: 2026-12-24, reason: x}"])
def test_digest_is_of_the_service_not_of_the_wish(small: Small, line: str) -> None:
    assert resolved(small, line + "\n").digest == resolved(small).digest


# --- For every value -------------------------------------------------------------------------------------------------

JINJA = ["{{ 7*7 }}", "{% for x in y %}", "{# #}", "{{ secrets.password }}", "{{ lookup('pipe', 'id') }}", "!unsafe x"]
letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff")
texts = st.sampled_from(JINJA) | st.text(letters)
values = st.dictionaries(st.sampled_from(["A", "B_1"]), texts, max_size=2)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return Small(tmp_path_factory.mktemp("any") / "repo")


@settings(max_examples=60)
@given(texts, values, values, texts)
def test_what_people_write_is_data(shared: Small, param: str, env: Any, labels: Any, owner: str) -> None:
    data = {"params": {"text": param}, "env": env, "labels": labels, "owner": owner}
    spec = resolved(shared, yaml.safe_dump(data, default_style='"', allow_unicode=True)).spec
    assert (spec["params"]["text"], spec["env"], spec["labels"], spec["owner"]) == (param, env, labels, owner)
    words = spec["service"]["command"][1:]
    assert words == ([param] if param else [])
    assert spec["service"]["env"].get("TEXT", "") == param
    assert env.items() <= spec["service"]["env"].items()
    assert canonical(spec)


@pytest.mark.parametrize(
    ("provider", "fields"), [("local", ["lifecycle.ttl"]), ("aws", []), ("[aws, local]", ["lifecycle.ttl"])]
)
def test_field_has_an_effect_where_every_candidate_honours_it(small: Small, provider: str, fields: list[str]) -> None:
    text = f"template: app\nprovider: {provider}\nlifecycle: {{ttl: 8h}}\nsecrets: {{key: env:KEY}}\n"
    small.deployment("web", text)
    want = small.load().desired["web"]
    assert [field for field, _ in want.notices] == fields
    assert want.spec["lifecycle"] == {"ttl": "8h"}


def test_fixed_fields_are_found_at_any_depth(small: Small) -> None:
    small.deployment("web", "template: app\nprovider: aws\nmachine: {type: g6.xlarge}\nsecrets: {key: env:KEY}\n")
    fixed = small.load().desired["web"].fixed
    assert {"machine.type", "machine.spot.type"} <= set(fixed)
    assert not {"machine.gpu", "machine.spot", "machine.spot.max_price", "machine.max_hourly"} & set(fixed)
