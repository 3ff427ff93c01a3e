"""Settings of a Docker engine (daemon.json): merged with what is there, and what a change asks for. Pure.
Standard library only.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping

RELOADABLE = {
    *("debug", "labels", "live-restore", "features", "registry-mirrors", "insecure-registries"),
    *("max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts", "shutdown-timeout"),
}
"""What the engine takes over on SIGHUP (https://docs.docker.com/reference/cli/dockerd/). It also does so with runtimes,
but looks for NVIDIA's hook only when it starts: GPUs need a restart.
"""


class SettingsError(Exception):
    """The file cannot be merged with; the message says why."""


def parse(text: str, path: str) -> Dict[str, Any]:
    """Settings of the file; {} for an empty one."""
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise SettingsError("%s is not JSON (%s); repair it or remove it" % (path, error)) from error
    if not isinstance(found, dict):
        raise SettingsError("%s does not hold an object; repair it or remove it" % path)
    return found


def merged(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> Dict[str, Any]:
    """Objects are merged, everything else is replaced, what nobody asked for stays. Options of another log driver are
    dropped: the engine does not start with options that its log driver does not know.
    """
    base = dict(there)
    if "log-driver" in wanted and base.get("log-driver", wanted["log-driver"]) != wanted["log-driver"]:
        base.pop("log-opts", None)
    return _combined(base, wanted)


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> List[str]:
    """Top-level keys that differ."""
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


def needs_restart(keys: List[str]) -> bool:
    """Whether a reload is not enough."""
    return not set(keys) <= RELOADABLE


def as_text(settings: Mapping[str, Any]) -> str:
    """What is written."""
    return json.dumps(settings, indent=2, sort_keys=True) + "\n"


def _combined(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> Dict[str, Any]:
    result = dict(there)
    for key, value in wanted.items():
        old = result.get(key)
        result[key] = _combined(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result
