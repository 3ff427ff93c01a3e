"""Which host of the pool a deployment gets. Pure.

What is in use is what records say; a deployment that has a host keeps it as long as it fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner import gpus
from runner.domain import Record, Spec
from runner.providers.base import Choice
from runner.providers.market import Offer

NO_GPU = "none"
NEEDS = (("vram_gb", "GB of GPU memory"), ("ram_gb", "GB of memory"), ("disk_gb", "GB of disk"))


def gpus_of(spec: Spec, host: Mapping[str, Any]) -> int:
    """How many GPUs of a host a deployment takes: what it asks for, or as many as its model is spread over, else one if
    it can use one and the host has any.
    """
    asked = int(spec.get("machine", {}).get("gpus") or spec.get("needs", {}).get("gpu_count") or 0)
    wanted = spec.get("service", {}).get("gpus", "none")
    return asked or int(wanted == "all" or (wanted == "auto" and _count(host) > 0))


def contradiction(spec: Spec) -> str:
    """What the deployment says of GPUs that cannot all be meant; empty when it can."""
    asked, spread = int(spec["machine"].get("gpus") or 0), int(spec.get("needs", {}).get("gpu_count") or 1)
    if spec["machine"].get("gpu") == NO_GPU:
        return "gpu: none, but it needs a GPU" if asked or spec["service"]["gpus"] == "all" else ""
    return f"gpus: {asked}, but its model is to be spread over {spread}" if 0 < asked < spread else ""


def overbooked(hosts: Mapping[str, Mapping[str, Any]], specs: Mapping[str, Spec]) -> dict[str, str]:
    """Deployment → why the host that it names has no GPU left for it, after those before it."""
    taken: list[Record] = []
    found: dict[str, str] = {}
    for deployment, spec in specs.items():
        name = spec["machine"].get("host")
        if name not in hosts or not gpus_of(spec, hosts[name]):
            continue
        before = [record.deployment for record in _neighbours(name, taken)]
        shortage = _too_few(hosts[name], spec, _neighbours(name, taken))
        if shortage and before:
            found[deployment] = f"{name} {shortage}; taken by: {', '.join(before)}"
            continue
        machine = {"host": name, "gpu_ids": list(gpu_ids(name, hosts[name], spec, taken))}
        taken.append(Record(deployment, "", "running", "", spec, machine))
    return found


def gpu_ids(
    name: str, host: Mapping[str, Any], spec: Spec, used: Iterable[Record], own: Iterable[str] = ()
) -> tuple[str, ...]:
    """Which GPUs of a host with several a deployment gets: those that it has, then the first that it can have.

    Empty where there is no choice.
    """
    if _count(host) < 2:  # noqa: PLR2004 - with one GPU there is nothing to choose
        return ()
    free = _free(host, spec, _neighbours(name, used))
    kept = [index for index in own if index in free]
    chosen = [*kept, *(index for index in free if index not in kept)][: gpus_of(spec, host)]
    return tuple(sorted(chosen, key=int))


def offers(hosts: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, Any]) -> list[Offer]:
    """The hosts that have what is asked for; they cost nothing by the hour."""
    if wanted.get("spot") or wanted.get("region"):
        return []
    gpu = str(wanted.get("gpu") or "").lower()
    return [
        Offer(
            *(name, "", host.get("gpu", ""), host.get("gpus", 0), host.get("vram_gb", 0), host.get("ram_gb", 0), 0),
            hourly=0.0,
            spot_hourly=None,
            source="own hardware",
            spot=False,
            about=0.0,
        )
        for name, host in hosts.items()
        if (gpu in ("", host.get("gpu", "").lower()) or (gpu == "none" and not host.get("gpus")))
        and host.get("vram_gb", 0) >= (wanted.get("vram_gb") or 0)
    ]


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


def choices(hosts: Mapping[str, Mapping[str, Any]]) -> Iterable[Choice]:
    """Any host where there are several, then each: with one GPU or none, and with all of them where it has more."""
    each = [choice for name in sorted(hosts) for choice in _of_host(name, hosts[name])]
    if len(hosts) > 1:
        memory = [choice.vram_gb for choice in each]
        most = None if None in memory else max(gb for gb in memory if gb is not None)
        yield Choice("any host that fits", {}, "up to" if most else "", most)
    yield from each


def _of_host(name: str, host: Mapping[str, Any]) -> Iterable[Choice]:
    gpus, one = int(host.get("gpus", 0)), float(host.get("vram_gb", 0))
    known = one if one or not (gpus or host.get("gpu")) else None
    yield Choice(name, {"host": name}, str(host.get("gpu", "")), known)
    if gpus > 1:
        together = known * gpus if known is not None else None
        yield Choice(
            f"{name}, all GPUs", {"host": name, "gpus": gpus}, f"{gpus} × {host.get('gpu') or 'GPU'}", together
        )


def misfit(name: str, host: Mapping[str, Any], spec: Spec, used: Iterable[Record]) -> str:
    """Why a host does not fit; empty when it does. Memory and disk that a host does not state are no obstacle."""
    wanted = spec["machine"]
    if wanted.get("gpu") not in (None, "", NO_GPU) and wanted["gpu"].lower() != str(host.get("gpu", "")).lower():
        return f"has {host.get('gpu') or 'no GPU'}, not {wanted['gpu']}"
    for field, unit in NEEDS:
        said = _memory(host) if field == "vram_gb" else host.get(field, 0)
        if wanted.get(field, 0) > said and (said or field == "vram_gb"):
            return f"has {said:g} {unit}, not {wanted[field]:g}"
    return too_small(host, spec) or _shortage(name, host, spec, used)


def too_small(host: Mapping[str, Any], spec: Spec) -> str:
    """Whether the model fits. A host of which nothing tells the GPU memory is not held against."""
    has = _memory(host) * gpus_of(spec, host)
    needs = _vram(spec)
    return f"has {has:g} GB of GPU memory, and {needs:g} are needed" if 0 < has < needs else ""


def way_out(hosts: Mapping[str, Mapping[str, Any]], spec: Spec) -> str:
    """What to take instead of a host that is too small: the smallest of the pool that is not, else of all GPUs."""
    free = {**spec, "machine": {**spec["machine"], "gpu": "", "vram_gb": 0}}
    enough = {name: host for name, host in hosts.items() if _memory(host) and not too_small(host, spec)}
    chosen, _ = choose(enough, free, ())
    if chosen:
        return f"the smallest host that would do: {chosen} ({_memory(hosts[chosen]):g} GB)"
    return f"no host would do; the smallest GPU that would: {gpus.smallest(_vram(spec))}"


def _shortage(name: str, host: Mapping[str, Any], spec: Spec, used: Iterable[Record]) -> str:
    neighbours = _neighbours(name, used)
    few = _too_few(host, spec, neighbours)
    if few:
        return few
    ports = {
        port["host"]: record.deployment for record in neighbours for port in record.spec["service"]["ports"].values()
    }
    clash = [port["host"] for port in spec["service"]["ports"].values() if port["host"] in ports]
    return f"port {clash[0]} is used there by {ports[clash[0]]}" if clash else ""


def _too_few(host: Mapping[str, Any], spec: Spec, neighbours: Iterable[Record]) -> str:
    needed, free = gpus_of(spec, host), _free(host, spec, neighbours)
    if needed <= len(free):
        return ""
    if _shares(spec, host) and _count(host):
        return f"has no GPU with {_vram(spec):g} GB free"
    return f"has {len(free)} of {_count(host)} GPUs free, not {needed}"


def _neighbours(name: str, used: Iterable[Record]) -> list[Record]:
    return [record for record in used if record.machine.get("host") == name and record.spec.get("service")]


def _free(host: Mapping[str, Any], spec: Spec, neighbours: Iterable[Record]) -> list[str]:
    """The GPUs that a deployment can have, by index; one that shares gets a shared one first."""
    whole, shared = _taken(host, neighbours)
    indexes = [str(index) for index in range(_count(host))]
    free = [index for index in indexes if index not in whole and index not in shared]
    if not _shares(spec, host):
        return free
    room = _memory(host) - _vram(spec)
    return [index for index in indexes if index in shared and shared[index] <= room] + free


def _taken(host: Mapping[str, Any], neighbours: Iterable[Record]) -> tuple[set[str], dict[str, float]]:
    """Which GPUs somebody has alone, and how much memory those need who share one."""
    whole: set[str] = set()
    shared: dict[str, float] = {}
    for record in neighbours:
        ids = record.machine.get("gpu_ids") or _guess(host, record, whole)
        if _shares(record.spec, host):
            shared |= {index: shared.get(index, 0) + _vram(record.spec) for index in ids}
        else:
            whole |= set(ids)
    return whole, shared


def _guess(host: Mapping[str, Any], record: Record, whole: set[str]) -> list[str]:
    """The record does not say which it has: there is one only, or the pool has changed since."""
    indexes = (str(index) for index in range(_count(host)))
    return [index for index in indexes if index not in whole][: gpus_of(record.spec, host)]


def _shares(spec: Spec, host: Mapping[str, Any]) -> bool:
    """What it needs must be known, and what there is."""
    return bool(spec.get("machine", {}).get("share_gpu") and _vram(spec) and _memory(host) and gpus_of(spec, host) == 1)


def _vram(spec: Spec) -> float:
    needs: float = spec.get("needs", {}).get("vram_gb", 0)
    return needs


def _memory(host: Mapping[str, Any]) -> float:
    """Of one GPU; 0 when nothing tells it."""
    return float(host.get("vram_gb") or gpus.memory_gb(str(host.get("gpu") or "")))


def _count(host: Mapping[str, Any]) -> int:
    """A host that names a GPU has one, unless it says more."""
    return int(host.get("gpus") or bool(host.get("gpu") or host.get("vram_gb")))


def _size(host: Mapping[str, Any]) -> tuple[float, float]:
    return _count(host) * _memory(host), host.get("ram_gb", 0)


def _load(name: str, used: Iterable[Record]) -> int:
    return sum(1 for record in used if record.machine.get("host") == name)
