"""An existing container as the engine describes it, in the words of `container_spec`. Its label tells what it was made
from; somebody may since have updated it, or made it anew with the same labels. Pure: no engine, no files.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from .container_spec import BYTES_PER_GB, HIDDEN, RESTART, ContainerSpec, environment, made_from
from .gpu_request import asked

MB = 1024**2
CPU = 10**9
NOTHING: Tuple[Any, ...] = (None, "", 0, -1, False, [], {})
ADDED = (
    ("memory", "Memory", ()),
    ("memory_reservation", "MemoryReservation", ()),
    ("cpus", "NanoCpus", ()),
    ("cpu_quota", "CpuQuota", ()),
    ("cpu_shares", "CpuShares", ()),
    ("cpuset", "CpusetCpus", ()),
    ("pids_limit", "PidsLimit", (2048,)),
    ("privileged", "Privileged", ()),
    ("cap_add", "CapAdd", ()),
    ("devices", "Devices", ()),
)
"""What no service of ours asks for: field, the engine's word, and the default of engines that set one."""
ENGINE_ENV = {"HOME", "HOSTNAME", "PATH", "TERM", "container"}
"""Variables that engines add by themselves."""
EVERYWHERE = "*"
ANONYMOUS = re.compile("[0-9a-f]{64}")
"""Volumes that an image declares and nobody named."""


def differences(
    spec: ContainerSpec, container: Mapping[str, Any], image: Optional[Mapping[str, Any]]
) -> Dict[str, Dict[str, Any]]:
    """{before, after} of what differs, field by field; both empty when nothing does. `image` is what the container was
    made from; None when it is gone.
    """
    made, after = made_from(container), spec.visible()
    before = {**made, **seen(container, made, image)}
    names = {*before.pop("env", []), *after.pop("env")}
    old, new = _flat(before), _flat(after)
    fields = sorted(field for field in {*old, *new} if old.get(field) != new.get(field))
    changed = {field: (old.get(field), new.get(field)) for field in fields}
    changed.update(_environment(spec, container, names if image is None else _added_environment(container, image)))
    return {
        "before": {field: was for field, (was, _) in changed.items() if was is not None},
        "after": {field: is_now for field, (_, is_now) in changed.items() if is_now is not None},
    }


def _environment(spec: ContainerSpec, container: Mapping[str, Any], names: Iterable[str]) -> Dict[str, Tuple[Any, Any]]:
    """Variable → (before, after), for those that differ."""
    actual, wanted, found = environment(container), spec.env, {}
    for name in sorted({*names, *wanted}):
        was, is_now = actual.get(name), wanted.get(name)
        if was == is_now:
            continue
        if spec.hides(name):
            another = HIDDEN + " (another value)" if was is not None else HIDDEN
            was, is_now = was if was is None else HIDDEN, is_now if is_now is None else another
        found["env." + name] = (was, is_now)
    return found


def _flat(fields: Mapping[str, Any]) -> Dict[str, Any]:
    """Each label and each volume by itself."""
    found = {}
    for field, value in fields.items():
        found.update(
            {f"{field}.{name}": one for name, one in value.items()} if isinstance(value, dict) else {field: value}
        )
    return found


def seen(container: Mapping[str, Any], made: Mapping[str, Any], image: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """The fields of a spec as they are, and those that somebody added. `made` is what the label says, for what the
    engine does not tell; `image` is None when it is gone.
    """
    config, host = container["Config"], container["HostConfig"]
    base = (image or {}).get("Config") or {}
    found = {
        "image": made.get("image") if _same_image(config["Image"], made.get("image")) else config["Image"],
        "labels": _labels(config, made),
        "ports": _ports(host),
        "volumes": _volumes(container),
        "restart": _restart(host),
        "gpus": asked(host),
        "network": _network(container),
        **_inherited(config, base, made, known=image is not None),
    }
    if made.get("shm_gb"):
        found["shm_gb"] = (host.get("ShmSize") or 0) / BYTES_PER_GB
    added = {field: host.get(word) for field, word, usual in ADDED if host.get(word) not in (*NOTHING, *usual)}
    return {**found, **{field: _readable(field, value) for field, value in added.items()}}


def _added_environment(container: Mapping[str, Any], image: Mapping[str, Any]) -> List[str]:
    """Names of all variables that neither the image nor the engine brought."""
    theirs = environment(image)
    actual = environment(container)
    return sorted(name for name in actual if name not in ENGINE_ENV and actual[name] != theirs.get(name))


def _same_image(actual: str, made: Any) -> bool:
    """Some engines write the registry in front that was left out."""
    return bool(made) and (actual == made or actual.endswith("/" + str(made)))


def _labels(config: Mapping[str, Any], made: Mapping[str, Any]) -> Dict[str, Any]:
    """Ours alone: images and engines bring their own."""
    actual = config.get("Labels") or {}
    return {name: actual[name] for name in made.get("labels") or {} if name in actual}


def _ports(host: Mapping[str, Any]) -> List[str]:
    bindings = (host.get("PortBindings") or {}).items()
    return sorted(
        f"{one.get('HostIp') or EVERYWHERE}:{one['HostPort']}:{port}" for port, ends in bindings for one in ends or []
    )


def _volumes(container: Mapping[str, Any]) -> Dict[str, str]:
    """Name (of a folder of the host: its path) → path inside."""
    found = {}
    for mount in container.get("Mounts") or []:
        name = mount.get("Name") or mount.get("Source") or ""
        if mount.get("Type") in ("volume", "bind") and not ANONYMOUS.fullmatch(name):
            found[name] = mount["Destination"]
    return found


def _restart(host: Mapping[str, Any]) -> str:
    policy = host.get("RestartPolicy") or {}
    word = policy.get("Name") or "no"
    ours = {theirs: name for name, theirs in RESTART.items()}.get(word, word)
    tries = policy.get("MaximumRetryCount") or 0
    return f"{ours}, {tries} times" if tries else ours


def _network(container: Mapping[str, Any]) -> str:
    """The one it was made in, and others that it was connected to; empty is the engine's default."""
    mode = container["HostConfig"].get("NetworkMode") or "default"
    joined = set((container.get("NetworkSettings") or {}).get("Networks") or {})
    first = "" if mode in ("default", "bridge", "podman") else mode
    more = sorted(joined - {mode, "bridge", "podman"} if not first else joined - {mode})
    return ", ".join([first or "bridge", *more]) if more else first


def _inherited(
    config: Mapping[str, Any], base: Mapping[str, Any], made: Mapping[str, Any], *, known: bool
) -> Dict[str, Any]:
    """What comes from the image where the spec does not say it."""
    found: Dict[str, Any] = {}
    if made.get("command") or known:
        command = _list(config.get("Cmd"))
        found["command"] = [] if not made.get("command") and command == _list(base.get("Cmd")) else command
    if made.get("user") or known:
        user = config.get("User") or ""
        found["user"] = "" if not made.get("user") and user == (base.get("User") or "") else user
    if known and _list(config.get("Entrypoint")) != _list(base.get("Entrypoint")):
        found["entrypoint"] = _list(config.get("Entrypoint"))
    return found


def _list(value: Any) -> List[str]:
    return [value] if isinstance(value, str) and value else list(value or [])


def _readable(field: str, value: Any) -> Any:
    if field in ("memory", "memory_reservation"):
        return f"{value / MB:g} MB"
    if field == "cpus":
        return value / CPU
    if field == "devices":
        return [str(device.get("PathOnHost", device)) for device in value]
    return value
