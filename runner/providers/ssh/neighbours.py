"""Deployments that name one host: what stands between them, as faults of their files. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.domain import Spec
from runner.faults import Fault

LOGIN = ("user", "key", "jump", "host_key", "become_password", "python")


def crowded(reason: str) -> Fault:
    """No GPU is left."""
    hint = "name another host, or take no GPU: machine: {gpu: none}"
    return Fault("does-not-fit", ("machine",), reason, hint)


def logins(specs: Mapping[str, Spec]) -> dict[str, Fault]:
    """Who says otherwise how to get onto an address than the first that names it: a host is asked once, for all."""
    first: dict[tuple[str, int], tuple[str, dict[str, Any]]] = {}
    found: dict[str, Fault] = {}
    for name, spec in specs.items():
        machine = spec["machine"]
        if not machine.get("address"):
            continue
        said = {field: machine.get(field) for field in LOGIN}
        owner, other = first.setdefault((machine["address"], machine.get("port", 22)), (name, said))
        if differing := [field for field in LOGIN if said[field] != other[field]]:
            message = f"it gets onto {machine['address']} by another {' and '.join(differing)} than {owner}"
            hint = "say the same in both, or once in runner.yaml: providers.ssh.hosts, and machine: {host: NAME}"
            found[name] = Fault("another-login", ("machine", differing[0]), message, hint)
    return found
