"""The hosts in between: what `jump:` means, and whether somebody would go round in circles. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

DEFAULT_PORT = 22
_TEXT = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.@-]*)@)?"
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<bare>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)|(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


def parse(text: str) -> dict[str, Any] | None:
    """`[user@]host[:port]` as {address, port, user}; the user is empty when it is not said. None: it is no such text.

    IPv6 is written in brackets; without them it can have no port.
    """
    found = _TEXT.fullmatch(text)
    if not found or (found["bare"] and found["port"]):
        return None
    address = found["six"] or found["bare"] or found["name"]
    return {"address": address, "port": int(found["port"] or DEFAULT_PORT), "user": found["user"] or ""}


def meant(jump: str, hosts: Mapping[str, Mapping[str, Any]]) -> str:
    """Which of the hosts `jump` names, by its name or by address and port; empty when it is none of them."""
    asked = parse(jump)
    if asked is None:
        return ""
    address, port = str(asked["address"]), asked["port"]
    if address in hosts:
        return address
    return next((n for n, h in hosts.items() if (h["address"], h.get("port") or DEFAULT_PORT) == (address, port)), "")


def circle(hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Hosts that can only be reached through each other, in the order of the way; empty when there are none."""
    for name in hosts:
        way, here = [name], name
        while jump := hosts[here].get("jump"):
            here = meant(jump, hosts)
            if here in way:
                return way[way.index(here) :]
            if not here:
                break
            way.append(here)
    return []
