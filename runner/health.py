"""Probes services that run, many at once. The probe itself is shared with the roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.ansible_plugins.module_utils import health_probe
from runner.domain import Health

WORKERS = 32
TIMEOUT_S = 3.0


def probe_all(checks: Mapping[str, dict[str, Any]]) -> dict[str, tuple[Health, str]]:
    """Name → (state, detail). Takes at most about `TIMEOUT_S` for every `WORKERS` services."""
    if not checks:
        return {}
    if len(checks) == 1:
        return {name: health_probe.probe(check, TIMEOUT_S) for name, check in checks.items()}
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=min(WORKERS, len(checks))) as pool:
        results = pool.map(lambda check: health_probe.probe(check, TIMEOUT_S), checks.values())
        return dict(zip(checks, results, strict=True))
