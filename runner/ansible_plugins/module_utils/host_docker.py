"""The Docker engine of a host: is it there, does it answer, how is it set up. Standard library only."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
from typing import Any, Dict, List

from .docker_socket import DockerError, request, socket_path
from .host_os import fingerprints, read

SETTINGS = "etc/docker/daemon.json"
SHORT_S = 10
"""An engine that needs longer for a word about itself is of no use."""
SECRET_KEYS = {"proxies"}
HIDDEN = "********"
LOGIN = re.compile(r"(?<=//)[^/@\s]+@")
GUARD = ("/etc/slipway/docker.nft", "/etc/systemd/system/slipway-docker.service")
"""What the role `docker` leaves to keep neighbours out."""
OURS = "slipway-deployment"
"""Label of every container that Slipway makes, whichever repository asked for it."""
NAMES = 20
AT_BOOT = ("multi-user.target.wants/docker.service", "sockets.target.wants/docker.socket")


def facts(socket: str = "", root: str = "/") -> Dict[str, Any]:
    """`answers` says it all; `reason` says why not. `settings` are those of daemon.json, without secrets;
    `foreign` names running containers of others, as far as they are not too many.
    """
    found: Dict[str, Any] = {
        "answers": False,
        "reason": "",
        "engine": "",
        "version": "",
        "api": "",
        "root_dir": "/var/lib/docker",
        "runtimes": [],
        "cdi": False,
        "live_restore": False,
        "swarm": False,
        "foreign": [],
        "installed": shutil.which("dockerd", path=_path(root)) or "",
        "at_boot": any(glob.glob(os.path.join(root, "etc/systemd/system", link)) for link in AT_BOOT),
        "members": _members(read(root, "etc/group")),
        "guard": fingerprints(list(GUARD), root),
        **_settings(read(root, SETTINGS)),
    }
    try:
        found.update(_asked(socket_path(socket)))
    except DockerError as error:
        found["reason"] = error.message
    return found


def _asked(path: str) -> Dict[str, Any]:
    version, info = _get(path, "/version"), _get(path, "/info")
    components = version.get("Components") or [{}]
    return {
        "answers": True,
        "engine": components[0].get("Name", "Engine"),  # Podman calls itself otherwise
        "version": version.get("Version", ""),
        "api": version.get("ApiVersion", ""),
        "root_dir": info.get("DockerRootDir", "/var/lib/docker"),
        "runtimes": sorted(info.get("Runtimes") or {}),
        "cdi": bool(info.get("CDISpecDirs")),
        "live_restore": bool(info.get("LiveRestoreEnabled")),
        "swarm": (info.get("Swarm") or {}).get("LocalNodeState", "inactive") == "active",
        "foreign": foreign(_get(path, "/containers/json")),
    }


def foreign(containers: List[Dict[str, Any]]) -> List[str]:
    """Names of those that Slipway did not make."""
    names = [(one.get("Names") or ["?"])[0].lstrip("/") for one in containers if OURS not in (one.get("Labels") or {})]
    return sorted(names)[:NAMES]


def _get(path: str, target: str) -> Any:
    with request(path, "GET", target, SHORT_S) as response:
        return json.loads(response.read())


def _settings(text: str) -> Dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        return {"settings": {}, "settings_error": "/%s is not JSON: %s" % (SETTINGS, error)}
    if not isinstance(found, dict):
        return {"settings": {}, "settings_error": "/%s is not an object" % SETTINGS}
    return {"settings": {key: _shown(key, value) for key, value in found.items()}, "settings_error": ""}


def _shown(key: str, value: Any) -> Any:
    """Proxies and addresses may contain a login."""
    if key in SECRET_KEYS:
        return HIDDEN
    if isinstance(value, dict):
        return {inner: _shown(inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        return [_shown("", item) for item in value]
    return LOGIN.sub(HIDDEN + "@", value) if isinstance(value, str) else value


def _members(text: str) -> List[str]:
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if name == "docker":
            return [user for user in rest.rpartition(":")[2].split(",") if user]
    return []


def _path(root: str) -> str:
    if root != "/":
        return os.path.join(root, "usr/bin")
    return os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/bin", "/usr/sbin", "/usr/local/bin"))
