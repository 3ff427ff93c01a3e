"""What follows from a spec: where a service can be reached and how it is probed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner import reach
from runner.domain import Spec


def health_check(spec: Spec, host: str = "127.0.0.1") -> dict[str, Any]:
    """{host, port, protocol, path, status, timeout_s, perhaps stable_s}, as the probe takes it."""
    return _check(spec, spec["service"]["health"], host)


def companion_health(spec: Spec, name: str) -> dict[str, Any]:
    """The same for a companion, as its host sees it."""
    return _check(spec, spec["service"]["companions"][name]["health"], "127.0.0.1")


def _check(spec: Spec, check: Mapping[str, Any], host: str) -> dict[str, Any]:
    port = spec["service"]["ports"][check["port"]]
    return {
        "host": host,
        "port": port["host"],
        "protocol": port["protocol"],
        "path": check["path"],
        "status": check["status"],
        "timeout_s": check["timeout_s"],
        **({"stable_s": check["stable_s"]} if "stable_s" in check else {}),
    }


def endpoints(spec: Spec, address: str, machine: str = "") -> dict[str, dict[str, Any]]:
    """Port name → {url, host, port, protocol}, as a person's machine can use them: `address` is where a port that is
    not exposed is found, `machine` the address of the machine itself where that is another one.
    """
    access, found = reach.access_of(spec), {}
    for name, port in spec["service"]["ports"].items():
        scheme = port["protocol"]
        url = f"{scheme}://{address}:{port['host']}"
        found[name] = {"url": url, "host": address, "port": port["host"], "protocol": scheme}
        if name in access.get("ports", {}):
            number = access["ports"][name]
            found[name] = {
                "url": reach.url(access, machine or address, name),
                "host": reach.host(access, machine or address),
                "port": number,
                "protocol": "https",
            }
    return found


def exposed_ports(spec: Spec) -> list[dict[str, Any]]:
    """What the proxy serves: {port, upstream, protocol, paths} each. `paths` are those that pass without a proof."""
    ports, access = spec["service"]["ports"], reach.access_of(spec)
    return [
        {
            "port": number,
            "upstream": ports[name]["host"],
            "protocol": ports[name]["protocol"],
            "paths": access.get("paths", {}).get(name, []),
        }
        for name, number in sorted(access.get("ports", {}).items())
    ]


def forwarded(spec: Spec) -> list[int]:
    """The ports of the service that a tunnel can carry, whether they are exposed or not."""
    return sorted(port["host"] for port in spec["service"]["ports"].values() if port["protocol"] != "udp")


def urls(record_endpoints: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Port name → URL, as access texts see it."""
    return {name: str(endpoint["url"]) for name, endpoint in record_endpoints.items()}


def container_volumes(volumes: Mapping[str, str], container: str) -> dict[str, str]:
    """Volume name at the engine → path inside. Each deployment has its own, named after its container."""
    return {f"{container}-{name}": path for name, path in volumes.items()}


def container_ports(ports: Mapping[str, Mapping[str, Any]], companion: str = "") -> list[dict[str, Any]]:
    """Published ports of the service, or of a companion, as the engine wants them: it knows tcp and udp only."""
    return [
        {
            "bind": port["bind"],
            "host": port["host"],
            "container": port["container"],
            "protocol": "udp" if port["protocol"] == "udp" else "tcp",
        }
        for port in ports.values()
        if port.get("companion", "") == companion
    ]
