"""Where a deployment that is about to change will be, and what it will meet there: known before anything is touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from runner.domain import Resource, Spec
from runner.errors import ProviderError

ANYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of one deployment's place."""

    place: str = ""
    """For readers: this machine, host gpu-1, g6.xlarge in us-east-1; empty when it is not known."""
    host: str = ""
    """The machine that it shares with others, where there is one: what `sight` is of."""
    engine: str = ""
    """docker | process | systemd; empty when it is not known."""
    gpus: str = ""
    """For readers: `1 × L4`; empty when it takes none, or nobody knows which."""
    prepared: bool = False
    """Roles bring what is missing there: an engine, a driver."""
    adopts: bool = False
    """Roles may change the settings of an engine that others use too."""
    chosen: bool = False
    """It was picked from several at this moment; others may take it first."""
    obstacle: ProviderError | None = None
    """Why it certainly cannot be there."""
    warning: str = ""
    """What may keep it from being there."""
    sight: Mapping[str, Any] = field(default_factory=dict)
    """What `module_utils.host_sight` says of the machine; empty when there is none yet, or it was not asked."""


@runtime_checkable
class Predicting(Protocol):
    """A provider that can tell where something will be."""

    def outlooks(
        self, specs: Mapping[str, Spec], there: Mapping[str, Resource], leaving: Collection[str]
    ) -> Mapping[str, Outlook]:
        """For deployments that are about to be made or changed, in that order. `there`: those that exist; `leaving`:
        those that the same plan removes. Asks nothing that `list` has asked already. Raises nothing.
        """


def wanted(specs: Iterable[Spec]) -> dict[str, Any]:
    """What `host_sight` is to be asked for all of these; empty for none."""
    ports: dict[tuple[int, str], None] = {}
    images: dict[str, None] = {}
    gpu, several = False, False
    for spec in specs:
        several, service = True, spec["service"]
        ports |= dict.fromkeys(wanted_ports(spec).values())
        images |= dict.fromkeys(images_of(spec))
        gpu = gpu or service["gpus"] == "all" or bool(service["gpus"] == "auto" and spec["needs"]["vram_gb"])
    return {"ports": [*map(list, ports)], "images": [*images], "gpu": gpu} if several else {}


def wanted_ports(spec: Spec) -> dict[str, tuple[int, str]]:
    """Field of the file → port of the host and the address that it binds to."""
    found = {
        f"ports.{name}": (int(port["host"]), "127.0.0.1")
        for name, port in spec["service"]["ports"].items()
        if port["protocol"] != "udp"
    }
    exposed = spec["access"].get("ports", {})
    return found | {f"access.ports.{name}": (int(port), ANYWHERE) for name, port in exposed.items()}


def images_of(spec: Spec) -> list[str]:
    """Of the service and of its companions."""
    service = spec["service"]
    return [one["image"] for one in (service, *service.get("companions", {}).values()) if one["image"]]
