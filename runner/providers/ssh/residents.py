"""What hosts have of ours, as resources: services, scripts, sites of the proxy and volumes. Asks nothing: a host has
been looked at before.
"""

from __future__ import annotations

from collections.abc import Sequence

from runner.domain import Resource
from runner.engines import docker, systemd
from runner.providers.base import Context
from runner.providers.ssh.fleet import Fleet

PROVIDER = "ssh"


def of(fleet: Fleet, context: Context, name: str) -> Sequence[Resource]:
    """What a host has of ours. Raises ProviderError when it does not answer.

    When only its engine does not, what records say of it is there, and failed.
    """
    seen, blindness = fleet.seen(name), fleet.blindness(name)
    facts = {"host": name}
    scripts = systemd.resources(seen["units"], PROVIDER, facts=facts, health=seen["health"])
    if blindness is None:
        services = scripts + docker.resources(seen["containers"], PROVIDER, facts=facts, health=seen["health"])
        present = {service.deployment for service in services}
        left = docker.left_behind(seen["volumes"], present, PROVIDER, facts)
        return [*services, *_left_open(fleet, context, name, present), *left]
    return scripts + [
        Resource(
            deployment=record.deployment,
            provider=PROVIDER,
            id=f"host:{name}:{record.deployment}",
            state="failed",
            digest=record.digest,
            facts={
                "host": name,
                "engine": "docker",
                "container": docker.container_name(context.repo, record.deployment),
            },
            detail=str(blindness),
        )
        for record in context.neighbours
        if record.provider == PROVIDER
        and record.machine.get("host") == name
        and record.machine.get("engine") != "systemd"
    ]


def _left_open(fleet: Fleet, context: Context, name: str, served: set[str]) -> Sequence[Resource]:
    """What the proxy of a host serves although the service behind is gone: it must be found to be closed."""
    return [
        Resource(
            deployment=deployment,
            provider=PROVIDER,
            id=f"exposure:{deployment}",
            state="failed",
            facts={"host": name, "engine": context.machine.get("engine", "docker")},
            detail="its service is gone, but the proxy in front of it is still there",
        )
        for deployment in fleet.seen(name)["exposed"]
        if deployment not in served
    ]
