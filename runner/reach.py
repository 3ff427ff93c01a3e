"""Who reaches a service from outside of its machine, by which name, and what they need to know. Pure.

`access` is that of a spec, as `exposure.resolve` makes it: {"expose": "tunnel"}, or expose, auth, domain, tls, ports.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from runner.domain import Exposure, Record, Spec

TUNNEL: Spec = {"expose": "tunnel"}
"""Nobody reaches it from outside, so how callers would prove themselves is left out."""
HTTPS = 443
SSH = 22
"""Where people get onto a machine: what lets callers in there would let them try that too."""
SECRETS = {"token": "access_token", "basic": "access_password", "none": ""}
"""What callers have to know, by kind of authentication. Generated, unless `secrets:` says where it comes from."""
RESERVED = frozenset(filter(None, SECRETS.values()))
"""Names of secrets that are never the service's own."""
USER = "slipway"
"""Who callers are with basic authentication."""
HEADER = "X-Slipway-Token"
"""Takes the token where `Authorization` belongs to the service behind."""

Access = Mapping[str, Any]


def access_of(spec: Mapping[str, Any]) -> Access:
    """The access of a spec; that of an empty one, as unfinished records have, is the tunnel."""
    found: Access = spec.get("access", TUNNEL)
    return found


def exposed(access: Access) -> bool:
    """Whether somebody reaches it from outside."""
    return bool(access["expose"] != "tunnel")


def how(record: Record) -> str:
    """From where its addresses hold: here, by a tunnel, from some networks, or from everywhere."""
    access = access_of(record.spec)
    if exposed(access):
        return "public" if access["expose"] == "public" else "network"
    return "tunnel" if record.machine.get("tunnel") else "here"


def host(access: Access, address: str) -> str:
    """The name that callers use: the domain, else the address of the machine as URLs write it."""
    if access["domain"]:
        return str(access["domain"])
    try:
        return f"[{address}]" if ip_address(address).version == 6 else address  # noqa: PLR2004
    except ValueError:
        return address.lower()


def url(access: Access, address: str, port: str) -> str:
    """Where callers reach an exposed port."""
    number = access["ports"][port]
    return f"https://{host(access, address)}" + ("" if number == HTTPS else f":{number}")


def words(access: Access) -> str:
    """Who reaches it, at which ports and how they prove themselves, in a few words."""
    expose = access["expose"]
    if expose == "tunnel":
        return "tunnel"
    who = "public" if expose == "public" else f"open to {', '.join(expose['cidr'])}"
    ports = ", ".join(str(port) for port in sorted(access["ports"].values()))
    proof = {"token": "token", "basic": "user and password", "none": _unasked(access)}[access["auth"]]
    return f"{who} at port {ports}, {proof}"


def open_paths(access: Access) -> list[str]:
    """What passes without authentication; empty where everything does, or nothing."""
    listed = sorted({path for paths in access.get("paths", {}).values() for path in paths})
    return [] if "/*" in listed else listed


def passes(access: Access, port: str, path: str) -> bool:
    """Whether callers get through to a path of an exposed port, if they prove what is asked for."""
    listed = access.get("paths", {}).get(port) or ["/*"]
    return any(path == one or (one.endswith("*") and f"{path}/".startswith(one[:-1])) for one in listed)


def _unasked(access: Access) -> str:
    only = open_paths(access)
    return "no authentication" + (f" for {', '.join(only)}" if only else "")


def change(before: Access | None, after: Access | None) -> Exposure | None:
    """What becomes of who reaches it; None when nothing does. Without access: it does not run, so nobody reaches it."""
    old, new = before or TUNNEL, after or TUNNEL
    if old == new or not (exposed(old) or exposed(new)):
        return None
    return Exposure(
        before="closed" if before is None else words(before),
        after="closed" if after is None else words(after),
        opens=exposed(new) and (not exposed(old) or _wider(old, new)),
    )


def _wider(old: Access, new: Access) -> bool:
    more_ports = set(new["ports"].values()) - set(old["ports"].values())
    asks_no_more = new["auth"] == "none" and (old["auth"] != "none" or _more_paths(old, new))
    return bool(more_ports or asks_no_more or _more_callers(old["expose"], new["expose"]))


def _more_paths(old: Access, new: Access) -> bool:
    """Whether more passes without authentication. Records from before paths were listed let everything pass."""
    before, after = open_paths(old), open_paths(new)
    return bool(before) and (not after or bool({*after} - {*before}))


def _more_callers(old: Any, new: Any) -> bool:
    if old == "public":
        return False
    if new == "public":
        return True
    known = [ip_network(text, strict=False) for text in old["cidr"]]
    return not all(
        any(net.version == other.version and net.subnet_of(other) for other in known)  # type: ignore[arg-type]
        for net in (ip_network(text, strict=False) for text in new["cidr"])
    )


def without(spec: Mapping[str, Any]) -> Spec:
    """The part of a spec that decides how the service itself must look. Who may reach it is the proxy's matter:
    changing that never restarts the service.
    """
    own = {name: source for name, source in spec["secrets"].items() if name not in RESERVED}
    return {**{key: value for key, value in spec.items() if key != "access"}, "secrets": own}
