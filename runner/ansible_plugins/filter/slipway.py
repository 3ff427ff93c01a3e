"""Ansible filters of Slipway: put secrets in place at the last moment, and derive the health check of a spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

from runner import reach, registries, specs, vault
from runner.errors import RunnerError
from runner.repo import Repo


def slipway_reveal(
    value: Any,
    root: str,
    deployment: str,
    sources: dict[str, str],
    check: bool = False,  # noqa: FBT001, FBT002 - called from Jinja
) -> Any:
    """The value with every secret in place. Only for `slipway_hidden`. A check stores nothing that it had to make."""
    try:
        return vault.reveal(value, vault.ensure(Repo(Path(root)), deployment, sources, store=not check))
    except RunnerError as error:
        raise AnsibleFilterError(f"{error}. {error.hint}") from error


def slipway_secret_names(env: dict[str, Any]) -> list[str]:
    """The variables of an environment, before `slipway_reveal`, that hold a secret."""
    return sorted(name for name, value in env.items() if not isinstance(value, str))


def slipway_become_password(source: str | None, root: str) -> str | None:
    """The password for sudo; null when none is needed."""
    if not isinstance(source, str) or not source:
        return None
    try:
        return vault.external(Repo(Path(root)), "become_password", source)
    except RunnerError as error:
        raise AnsibleFilterError(f"{error}. {error.hint}") from error


def slipway_registry_login(image: str, settings: dict[str, Any], root: str) -> dict[str, str]:
    """The login with which an image is pulled; empty where none is declared, or its password is not known here."""
    registry, entry = registries.login_of(str(image), settings)
    if not entry:
        return {}
    try:
        password = vault.external(Repo(Path(root)), "", str(entry["password"]))
    except RunnerError:
        return {}  # what is there already need not be pulled; the hint says what is missing
    vault.revealed.add(password)
    return registries.as_engines_take_it(registry, str(entry["username"]), password)


def slipway_registry_hint(image: str, settings: dict[str, Any], root: str) -> str:
    """What to do when the registry does not give out the image."""
    registry, entry = registries.login_of(str(image), settings)
    if not entry:
        return f"check its name; if it is right, write into runner.yaml: {registries.line(registry)}"
    try:
        vault.external(Repo(Path(root)), f"registries.{registry}", str(entry["password"]))
    except RunnerError as error:
        return f"{error}: {error.hint}"
    return f"check its name, and user name and password of registries.{registry} in runner.yaml"


def slipway_leader(together: list[str], gpu: list[str]) -> str:
    """The one of the deployments that share a machine which prepares it for all: one that needs a GPU, if any does."""
    return min(together, key=lambda name: (name not in gpu, name))


def slipway_health(spec: dict[str, Any]) -> dict[str, Any]:
    """How to probe the service; empty for an orphan, of which nothing but the name is known."""
    return specs.health_check(spec) if "service" in spec else {}


def slipway_exposed_secret(access: dict[str, Any]) -> Any:
    """What callers have to know, before `slipway_reveal`; empty when they need nothing."""
    name = reach.SECRETS[access["auth"]]
    return {"secret_parts": [{"secret": name}]} if name else ""


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Any]:
        """Name → filter."""
        return {
            "slipway_reveal": slipway_reveal,
            "slipway_secret_names": slipway_secret_names,
            "slipway_leader": slipway_leader,
            "slipway_registry_login": slipway_registry_login,
            "slipway_registry_hint": slipway_registry_hint,
            "slipway_become_password": slipway_become_password,
            "slipway_exposed_host": reach.host,
            "slipway_exposed_ports": specs.exposed_ports,
            "slipway_exposed_secret": slipway_exposed_secret,
            "slipway_health": slipway_health,
            "slipway_companion_health": specs.companion_health,
            "slipway_volumes": specs.container_volumes,
            "slipway_container_ports": specs.container_ports,
        }
