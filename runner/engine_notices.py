"""What the roles will change of a Docker engine that runs containers of others, as sentences for the plan. Pure.

The same words as `__docker_settings` of the role `docker`, which decides; a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runner.ansible_plugins.module_utils import engine_settings
from runner.listing import listed

GUARDED_BEFORE = 28
"""Major version from which on Docker itself keeps neighbours out."""
CDI_SINCE = (1, 44)
"""API of the engine from which on it takes devices by CDI."""
SHOWN = 3
GOES_ON = "running containers go on"


def notices(host: str, engine: Mapping[str, Any], role: Mapping[str, Any], *, adopt: bool, gpu: bool) -> list[str]:
    """For one host; `engine` as `host_sight` tells it, `role` the variables of the role `docker`."""
    if not engine or not engine["answers"] or not engine["systemd"]:
        return []
    used = listed(engine["foreign"], SHOWN)
    found = []
    if engine["installed"] and role["docker_configure"] and (changed := _changes(engine, role)):
        told, restart = changed
        if adopt:
            found.append(f"{host}: settings of the Docker engine that also runs {used} change: {told}; {restart}")
        else:
            how = "with adopt_engine: true of this host in runner.yaml they become"
            found.append(f"{host}: the Docker engine also runs {used}, so its settings stay as they are; {how}: {told}")
    if role["docker_guard"] and engine["engine"] == "Engine" and _major(engine["version"]) < GUARDED_BEFORE:
        found.append(f"{host}: rules keep neighbours of the host out of what is published on 127.0.0.1, also of {used}")
    if gpu and _lacks_gpus(engine):
        what = f"gets NVIDIA's runtime and devices by CDI, and restarts once; {GOES_ON}"
        found.append(f"{host}: the Docker engine that also runs {used} {what}")
    return found


def settings(engine: Mapping[str, Any], role: Mapping[str, Any]) -> dict[str, Any]:
    """What the role wants the engine's settings to have."""
    wanted: dict[str, Any] = {} if engine["swarm"] else {"live-restore": role["docker_live_restore"]}
    if role["docker_log_driver"]:
        wanted |= {"log-driver": role["docker_log_driver"], "log-opts": role["docker_log_options"]}
    for key, name in (
        ("default-address-pools", "docker_address_pools"),
        ("registry-mirrors", "docker_registry_mirrors"),
        ("insecure-registries", "docker_insecure_registries"),
    ):
        wanted |= {key: role[name]} if role[name] else {}
    return engine_settings.merged(wanted, role["docker_options"])


def _changes(engine: Mapping[str, Any], role: Mapping[str, Any]) -> tuple[str, str] | None:
    """(keys with before and after, what becomes of the engine)."""
    if engine["settings_error"]:
        return None
    before = engine["settings"]
    after = engine_settings.merged(before, settings(engine, role))
    keys = engine_settings.changed_keys(before, after)
    told = ", ".join(f"{key} {_shown(before.get(key))} → {_shown(after.get(key))}" for key in keys)
    restart = f"the engine restarts once, {GOES_ON}" if engine_settings.needs_restart(keys) else "without a restart"
    return (told, restart) if keys else None


def _shown(value: Any) -> str:
    return "unset" if value is None else json.dumps(value, ensure_ascii=False)


def _lacks_gpus(engine: Mapping[str, Any]) -> bool:
    """As the role `nvidia` decides it."""
    numbers = tuple(int(part) for part in engine["api"].split(".") if part.isdigit())
    return "nvidia" not in engine["runtimes"] or (numbers >= CDI_SINCE and not engine["cdi"])


def _major(version: str) -> int:
    number = version.partition(".")[0]
    return int(number) if number.isdigit() else GUARDED_BEFORE
