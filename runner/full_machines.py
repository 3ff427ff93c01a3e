"""Deployments that name one machine may ask for more than it has: known before anything is touched. No network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner import providers
from runner.domain import Desired
from runner.faults import Fault
from runner.providers.base import Finite

HINT = "name another host, or take no GPU: machine: {gpu: none}"


def find(desired: Iterable[Desired], settings: Mapping[str, dict[str, Any]]) -> list[tuple[Desired, Fault]]:
    """Each that finds no room, after those before it. `settings`: of each provider."""
    placed = [item for item in desired if item.place and item.state != "absent"]
    found = []
    for name in sorted({item.providers[0] for item in placed}):
        provider = providers.load(name)
        if issubclass(provider, Finite):
            there = {item.name: item for item in placed if item.providers[0] == name}
            reasons = provider.overbooked({key: item.spec for key, item in there.items()}, settings.get(name, {}))
            found += [(there[key], Fault("does-not-fit", ("machine",), why, HINT)) for key, why in reasons.items()]
    return found
