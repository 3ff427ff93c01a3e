"""Which login an image is pulled with, what the settings may say of it, and what is said when there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner import registries
from runner.ansible_plugins.filter.slipway import slipway_registry_hint, slipway_registry_login
from tests.conftest import RepoBuilder

DECLARED = {"ghcr.io": {"username": "me", "password": "env:GHCR_TOKEN"}}


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("alpine", "docker.io"),
        ("alpine:3", "docker.io"),
        ("vllm/vllm-openai:v1@sha256:0", "docker.io"),
        ("docker.io/library/alpine", "docker.io"),
        ("index.docker.io/library/alpine", "docker.io"),
        ("ghcr.io/a/b/c:1", "ghcr.io"),
        ("registry.example:5000/app", "registry.example:5000"),
        ("localhost/app", "localhost"),
        ("127.0.0.1:5000/app@sha256:0", "127.0.0.1:5000"),
        ("lab:5000/app", "lab:5000"),
        ("ghcr.io", "docker.io"),
    ],
)
def test_registry_of_an_image(image: str, registry: str) -> None:
    assert registries.registry_of(image) == registry


def test_login_goes_to_the_registry_of_the_image_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GHCR_TOKEN", "canary-ghcr\n")
    found = slipway_registry_login("ghcr.io/a/b:1", DECLARED, str(tmp_path))
    assert found == {"username": "me", "password": "canary-ghcr", "serveraddress": "ghcr.io"}
    assert slipway_registry_login("quay.io/a/b:1", DECLARED, str(tmp_path)) == {}
    hub = {"docker.io": DECLARED["ghcr.io"]}
    assert slipway_registry_login("alpine", hub, str(tmp_path))["serveraddress"] == "https://index.docker.io/v1/"


def test_hint_is_the_line_to_write_or_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GHCR_TOKEN", raising=False)
    line = "registries: {quay.io: {username: NAME, password: env:REGISTRY_PASSWORD}}"
    assert line in slipway_registry_hint("quay.io/a:1", DECLARED, str(tmp_path))
    assert "export GHCR_TOKEN=…" in slipway_registry_hint("ghcr.io/a:1", DECLARED, str(tmp_path))
    assert slipway_registry_login("ghcr.io/a:1", DECLARED, str(tmp_path)) == {}
    monkeypatch.setenv("GHCR_TOKEN", "x")
    assert "registries.ghcr.io in runner.yaml" in slipway_registry_hint("ghcr.io/a:1", DECLARED, str(tmp_path))


FAULTS: dict[str, tuple[str, str, str]] = {
    "a value": ("ghcr.io: {username: me, password: hunter22}", "registries.ghcr.io.password", "never the secret"),
    "generated": ("ghcr.io: {username: me, password: generate}", "registries.ghcr.io.password", "does not know"),
    "no password": ("ghcr.io: {username: me}", "registries.ghcr.io.password", ""),
    "no user": ("ghcr.io: {username: '', password: env:A}", "registries.ghcr.io.username", ""),
    "unknown field": ("ghcr.io: {user: me, username: me, password: env:A}", "registries.ghcr.io.user", ""),
    "a URL": ("'https://ghcr.io': {username: me, password: env:A}", "registries", "host of a registry"),
    "a path": ("ghcr.io/a: {username: me, password: env:A}", "registries", "host of a registry"),
    "odd file": ("ghcr.io: {username: me, password: 'file:/dev/zero'}", "registries.ghcr.io.password", "is a device"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_validate_says_what_is_wrong_with_a_login(repo: RepoBuilder, fault: str) -> None:
    text, field, message = FAULTS[fault]
    repo.settings(f"id: test\nregistries:\n  {text}\n")
    done = repo.run("validate", "--json")
    assert done.returncode == 3, done.stdout
    errors: list[dict[str, Any]] = json.loads(done.stdout)["errors"]
    assert any(e["field"].startswith(field) and message in e["message"] for e in errors), errors
    assert "hunter22" not in done.stdout + done.stderr


def test_validate_names_a_login_that_nothing_uses(repo: RepoBuilder) -> None:
    login = "{username: me, password: env:A}"
    repo.settings(f"id: test\nregistries: {{ghcr.io: {login}, quay.io: {login}}}\n")
    repo.deployment("web", "template: custom\nparams: {image: 'quay.io/a/b:1'}\n")
    done = repo.run("validate", "--json")
    assert done.returncode == 0, done.stdout
    assert [notice["field"] for notice in json.loads(done.stdout)["notices"]] == ["registries.ghcr.io"]
