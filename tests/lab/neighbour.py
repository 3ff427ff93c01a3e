"""A host that misuses another one as a router: what somebody on the same network can try against published ports.

`python -m tests.lab.neighbour FROM TO` prints what one host reaches of that which the other one publishes on 127.0.0.1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from tests.lab import hosts
from tests.lab.machine import Host, console

ROUTED = """
import socket, subprocess, sys
router, address, port = sys.argv[1:]
subprocess.check_call(["ip", "route", "replace", address, "via", router])
try:
    socket.create_connection((address, int(port)), 2).close()
    print("reached")
except OSError as error:
    print(error)
finally:
    subprocess.check_call(["ip", "route", "delete", address])
"""

# A TCP handshake as far as its second packet. The kernel itself sends nothing to 127.0.0.1 by a network card, so both
# the question and the answer pass beside it.
FORGED = r"""
import fcntl, socket, struct, subprocess, sys, time
victim, port = sys.argv[1], int(sys.argv[2])
socket.create_connection((victim, 22), 5).close()  # afterwards its hardware address is known
neighbour = subprocess.check_output(["ip", "-o", "neigh", "show", victim], text=True).split()
card, theirs = neighbour[neighbour.index("dev") + 1], neighbour[neighbour.index("lladdr") + 1]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
wire.bind((card, 0))
mine = fcntl.ioctl(wire, 0x8915, struct.pack("256s", card.encode()))[20:24]  # SIOCGIFADDR

def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF

loopback, source = socket.inet_aton("127.0.0.1"), 40000 + time.time_ns() % 20000
tcp = [source, port, 1, 0, 5 << 4, 2, 8192, 0, 0]
pseudo = mine + loopback + struct.pack("!BBH", 0, 6, 20)
tcp[7] = checksum(pseudo + struct.pack("!HHIIBBHHH", *tcp))
ip = [0x45, 0, 40, 1, 0, 64, 6, 0, mine, loopback]
ip[7] = checksum(struct.pack("!BBHHHBBH4s4s", *ip))
frame = bytes.fromhex(theirs.replace(":", "")) + wire.getsockname()[4] + b"\x08\x00"
frame += struct.pack("!BBHHHBBH4s4s", *ip) + struct.pack("!HHIIBBHHH", *tcp)
deadline = time.monotonic() + 2
wire.settimeout(0.3)
while time.monotonic() < deadline:
    wire.send(frame)
    try:
        packet = wire.recv(2048)[14:]
        while not (packet[9] == 6 and struct.unpack("!HH", packet[20:24]) == (port, source) and packet[33] == 0x12):
            packet = wire.recv(2048)[14:]
        print("reached")
        break
    except socket.timeout:
        pass
"""


def reached(name: str, victim: Host) -> list[str]:
    """What a host gets an answer from, of all ports that containers of another one publish on 127.0.0.1."""
    found = []
    for container, address, inside, outside in _private(victim.name):
        if console(name, "python3", "-c", ROUTED, victim.address, address, inside).strip() == "reached":
            found.append(f"{container} at {address}:{inside}, taking {victim.name} for a router")
        if console(name, "python3", "-c", FORGED, victim.address, outside).strip() == "reached":
            found.append(f"{container} at 127.0.0.1:{outside}, by forged packets")
    return found


def _private(victim: str) -> Iterator[tuple[str, str, str, str]]:
    """(container, its own address, port inside, port outside). At least one, or a test would prove nothing."""
    ids = console(victim, "docker", "ps", "--quiet").split()
    listed = json.loads(console(victim, "docker", "inspect", *ids))
    some = False
    for container in listed:
        address = next(iter(container["NetworkSettings"]["Networks"].values()))["IPAddress"]
        for port, bindings in container["NetworkSettings"]["Ports"].items():
            for binding in bindings or []:
                if binding["HostIp"] == "127.0.0.1":
                    some = True
                    yield container["Name"].strip("/"), address, port.partition("/")[0], binding["HostPort"]
    assert some, f"nothing is published on 127.0.0.1 of {victim}"


if __name__ == "__main__":
    victim = next(host for host in hosts.existing() if host.name == sys.argv[2])
    print(*reached(sys.argv[1], victim), sep="\n", end="")
