"""Deployment + template + settings → the spec: everything that decides how the service must look. Pure.

A spec has two halves. Declared, what people wrote or got by default: template, provider, machine, params, env,
secrets (where from, never the value), ports, access, labels, owner. Derived, what follows: role and service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from runner import expressions, providers
from runner.digest import digest
from runner.domain import Desired, Hold, Spec
from runner.faults import Fault, of_model, suggestion, unknown

if TYPE_CHECKING:
    from runner.models import Deployment, Settings
    from runner.template import CatalogueModel, Param, Service, Template

LOOPBACK = "127.0.0.1"
_ENV_SECRET = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str, int, float),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
}
_MUST_BE = {
    "string": "must be text",
    "integer": "must be a whole number",
    "number": "must be a number",
    "boolean": "must be true or false",
    "list": "must be a list",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One deployment file, parsed and valid on its own."""

    name: str
    file: str
    deployment: Deployment


def resolve(
    source: Source, templates: Mapping[str, Template], settings: Settings
) -> tuple[Desired | None, list[Fault]]:
    """The desired side of one deployment, or every fault that its file has against template and provider."""
    want = source.deployment
    template = templates.get(want.template)
    if template is None:
        return None, [_unknown_template(want.template, templates)]
    faults = _status_faults(want, template)
    candidates = _candidates(want, settings, faults)
    machine, fixed = _machine(want, candidates, faults)
    params = _params(want, template, faults)
    secrets = _secrets(want, template, faults)
    ports = _ports(want, template, faults)
    if faults:
        return None, faults
    spec = _spec(source, template, settings, candidates, machine=machine, params=params, secrets=secrets, ports=ports)
    faults = _misfits(spec, settings)
    if faults and want.state != "absent":
        return None, faults
    return _desired(source, spec, candidates, fixed), []


def _unknown_template(name: str, templates: Mapping[str, Template]) -> Fault:
    hint = suggestion(name, templates, otherwise="see: runner templates")
    return Fault("unknown-template", ("template",), f"{name} is not a known template", hint)


def _status_faults(want: Deployment, template: Template) -> list[Fault]:
    if template.status == "active" or want.state == "absent":
        return []
    why = {"coming_soon": "cannot be deployed yet", "disabled": "is disabled"}[template.status]
    note = f" ({template.status_note})" if template.status_note else ""
    message = f"the template {want.template} {why}{note}"
    return [Fault("template-not-active", ("template",), message, "see: runner templates")]


def _candidates(want: Deployment, settings: Settings, faults: list[Fault]) -> tuple[str, ...]:
    chosen = want.provider if want.provider is not None else settings.defaults.provider
    names = (chosen,) if isinstance(chosen, str) else tuple(dict.fromkeys(chosen))
    if not names:
        faults.append(Fault("missing-field", ("provider",), "the list of providers is empty", "name at least one"))
    for name in names:
        if name not in providers.names():
            hint = suggestion(name, providers.names())
            faults.append(Fault("unknown-provider", ("provider",), f"{name} is not a known provider", hint))
    return names


def _machine(want: Deployment, candidates: tuple[str, ...], faults: list[Fault]) -> tuple[Spec, tuple[str, ...]]:
    """The options with the provider's defaults filled in; with several candidates, as they are written."""
    known = [name for name in candidates if name in providers.names()]
    checked: dict[str, Any] = dict(want.machine)
    fixed: list[str] = []
    for name in known:
        model = providers.load(name).options()
        try:
            options = model.model_validate(want.machine)
        except ValidationError as error:
            faults.extend(of_model(error, model, want.machine, ("machine",)))
            continue
        if len(known) == 1:
            checked = options.model_dump(mode="json", exclude_none=True)
        fixed += _fixed(model)
    return checked, tuple(dict.fromkeys(fixed))


@cache
def _fixed(options: type[BaseModel]) -> tuple[str, ...]:
    """The fields that cannot change in place."""
    return tuple(
        f"machine.{field}"
        for field, info in options.model_fields.items()
        if (info.json_schema_extra or {}).get("in_place") is False  # type: ignore[union-attr]
    )


def _misfits(spec: Spec, settings: Settings) -> list[Fault]:
    """A fault when not one of the candidates can ever run it."""
    reasons = {name: providers.load(name).misfit(spec, settings.providers.get(name, {})) for name in spec["provider"]}
    if "" in reasons.values():
        return []
    return [Fault("does-not-fit", ("machine",), f"{name}: {reason}") for name, reason in reasons.items()]


def _params(want: Deployment, template: Template, faults: list[Fault]) -> dict[str, Any]:
    open_params = {name: param for name, param in template.params.items() if not param.secret}
    for name in want.params:
        if name in template.params and template.params[name].secret:
            hint = f"write secrets: {{{name}: env:NAME}} instead"
            faults.append(Fault("secret-in-params", ("params", name), f"{name} is a secret and must not be here", hint))
        elif name not in template.params:
            faults.append(unknown("param", ("params", name), open_params))
    values: dict[str, Any] = {}
    for name, param in open_params.items():
        given = want.params.get(name, param.default)
        if given is None:
            if param.required:
                message = f"params.{name} is required: {param.description}"
                faults.append(Fault("missing-param", ("params", name), message, "add it"))
            values[name] = None
            continue
        values[name] = given
        reason = _param_reason(param, given)
        if reason:
            faults.append(Fault("invalid-value", ("params", name), f"params.{name} {reason}"))
    return values


def _param_reason(param: Param, value: Any) -> str:
    """Why a value does not fit, or nothing."""
    types = _PYTHON_TYPES[param.type]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        return _MUST_BE[param.type]
    if param.choices and value not in param.choices:
        return f"must be one of {', '.join(map(str, param.choices))}"
    if param.pattern and not re.fullmatch(param.pattern, str(value)):
        return f"must match {param.pattern}"
    if param.min is not None and isinstance(value, int | float) and value < param.min:
        return f"must be at least {param.min:g}"
    if param.max is not None and isinstance(value, int | float) and value > param.max:
        return f"must be at most {param.max:g}"
    return ""


def _secrets(want: Deployment, template: Template, faults: list[Fault]) -> dict[str, str]:
    """Name → where the value comes from. A name that is no secret parameter becomes an environment variable."""
    expected = {name: param for name, param in template.params.items() if param.secret}
    sources = dict(want.secrets)
    for name in sources:
        if name not in expected and not _ENV_SECRET.match(name):
            hint = suggestion(name, expected, otherwise="an environment variable is written in capitals")
            faults.append(
                Fault("unknown-secret", ("secrets", name), f"{name} is not a secret of {want.template}", hint)
            )
    for name, param in expected.items():
        if name in sources:
            continue
        if param.generate:
            sources[name] = "generate"
        elif param.required:
            message = f"secrets.{name} is required: {param.description}"
            faults.append(Fault("missing-secret", ("secrets", name), message, f"write secrets: {{{name}: env:NAME}}"))
    return dict(sorted(sources.items()))


def _ports(want: Deployment, template: Template, faults: list[Fault]) -> dict[str, int]:
    known = template.service.ports
    faults.extend(unknown("port", ("ports", name), known) for name in want.ports if name not in known)
    ports = {name: want.ports.get(name, port.host) for name, port in template.service.ports.items()}
    taken: dict[int, str] = {}
    for name, number in ports.items():
        if number in taken:
            message = f"ports {taken[number]} and {name} are both {number}"
            faults.append(Fault("port-conflict", ("ports", name), message, "choose another host port"))
        taken[number] = name
    return ports


def _spec(source: Source, template: Template, settings: Settings, candidates: tuple[str, ...], **declared: Any) -> Spec:
    want = source.deployment
    owner = want.owner or settings.defaults.owner
    labels = {**settings.defaults.labels, **want.labels}
    secret_names = frozenset(declared["secrets"])
    optional_secrets = {name: "" for name, param in template.params.items() if param.secret}
    context = {
        "deployment": {"name": source.name, "owner": owner, "labels": labels},
        "params": declared["params"],
        "ports": declared["ports"],
        "machine": {**_known(candidates, declared["machine"], settings), **declared["machine"]},
        "model": _catalogue_entry(template, declared["params"]),
        "secrets": {**optional_secrets, **expressions.SecretMarkers(secret_names)},
    }
    service = _service(template.service, context, settings)
    service["gpus"] = GPUS[template.requirements.gpu]
    service["env"].update(want.env)
    for name in declared["secrets"]:
        if name not in template.params:
            service["env"][name] = {"secret_parts": [{"secret": name}]}
    return {
        "template": want.template,
        "provider": list(candidates),
        **declared,
        "env": want.env,
        "access": want.access.model_dump(mode="json"),
        "owner": owner,
        "labels": labels,
        "needs": _needs(template, declared["params"]),
        "role": template.role,
        "service": service,
    }


def _known(candidates: tuple[str, ...], machine: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """What the settings tell of a machine that the deployment names: with one candidate only."""
    if len(candidates) != 1:
        return {}
    return providers.load(candidates[0]).known(dict(machine), settings.providers.get(candidates[0], {}))


def _catalogue_entry(template: Template, params: Mapping[str, Any]) -> CatalogueModel | None:
    return next((model for model in template.models if model.id == params.get("model")), None)


GPUS = {"required": "all", "optional": "auto", "none": "none"}
"""What the template wants → what the engine is asked for; auto: all if the machine has any."""


def _needs(template: Template, params: Mapping[str, Any]) -> dict[str, float]:
    """What the machine must have: of the template, or of its models together if that is more."""
    wanted = template.requirements
    chosen = {params.get("model"), *(params.get("more_models") or ())}
    models = sum(model.vram_gb for model in template.models if model.id in chosen)
    vram = max(wanted.vram_gb if not models else 0, models) if wanted.gpu != "none" else 0
    return {"vram_gb": vram, "ram_gb": wanted.ram_gb, "disk_gb": wanted.disk_gb}


def _service(service: Service, context: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    image = _visible(service.image, context)
    process = service.process
    return {
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
    return {name: expressions.value(text, context) for name, text in env.items()}


def _desired(source: Source, spec: Spec, candidates: tuple[str, ...], fixed: tuple[str, ...]) -> Desired:
    want = source.deployment
    provider = providers.load(candidates[0])
    return Desired(
        name=source.name,
        file=source.file,
        state=want.state,
        providers=candidates,
        spec=spec,
        digest=digest(spec),
        fixed=fixed,
        place=provider.place(spec["machine"]) if len(candidates) == 1 else "",
        protect=want.protect,
        hold=Hold(want.hold.until.isoformat(), want.hold.reason) if want.hold else None,
        owner=spec["owner"],
        price=provider.price(spec["machine"]),
        notices=_notices(want),
    )


def _notices(want: Deployment) -> tuple[tuple[str, str], ...]:
    """The fields that were set and have no effect yet."""
    found: list[str] = []
    for name in want.model_fields_set:
        value = getattr(want, name)
        if name in _later(type(want)):
            found.append(name)
        elif isinstance(value, BaseModel):
            later = _later(type(value))
            found += [
                f"{name}.{field}"
                for field in value.model_fields_set & later.keys()
                if getattr(value, field) != later[field]
            ]
    return tuple((field, "is accepted but has no effect yet") for field in sorted(found))


@cache
def _later(model: type[BaseModel]) -> dict[str, Any]:
    """The fields without effect, with their defaults."""
    return {
        name: info.default
        for name, info in model.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("effect") == "later"
    }
