"""Logins of private registries: which one an image needs, and how an engine takes it. Pure.

`registries:` of runner.yaml says user name and where the password comes from. The engine gets both with the request
that pulls, and keeps nothing: no `config.json` on any host.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DOCKER_HUB = "docker.io"
_HUB_NAMES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})
_HUB_ADDRESS = "https://index.docker.io/v1/"
"""What an engine calls it."""


def registry_of(image: str) -> str:
    """Where an image is fetched from, as engines read a reference: `host[:port]`, or Docker's own."""
    first, slash, _ = image.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return DOCKER_HUB if not named or first in _HUB_NAMES else first


def login_of(image: str, registries: Mapping[str, Mapping[str, Any]]) -> tuple[str, Mapping[str, Any]]:
    """(registry, its entry in the settings) of an image; the entry is empty when there is none."""
    registry = registry_of(image)
    return registry, registries.get(registry, {})


def line(registry: str) -> str:
    """What to write into runner.yaml, so that images of a registry can be had."""
    return f"registries: {{{registry}: {{username: NAME, password: env:REGISTRY_PASSWORD}}}}"


def as_engines_take_it(registry: str, username: str, password: str) -> dict[str, str]:
    """The login in the words of Docker's API."""
    address = _HUB_ADDRESS if registry == DOCKER_HUB else registry
    return {"username": username, "password": password, "serveraddress": address}
