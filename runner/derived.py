"""The derived half of a spec: the service that follows from template and declared values. Pure.

Every expression of the template is evaluated here; what people wrote never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner import expressions, providers

if TYPE_CHECKING:
    from runner.declared import Declared
    from runner.models import Settings
    from runner.template import CatalogueModel, Script, Template

LOOPBACK = "127.0.0.1"
GPUS = {"required": "all", "optional": "auto", "none": "none"}
"""What the template wants → what the engine is asked for; auto: all if the machine has any."""


def context(about: Mapping[str, Any], template: Template, settings: Settings, values: Declared) -> dict[str, Any]:
    """What expressions of the template see; `about` is the deployment's name, owner and labels."""
    optional_secrets = {name: "" for name, param in template.params.items() if param.secret}
    return {
        "deployment": about,
        "params": values.params,
        "ports": values.ports,
        "container_ports": {name: port.container for name, port in template.service.ports.items()},
        "machine": {**_known(values, settings), **values.machine},
        "model": _catalogue_entry(template, values.params),
        "secrets": {**optional_secrets, **expressions.SecretMarkers(frozenset(values.secrets))},
    }


def _known(values: Declared, settings: Settings) -> dict[str, Any]:
    """What the settings tell of a machine that the deployment names: with one candidate only."""
    if len(values.candidates) != 1:
        return {}
    [name] = values.candidates
    return providers.load(name).known(dict(values.machine), settings.providers.get(name, {}))


def _catalogue_entry(template: Template, params: Mapping[str, Any]) -> CatalogueModel | None:
    return next((model for model in template.models if model.id == params.get("model")), None)


def service(template: Template, context: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The service as the engines take it. Raises ExpressionError."""
    service, process = template.service, template.service.process
    image = _visible(service.image, context)
    return {
        "gpus": GPUS[template.requirements.gpu],
        "image": settings.images.replace.get(image, image),
        "command": _words(service.command, context),
        "env": _environment(service.env, context),
        "ports": {
            name: {
                "bind": LOOPBACK,
                "host": context["ports"][name],
                "container": port.container,
                "protocol": port.protocol,
            }
            for name, port in service.ports.items()
        },
        "volumes": service.volumes,
        "shm_gb": service.shm_gb,
        "user": service.user,
        "health": service.health.model_dump(),
        "process": {
            "packages": process.packages,
            "command": _words(process.command, context),
            "env": _environment(process.env, context),
        }
        if process
        else None,
        **({"script": _script(service.script, context)} if service.script else {}),
    }


def _script(script: Script, context: Mapping[str, Any]) -> dict[str, str]:
    return {"source": _visible(script.source, context), "sha256": _visible(script.sha256, context)}


def _words(command: list[str], context: Mapping[str, Any]) -> list[str]:
    """An argument that resolves to nothing is left out: that is how templates make a flag optional."""
    words = [_visible(word, context) if "{" in word else word for word in command]
    return [word for word in words if word]


def _visible(source: str, context: Mapping[str, Any]) -> str:
    resolved = expressions.text(source, context)
    if expressions.MARK in resolved:
        raise expressions.ExpressionError("a secret must not be in a command: every user of the machine could read it")
    return resolved


def _environment(env: Mapping[str, str], context: Mapping[str, Any]) -> dict[str, expressions.Resolved]:
    return {name: expressions.value(text, context) for name, text in env.items()}


def needs(template: Template, params: Mapping[str, Any]) -> dict[str, float]:
    """What the machine must have: of the template, or of its models together if that is more."""
    wanted = template.requirements
    chosen = {params.get("model"), *(params.get("more_models") or ())}
    models = sum(model.vram_gb for model in template.models if model.id in chosen)
    vram = max(wanted.vram_gb if not models else 0, models) if wanted.gpu != "none" else 0
    return {"vram_gb": vram, "ram_gb": wanted.ram_gb, "disk_gb": wanted.disk_gb}
