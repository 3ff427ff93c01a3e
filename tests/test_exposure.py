"""Whether a template's service may be open with each kind of authentication, and what of it is open without any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.small import Small, told
from tests.test_templates import EXAMPLES, FOLDER, TEMPLATES

GUARDED: dict[str, dict[str, list[str]]] = {
    "vllm": {"api": ["/v1/*", "/health"]},
    "llamacpp": {"api": ["/", "/health", "/v1/*"]},
    "ollama": {
        "api": [
            "/api/version",
            "/api/tags",
            "/api/ps",
            "/api/show",
            "/api/chat",
            "/api/generate",
            "/api/embed",
            "/v1/*",
        ]
    },
    "custom": {"web": ["/*"]},
}
"""Template → port → all that passes with `auth: none`. Whatever is not here is refused."""
PORTS = [(name, port) for name in TEMPLATES for port in TEMPLATES[name].service.all_ports() if name != "custom-script"]
BASIC_REFUSED = {("vllm", "api"), ("tgi", "api"), ("llamacpp", "api"), ("jupyter", "web"), ("desktop", "web")}
NONE = "{cidr: [10.0.0.0/8]}, auth: none"


def load(tmp_path: Path, name: str, port: str, access: str) -> Any:
    small = Small(tmp_path / "repo")
    small.write(f"templates/{name}.yaml", (FOLDER / f"{name}.yaml").read_text())
    needed = {key: EXAMPLES[key] for key, param in TEMPLATES[name].params.items() if param.required}
    params = {**needed, **({"chat": True} if port == "chat" else {})}
    text = f"template: {name}\nprovider: ssh\nmachine: {{address: 192.0.2.1, gpu: L4}}\nparams: {params}\n".replace(
        "True", "true"
    )
    small.deployment(
        "mine", f"{text}access:\n  expose: {access.replace(', ', chr(10) + '  ', 1)}\n  ports: {{{port}: 443}}\n"
    )
    return small.load()


@pytest.mark.parametrize(("name", "port"), PORTS)
def test_without_authentication_only_what_the_template_lists_is_open(tmp_path: Path, name: str, port: str) -> None:
    loaded = load(tmp_path, name, port, NONE)
    expected = GUARDED.get(name, {}).get(port)
    if expected is None:
        [(where, code, field, said, _)] = told(loaded.problems)
        assert (where, code, field) == ("deployments/mine.yaml:7", "unguarded", "access.auth")
        assert f"{port} of {name}" in said
    else:
        assert loaded.problems == []
        assert loaded.desired["mine"].spec["access"]["paths"] == {port: expected}


@pytest.mark.parametrize(("name", "port"), PORTS)
@pytest.mark.parametrize("auth", ["token", "basic"])
def test_two_never_want_the_same_header(tmp_path: Path, name: str, port: str, auth: str) -> None:
    loaded = load(tmp_path, name, port, f"public, auth: {auth}")
    refused = auth == "basic" and (name, port) in BASIC_REFUSED
    assert [code for _, code, *_ in told(loaded.problems)] == ["two-authorizations"] * refused
    if not refused:
        assert "paths" not in loaded.desired["mine"].spec["access"]


def test_public_without_authentication_is_one_fault(tmp_path: Path) -> None:
    loaded = load(tmp_path, "vllm", "api", "public, auth: none")
    assert [code for _, code, *_ in told(loaded.problems)] == ["public-without-auth"]
