"""What may stand in the answer of a look at a host, and in what its engines say: one row for each field. Pure.

A host may be somebody else's, and a label anybody's: names there become words of commands and lines of a terminal.
"""

from __future__ import annotations

from typing import Any

from runner.readback import (
    Check,
    any_text,
    digest,
    either,
    fields,
    flag,
    line,
    listed,
    mapping,
    name,
    named,
    nothing,
    number,
    one_of,
    port,
    text,
    word,
)

NOTHING: dict[str, Any] = {
    "docker": "",
    "missing": False,
    "containers": [],
    "units": [],
    "health": {},
    "notice": "",
    "exposed": [],
    "sight": None,
    "volumes": [],
}
"""The answer of a host on which nothing of ours is."""
_LABEL = text(r"[^\x00]*", 1024 * 1024)


def _labels(value: Any) -> str | None:
    """Docker says null where there are none. The name of a deployment is checked where it is used."""
    return None if value is None else named(any_text, _LABEL)(value)


CONTAINER: Check = fields(
    {
        "Id": text(r"[0-9a-f]{12,64}"),
        "Names": listed(text(r"/?[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")),
        "Image": any_text,
        "State": line,
        "Status": any_text,
        "Created": number(0, 253_000_000_000),
        "Labels": _labels,
    },
    required=("Id", "Names", "Image", "State", "Status", "Created", "Labels"),
)
CONTAINERS: Check = listed(CONTAINER, 100_000)
_UNIT = fields(
    {
        "deployment": name,
        "unit": word,
        "state": one_of("running", "stopped", "pending", "failed"),
        "digest": digest,
        "detail": any_text,
        "since": line,
    },
    required=("deployment", "unit", "state", "digest", "detail", "since"),
)


def _verdict(value: Any) -> str | None:
    kinds = one_of("healthy", "starting", "unhealthy", "unknown")
    if not isinstance(value, list) or [type(part) for part in value] != [str, str]:
        return ""
    return kinds(value[0])


VOLUMES: Check = listed(
    fields({"Name": word, "Labels": _labels, "CreatedAt": line}, required=("Name", "Labels")), 100_000
)
"""As an engine lists them: more is in each, and passed over."""

SIGHT: Check = fields(
    {
        "memory_gb": number(0, 1e9, whole=False),
        "disk_free_gb": number(0, 1e9, whole=False),
        "gpu": fields(
            {
                "present": flag,
                "works": flag,
                "trouble": line,
                "reason": any_text,
                "cards": listed(fields({"name": line, "memory_gb": number(0, 1e6, whole=False)})),
            }
        ),
        "images": named(line, one_of("here", "pullable", "login", "missing", "unknown")),
        "taken": listed(
            fields(
                {"port": port, "program": line, "pid": number(0, 2**31), "container": line, "free": port},
                required=("port", "program", "pid", "container", "free"),
            )
        ),
        "engine": fields(
            {
                "answers": flag,
                "engine": line,
                "version": line,
                "api": line,
                "cdi": flag,
                "settings": mapping,
                "settings_error": any_text,
                "swarm": flag,
                "installed": line,
                "runtimes": listed(line),
                "foreign": listed(line),
                "systemd": flag,
            }
        ),
    },
    required=("memory_gb", "disk_free_gb", "gpu", "images", "taken", "engine"),
)
"""What `module_utils.host_sight` says."""

wrong: Check = fields(
    {
        "docker": any_text,
        "missing": flag,
        "containers": CONTAINERS,
        "units": listed(_UNIT, 10_000),
        "health": named(any_text, _verdict),
        "notice": any_text,
        "exposed": listed(name),
        "sight": either(nothing, SIGHT),
        "volumes": VOLUMES,
    }
)
"""The dotted place of the first field of an answer that is not what it must be; None when all are."""
