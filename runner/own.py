"""What a template leaves open and a deployment says itself, under `service:`. Pure; nothing of it is evaluated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.faults import Fault

if TYPE_CHECKING:
    from runner.models import Deployment, OwnHealth, OwnService
    from runner.template import Requirements, Template
    from runner.template_service import HealthCheck, ServicePort


def filled(want: Deployment, template: Template) -> tuple[Template, list[Fault]]:
    """The template as it is for this deployment, and what the deployment may not say. The command is left out: what
    stands in a template's command is an expression, and what people write never is.
    """
    own = want.service
    if own is None:
        return template, []
    faults = [_closed(field, want.template, template) for field in own.model_fields_set if field not in template.open]
    if faults:
        return template, faults
    ports = _ports(own, template)
    update: dict[str, Any] = {"ports": ports, **_given(own, "volumes", "shm_gb", "user")}
    update["health"], faults = _health(own.health, template.service.health, ports)
    if own.command is not None:
        update["command"] = []
    service = template.service.model_copy(update=update)
    return template.model_copy(update={"service": service, "requirements": _requirements(own, template)}), faults


def _closed(field: str, name: str, template: Template) -> Fault:
    known = f"known: {', '.join(template.open)}" if template.open else "write it without service:"
    return Fault("not-open", ("service", field), f"{name} does not leave service.{field} to the deployment", known)


def _given(own: OwnService, *fields: str) -> dict[str, Any]:
    return {field: value for field in fields if (value := getattr(own, field)) is not None}


def _ports(own: OwnService, template: Template) -> dict[str, ServicePort]:
    from runner.template_service import ServicePort

    if own.ports is None:
        return template.service.ports
    return {
        name: ServicePort(container=port.container, host=port.container, protocol=port.protocol, description=name)
        for name, port in own.ports.items()
    }


def _health(
    own: OwnHealth | None, health: HealthCheck, ports: dict[str, ServicePort]
) -> tuple[HealthCheck, list[Fault]]:
    update = own.model_dump(exclude_none=True) if own is not None else {}
    if "timeout_s" in update:
        update["per_gb_s"] = 0  # whoever says how long means all of it
    port = update.setdefault("port", health.port if health.port in ports else next(iter(ports)))
    if port in ports:
        return health.model_copy(update=update), []
    message = f"service.health.port {port} is not one of the ports: {', '.join(ports)}"
    return health, [Fault("invalid-value", ("service", "health", "port"), message)]


def _requirements(own: OwnService, template: Template) -> Requirements:
    return template.requirements.model_copy(update=_given(own, "gpu", "vram_gb"))
