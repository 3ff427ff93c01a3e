"""The lab's network: addresses that this machine reaches directly, and that stay as long as the host does."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from tests.lab.host import LabError, run

NAME = "slipway-lab"
# The first one that is free here. Docker's own networks are elsewhere, on this machine and inside the hosts.
SUBNETS = ("172.31.207.0/24", "10.207.31.0/24", "192.168.207.0/24")


def ensure() -> ipaddress.IPv4Network:
    """The network, made when it is missing."""
    if found := _find():
        return found
    faults = []
    for subnet in SUBNETS:
        try:
            run("docker", "network", "create", "--subnet", subnet, NAME)
        except LabError as error:
            faults.append(str(error))
        else:
            return ipaddress.IPv4Network(subnet)
    raise LabError("\n".join(faults))


def remove() -> str:
    """Remove the network; what was done, as a sentence."""
    if not _find():
        return f"there is no network {NAME}"
    run("docker", "network", "rm", NAME)
    return f"network {NAME} removed"


def gateway(subnet: ipaddress.IPv4Network) -> str:
    """From which address this machine speaks to the hosts."""
    return str(subnet[1])


def registry(subnet: ipaddress.IPv4Network) -> str:
    """The address of the registry, known before it runs."""
    return str(subnet[2])


def free(subnet: ipaddress.IPv4Network, taken: Iterable[str]) -> str:
    """The lowest address that no host has."""
    used = set(taken)
    return next(str(address) for address in list(subnet)[10:-1] if str(address) not in used)


def _find() -> ipaddress.IPv4Network | None:
    form = "{{range .IPAM.Config}}{{.Subnet}}{{end}}"
    try:
        return ipaddress.IPv4Network(run("docker", "network", "inspect", "--format", form, NAME).strip())
    except LabError:
        return None
