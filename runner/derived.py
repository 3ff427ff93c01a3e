"""The derived half of a spec: the service that follows from template and declared values. Pure.

Every expression of the template is evaluated here; what people wrote never is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner import expressions, providers, reach
from runner.ansible_plugins.module_utils.health_probe import STABLE_S
from runner.expressions import Scope

if TYPE_CHECKING:
    from runner.declared import Declared
    from runner.models import Settings
    from runner.template import CatalogueModel, Template
    from runner.template_service import Companion, HealthCheck, Script, Service

LOOPBACK = "127.0.0.1"
NO_GPU = "none"
"""As `machine.gpu`: a machine without one, or with one that is for others."""
GPUS = {"required": "all", "optional": "auto", "none": "none"}
"""What the template wants → what the engine is asked for; auto: all if the machine has any."""


def context(about: Mapping[str, Any], template: Template, settings: Settings, values: Declared) -> Scope:
    """What expressions of the template see; `about` is the deployment's name, owner and labels."""
    optional_secrets = {name: "" for name, param in template.params.items() if param.secret}
    return Scope(
        deployment=about,
        params=values.params,
        ports=values.ports,
        container_ports={name: port.container for name, port in template.service.ports.items()},
        machine=_machine(values, settings),
        model=_catalogue_entry(template, values.params),
        secrets={**optional_secrets, **expressions.SecretMarkers(frozenset(values.secrets) - reach.RESERVED)},
    )


def _machine(values: Declared, settings: Settings) -> dict[str, Any]:
    """What the deployment says of its machine, and where it says nothing, what the settings do."""
    known = _known(values, settings)
    machine = {**values.machine, **{name: value for name, value in known.items() if not values.machine.get(name)}}
    return {**machine, "gpu": ""} if machine.get("gpu") == NO_GPU else machine


def _known(values: Declared, settings: Settings) -> dict[str, Any]:
    """What the settings tell of a machine that the deployment names: with one candidate only."""
    if len(values.candidates) != 1:
        return {}
    [name] = values.candidates
    return providers.load(name).known(dict(values.machine), settings.providers.get(name, {}))


def _catalogue_entry(template: Template, params: Mapping[str, Any]) -> CatalogueModel | None:
    return next((model for model in template.models if model.id == params.get("model")), None)


def service(template: Template, context: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The service as the engines take it, with those of its companions that are switched on. Raises ExpressionError."""
    service, process = template.service, template.service.process
    companions = {name: one for name, one in service.companions.items() if context["params"].get(one.only_with)}
    ports = _ports(service, context)
    for name, one in companions.items():
        ports |= {port: {**found, "companion": name} for port, found in _ports(one, context).items()}
    return {
        "gpus": GPUS[template.requirements.gpu],
        **_container(service, context, settings, _more(template, context["params"])),
        "ports": ports,
        **(
            {"companions": {name: _container(one, context, settings) for name, one in companions.items()}}
            if companions
            else {}
        ),
        "process": {
            "packages": process.packages,
            "command": _words(process.command, context),
            "env": _environment(process.env, context),
        }
        if process
        else None,
        **({"script": _script(service.script, context)} if service.script else {}),
    }


def _more(template: Template, params: Mapping[str, Any]) -> list[str]:
    return [str(word) for name, param in template.params.items() if param.arguments for word in params.get(name) or ()]


def _script(script: Script, context: Mapping[str, Any]) -> dict[str, str]:
    return {"source": _visible(script.source, context), "sha256": _visible(script.sha256, context)}


def _container(
    one: Service | Companion, context: Mapping[str, Any], settings: Settings, more: Sequence[str] = ()
) -> dict[str, Any]:
    """`more` are arguments that the deployment says itself: checked, and never evaluated."""
    image = _visible(one.image, context)
    return {
        "image": settings.images.replace.get(image, image),
        "command": _words(one.command, context) + list(more),
        "env": _environment(one.env, context),
        "volumes": one.volumes,
        "shm_gb": one.shm_gb,
        "user": one.user,
        "health": _health(one.health, context["model"]),
    }


def _health(check: HealthCheck, model: CatalogueModel | None) -> dict[str, Any]:
    """With the time that the model takes, where the service downloads it."""
    more = round(check.per_gb_s * model.size_gb) if model else 0
    found = {**check.model_dump(exclude={"per_gb_s", "stable_s"}), "timeout_s": check.timeout_s + more}
    # what everybody has is not said, so that another default changes nobody's digest
    return found if check.stable_s == STABLE_S else {**found, "stable_s": check.stable_s}


def _ports(one: Service | Companion, context: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "bind": LOOPBACK,
            "host": context["ports"][name],
            "container": port.container,
            "protocol": port.protocol,
        }
        for name, port in one.ports.items()
    }


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
    """A variable whose expression resolves to nothing is left out: to many programs, empty is not the same as absent.
    One that the template itself leaves empty stays.
    """
    resolved = {name: expressions.value(text, context) for name, text in env.items()}
    return {name: value for name, value in resolved.items() if value != "" or "{" not in env[name]}


def needs(template: Template, params: Mapping[str, Any]) -> dict[str, float]:
    """What the machine must have: of the template, or of its models together if that is more."""
    wanted = template.requirements
    chosen = {params.get("model"), *(params.get("more_models") or ())}
    models = sum(model.vram_gb for model in template.models if model.id in chosen)
    vram = max(wanted.vram_gb if not models else 0, models) if wanted.gpu != "none" else 0
    found = {"vram_gb": vram, "ram_gb": wanted.ram_gb, "disk_gb": wanted.disk_gb}
    spread = params.get(wanted.gpus_from) or 1
    return {**found, "gpu_count": spread} if spread > 1 else found
