"""Deployments that name one machine and do not go together: known before anything is touched. No network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner import providers
from runner.domain import Desired
from runner.faults import Fault
from runner.providers.base import Shared


def find(desired: Iterable[Desired], settings: Mapping[str, dict[str, Any]]) -> list[tuple[Desired, Fault]]:
    """Each that does not go with those before it. `settings`: of each provider."""
    placed = [item for item in desired if item.place and item.state != "absent"]
    found = []
    for name in sorted({item.providers[0] for item in placed}):
        provider = providers.load(name)
        if issubclass(provider, Shared):
            there = {item.name: item for item in placed if item.providers[0] == name}
            faults = provider.conflicts({key: item.spec for key, item in there.items()}, settings.get(name, {}))
            found += [(there[key], fault) for key, fault in faults.items()]
    return found
