"""The `systemd` engine as seen from this machine: what a host's observer says of the scripts there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runner.ansible_plugins.module_utils.restarts import MANY, told
from runner.domain import Health, Resource


def resources(
    units: Sequence[Mapping[str, Any]],
    provider: str,
    *,
    facts: Mapping[str, Any],
    health: Mapping[str, tuple[Health, str]],
) -> list[Resource]:
    """The deployments behind `units` of the observer; `facts` are added to each, `health` goes by name."""
    found = []
    for unit in units:
        state, detail = health.get(unit["deployment"], ("unknown", ""))
        if unit["state"] == "running" and (unit["detail"] or unit["restarts"] >= MANY):
            often = told(unit["restarts"]) if unit["restarts"] >= MANY else unit["detail"]
            state, detail = "unhealthy", f"{often}; see its log"
        resource = Resource(
            deployment=unit["deployment"],
            provider=provider,
            id=f"systemd:{facts.get('host', '')}:{unit['unit']}",
            state=unit["state"],
            digest=unit["digest"],
            facts={"engine": "systemd", "unit": unit["unit"], **facts},
            detail=unit["detail"],
            since=unit["since"],
            restarts=unit["restarts"],
        )
        found.append(replace(resource, health=state, health_detail=detail))
    return found
