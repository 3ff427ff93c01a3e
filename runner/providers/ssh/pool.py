"""Which host of the pool a deployment gets. Pure.

What is in use is what records say; a deployment that has a host keeps it as long as it fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner.domain import Record, Spec

NEEDS = (("vram_gb", "GB of GPU memory"), ("ram_gb", "GB of memory"), ("disk_gb", "GB of disk"))


def gpus_of(spec: Spec) -> int:
    """How many GPUs a deployment takes."""
    asked = int(spec.get("machine", {}).get("gpus") or 0)
    return asked or (1 if spec.get("service", {}).get("gpus", "none") != "none" else 0)


def choose(
    hosts: Mapping[str, Mapping[str, Any]], spec: Spec, used: Iterable[Record], current: str = ""
) -> tuple[str, dict[str, str]]:
    """(host, reasons why the others do not fit). The host is empty when none fits.

    The current one first, then the smallest that fits, so that large hosts stay free for those who need them.
    """
    taken = list(used)
    reasons = {name: misfit(name, host, spec, taken) for name, host in hosts.items()}
    fitting = [name for name, reason in reasons.items() if not reason]
    if current in fitting:
        return current, reasons
    fitting.sort(key=lambda name: (_size(hosts[name]), _load(name, taken), name))
    return (fitting[0] if fitting else ""), reasons


def misfit(name: str, host: Mapping[str, Any], spec: Spec, used: Iterable[Record]) -> str:
    """Why a host does not fit; empty when it does. Memory and disk that a host does not state are no obstacle."""
    wanted = spec["machine"]
    if wanted.get("gpu") and wanted["gpu"].lower() != str(host.get("gpu", "")).lower():
        return f"has {host.get('gpu') or 'no GPU'}, not {wanted['gpu']}"
    for field, unit in NEEDS:
        said = host.get(field, 0)
        if wanted.get(field, 0) > said and (said or field == "vram_gb"):
            return f"has {said:g} {unit}, not {wanted[field]:g}"
    return _shortage(name, host, spec, used)


def _shortage(name: str, host: Mapping[str, Any], spec: Spec, used: Iterable[Record]) -> str:
    neighbours = [record for record in used if record.machine.get("host") == name and record.spec.get("service")]
    needed, free = gpus_of(spec), int(host.get("gpus", 0)) - sum(gpus_of(record.spec) for record in neighbours)
    if needed > free:
        return f"has {max(free, 0)} of {host.get('gpus', 0)} GPUs free, not {needed}"
    ports = {
        port["host"]: record.deployment for record in neighbours for port in record.spec["service"]["ports"].values()
    }
    clash = [port["host"] for port in spec["service"]["ports"].values() if port["host"] in ports]
    return f"port {clash[0]} is used there by {ports[clash[0]]}" if clash else ""


def _size(host: Mapping[str, Any]) -> tuple[float, float]:
    return host.get("gpus", 0) * host.get("vram_gb", 0), host.get("ram_gb", 0)


def _load(name: str, used: Iterable[Record]) -> int:
    return sum(1 for record in used if record.machine.get("host") == name)
