"""Two deployments cannot have one port of one machine: neither their services, nor the proxy in front of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from runner.domain import Desired
from runner.faults import PORT_CONFLICT, Fault

Owners = dict[tuple[str, int], Desired]
"""(place, port) → whose service has it."""


def find(desired: Iterable[Desired]) -> list[tuple[Desired, Fault]]:
    """Each conflict, with the deployment that came later and should move."""
    present = [item for item in desired if item.place and item.state != "absent"]
    owners: Owners = {}
    return [*_of_services(present, owners), *_of_proxies(present, owners)]


def _of_services(present: Iterable[Desired], owners: Owners) -> list[tuple[Desired, Fault]]:
    late: list[tuple[Desired, str, int]] = []
    for item in present:
        for name, port in item.spec["service"]["ports"].items():
            if owners.setdefault((item.place, port["host"]), item) is not item:
                late.append((item, name, port["host"]))
    found = []
    for item, name, number in late:
        message = f"host port {number} ({name}) is also used by {owners[item.place, number].name} on the same machine"
        hint = f"choose another: ports: {{{name}: {_free_port(owners, item, number)}}}"
        found.append((item, Fault(PORT_CONFLICT, ("ports", name), message, hint)))
    return found


def _free_port(owners: Owners, item: Desired, taken: int) -> int:
    """One that nobody has; from now on it is spoken for."""
    port = next(port for port in range(taken + 1, taken + len(owners) + 2) if (item.place, port) not in owners)
    owners[item.place, port] = item
    return port


def _of_proxies(
    present: Iterable[Desired], owners: Mapping[tuple[str, int], Desired]
) -> Iterator[tuple[Desired, Fault]]:
    """The proxy tells domains apart, so they share a port; everything else has it alone."""
    domains: dict[tuple[str, int], dict[str, str]] = {}
    for item in present:
        access = item.spec["access"]
        for name, number in access.get("ports", {}).items():
            others = domains.setdefault((item.place, number), {})
            taken = owners[item.place, number].name if (item.place, number) in owners else ""
            if others and (access["domain"] in others or "" in {access["domain"], *others}):
                taken = taken or next(iter(others.values()))
            if taken:
                message = f"port {number}, where {name} is exposed, is also used by {taken} on the same machine"
                hint = f"choose another: access: {{ports: {{{name}: PORT}}}}"
                yield item, Fault(PORT_CONFLICT, ("access", "ports", name), message, hint)
            else:
                others[access["domain"]] = item.name
