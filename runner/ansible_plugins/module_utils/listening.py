"""Which ports of this host can be reached from outside. Standard library only."""

from __future__ import annotations

import ipaddress
import socket
import struct

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
LISTEN = "0A"


def exposed(ports):
    """(address, port) of those ports at which something listens on another address than the loopback."""
    return sorted((str(a), p) for a, p in _listening() if p in ports and not a.is_loopback)


def _listening():
    for table in TABLES:
        try:
            with open(table) as stream:
                rows = stream.read().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            _, local, _, status = row.split()[:4]
            if status == LISTEN:
                address, _, port = local.partition(":")
                yield _address(address), int(port, 16)


def _address(text):
    """The kernel writes addresses as numbers of four bytes in the order of the machine."""
    words = [struct.pack("=I", int(text[index : index + 8], 16)) for index in range(0, len(text), 8)]
    packed = b"".join(words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6  # noqa: PLR2004 - bytes of an address
    address = ipaddress.ip_address(socket.inet_ntop(family, packed))
    return getattr(address, "ipv4_mapped", None) or address
