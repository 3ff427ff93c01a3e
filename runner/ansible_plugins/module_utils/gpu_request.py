"""How a container asks its engine for GPUs: by CDI where the engine has it, else by NVIDIA's runtime.

What NVIDIA's runtime adds is unknown to systemd, which takes it away again from running containers at its next
`daemon-reload` (exposing a neighbour, an update of packages). Devices of CDI are the engine's own, and stay.
"""

from __future__ import annotations

import glob
import os
import re
from typing import Any, Dict, List, Mapping, Optional, Set

KIND = "nvidia.com/gpu"
ALL = "all"
_NAMED = re.compile(r"""["']?\bname["']?:\s*["']?([\w.:-]+)""")


def described(info: Mapping[str, Any], root: str = "/") -> Set[str]:
    """The GPUs that the engine can give by CDI, by name: all, indexes, UUIDs. Empty where it knows no CDI (before 25,
    or switched off), or where nobody described them (`nvidia-ctk cdi generate`). `info`: the engine's own.
    """
    folders = info.get("CDISpecDirs") or []
    listed = {str(one.get("ID", "")) for one in info.get("DiscoveredDevices") or [] if one.get("Source") == "cdi"}
    names = {name.partition("=")[2] for name in listed if name.startswith(KIND + "=")}
    return names or {name for folder in folders for name in _in_files(root, folder)}  # before 28.2 it lists none


def requests(wanted: Any, known: Set[str]) -> Optional[List[Dict[str, Any]]]:
    """For the engine's create call. `wanted`: none, all, or indexes and UUIDs; `known`: as `described` says."""
    if wanted == "none":
        return None
    names = [ALL] if wanted == ALL else list(wanted)
    if set(names) <= known:
        return [{"Driver": "cdi", "DeviceIDs": ["%s=%s" % (KIND, name) for name in names]}]
    which: Dict[str, Any] = {"Count": -1} if wanted == ALL else {"DeviceIDs": names}
    return [{"Driver": "nvidia", "Capabilities": [["gpu"]], **which}]


def asked(host: Mapping[str, Any]) -> Any:
    """What an existing container was given, whichever way: none, all, or a list. `host`: its HostConfig."""
    for request in host.get("DeviceRequests") or []:
        names = [str(name).replace(KIND + "=", "", 1) for name in request.get("DeviceIDs") or []]
        return ALL if request.get("Count") == -1 or names == [ALL] else names
    return "none"


def _in_files(root: str, folder: str) -> List[str]:
    found: List[str] = []
    for path in sorted(glob.glob(os.path.join(root, folder.lstrip("/"), "*"))):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        if KIND in text and path.endswith((".yaml", ".json")):
            found += _NAMED.findall(text)
    return found
