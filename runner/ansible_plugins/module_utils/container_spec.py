"""What a service container must look like: as the engine wants it, and as a label.
Pure: no engine, no files. Values of environment variables never leave this file but in the engine's request.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping

from .gpu_request import requests

LABEL = "slipway-config"
"""On each container: everything it was made from but the values of its environment, as JSON. No hash of secrets is
kept anywhere: the values are compared with those that the engine has."""
OWNER = "slipway-container"
"""On each volume, network and companion: the container it belongs to."""
COMPANION = "slipway-companion"
"""On each companion: its name. The one that it belongs to has no such label."""
COMPANIONS = "slipway-companions"
"""On a container that has companions: their names, with commas between."""
DIGEST = "slipway-digest"
IDENTITY = ("managed-by", "slipway-repo", "slipway-deployment")
FIELDS = ("image", "command", "labels", "ports", "volumes", "shm_gb", "user", "gpus", "restart", "network")
HIDDEN = "********"
RESTART = {"never": "no", "on-failure": "on-failure", "unless-stopped": "unless-stopped"}
BYTES_PER_GB = 1024**3
LOGS = {"Type": "json-file", "Config": {"max-size": "20m", "max-file": "3"}}
"""Bounded: the engine's default grows until the disk is full."""


class ContainerSpec:
    """What is wanted, from the options of the module `container`."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.name: str = params["name"]
        self.image: str = params["image"] or ""
        self.env = {key: _text(value) for key, value in (params["env"] or {}).items()}
        self.labels = {key: _text(value) for key, value in (params["labels"] or {}).items()}
        self.volumes: Dict[str, str] = dict(params["volumes"] or {})
        self._params = params

    def visible(self) -> Dict[str, Any]:
        """Everything but the values of the environment, in one way of writing."""
        given = {field: self._params[field] for field in FIELDS}
        given["labels"] = self.labels
        given["ports"] = sorted(_port_text(port) for port in self._params["ports"] or [])
        given["command"] = list(self._params["command"] or [])
        given["volumes"] = self.volumes
        given["env"] = sorted(self.env)
        return {**given, "alias": self._params["alias"]} if self._params.get("alias") else given

    def hides(self, name: str) -> bool:
        """Whether the values of a variable must not be shown. Everything is secret unless the caller says what is."""
        secret = self._params.get("secret_env")
        return secret is None or name in secret or name not in self.env

    def volume_labels(self) -> Dict[str, str]:
        """A volume outlives the container, so it carries whose it is but not the digest."""
        return {**{key: value for key, value in self.labels.items() if key != DIGEST}, OWNER: self.name}

    def request(self) -> Dict[str, Any]:
        """The body of the engine's create call. Holds the secrets: never show it."""
        return {
            "Image": self.image,
            "Env": [f"{key}={value}" for key, value in sorted(self.env.items())],
            "Labels": {**self.labels, LABEL: json.dumps(self.visible(), sort_keys=True)},
            "ExposedPorts": {_container_port(port): {} for port in self._params["ports"] or []},
            **({"Cmd": list(self._params["command"])} if self._params["command"] else {}),
            **({"User": self._params["user"]} if self._params["user"] else {}),
            "HostConfig": self._host_config(),
            **self._networking(),
        }

    def _host_config(self) -> Dict[str, Any]:
        bindings: Dict[str, List[Dict[str, str]]] = {}
        for port in self._params["ports"] or []:
            binding = {"HostIp": port["bind"], "HostPort": str(port["host"])}
            bindings.setdefault(_container_port(port), []).append(binding)
        volumes = sorted(self.volumes.items())
        return {
            "PortBindings": bindings,
            "Mounts": [{"Type": "volume", "Source": name, "Target": path} for name, path in volumes],
            "RestartPolicy": {"Name": RESTART[self._params["restart"]]},
            "LogConfig": LOGS,
            "DeviceRequests": requests(self._params["gpus"], self._params.get("described") or set()),
            **({"ShmSize": int(self._params["shm_gb"] * BYTES_PER_GB)} if self._params["shm_gb"] else {}),
            **({"NetworkMode": self._params["network"]} if self._params["network"] else {}),
        }

    def _networking(self) -> Dict[str, Any]:
        network, alias = self._params["network"], self._params.get("alias")
        return {"NetworkingConfig": {"EndpointsConfig": {network: {"Aliases": [alias]}}}} if alias else {}


def gpus(value: Any) -> Any:
    """The option in one way of writing: none, all, auto, or a list of texts. Raises ValueError for anything else."""
    if value in ("none", "all", "auto"):
        return value
    if isinstance(value, list) and value and all(isinstance(one, (str, int)) for one in value):
        return [str(one) for one in value]
    raise ValueError(f"gpus must be none, all, auto, or a list of indexes or UUIDs, not {value!r}")


def made_from(container: Mapping[str, Any]) -> Dict[str, Any]:
    """What an existing container was made from; empty when its label cannot be read."""
    try:
        found = json.loads((container["Config"]["Labels"] or {}).get(LABEL, ""))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def environment(container: Mapping[str, Any]) -> Dict[str, str]:
    """All variables of an existing container, those of its image among them."""
    pairs = (pair.partition("=") for pair in container["Config"]["Env"] or [])
    return {key: value for key, _, value in pairs}


def _container_port(port: Mapping[str, Any]) -> str:
    return f"{port['container']}/{port['protocol']}"


def _port_text(port: Mapping[str, Any]) -> str:
    return f"{port['bind']}:{port['host']}:{_container_port(port)}"


def _text(value: Any) -> str:
    """As a shell would show it: YAML's true is not Python's True."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
