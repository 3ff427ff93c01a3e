"""Deployment + template + settings → the spec: everything that decides how the service must look. Pure.

A spec has two halves. `declared`, what people wrote or got by default: template, provider, machine, params, env,
secrets (where from, never the value), ports, own, access, labels, owner. `derived`, what follows: role and service.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from runner import declared, derived, own, providers, reach, references
from runner.declared import Declared
from runner.digest import digest
from runner.domain import Desired, Hold, Spec
from runner.faults import PORT_CONFLICT, UNKNOWN_TEMPLATE, Fault, of_model, short, suggestion, without
from runner.models import Deployment

if TYPE_CHECKING:
    from runner.models import Settings
    from runner.template import Template


@dataclass(frozen=True, slots=True)
class Source:
    """One deployment file, parsed."""

    name: str
    file: str
    data: dict[str, Any]


def resolve(
    source: Source, templates: Mapping[str, Template], settings: Settings
) -> tuple[Desired | None, list[Fault]]:
    """The desired side of one deployment, or every fault that its file has, alone and against template and provider."""
    want, faults = _read(source.data)
    if want is None:
        return None, faults
    template = templates.get(want.template)
    later = [] if template is not None else [_unknown_template(want.template, templates)]
    if template is not None:
        template, later = own.filled(want, template)
    values, against = declared.check(want, template, settings)
    faults += _besides(faults, later + against)
    if faults or template is None:
        return None, faults
    spec = _spec(source.name, want, template, settings, values)
    faults = _images(spec) or _misfits(spec, settings)
    if faults and want.state != "absent":
        return None, faults
    return replace(_desired(source, want, spec, values, settings), version=template.version), []


def _read(data: dict[str, Any]) -> tuple[Deployment | None, list[Fault]]:
    """The file as its model: without the fields that are wrong, so that the others are checked in the same round."""
    try:
        return Deployment.model_validate(data), []
    except ValidationError as error:
        faults = of_model(error, Deployment, data)
    try:
        return Deployment.model_validate({"template": "", **without(data, [fault.path for fault in faults])}), faults
    except ValidationError:
        return None, faults


def _besides(faults: list[Fault], later: list[Fault]) -> list[Fault]:
    """What the second look found, without what only follows from a field that the first one left out."""
    wrong = {fault.path[:length] for fault in faults for length in range(1, len(fault.path) + 1)}
    fields = {fault.path[0] for fault in faults}
    guessed = {"machine"} if "provider" in fields else set()
    return [
        fault
        for fault in later
        if fault.path not in wrong
        and fault.path[0] not in guessed
        and not (fault.code == PORT_CONFLICT and "ports" in fields)
        and not any(fault.path[: len(other.path)] == other.path for other in faults)
    ]


def _unknown_template(name: str, templates: Mapping[str, Template]) -> Fault:
    hint = suggestion(name, templates, otherwise="see: runner templates")
    return Fault(UNKNOWN_TEMPLATE, ("template",), f"{short(name)} is not a known template", hint)


def _images(spec: Spec) -> list[Fault]:
    """Those of the service that no engine can take, at the parameter that they come from."""
    service, found = spec["service"], []
    for one in (service, *service.get("companions", {}).values()):
        if one["image"] and (problem := references.problem(one["image"])):
            names = [name for name, value in spec["params"].items() if value and str(value) in one["image"]]
            path = ("params", names[0]) if names else ("template",)
            found.append(Fault("invalid-value", path, f"{one['image']} {problem}"))
    return found


def _misfits(spec: Spec, settings: Settings) -> list[Fault]:
    """A fault when not one of the candidates can ever run it."""
    reasons = {name: _misfit(name, spec, settings) for name in spec["provider"]}
    if "" in reasons.values():
        return []
    return [Fault("does-not-fit", ("machine",), f"{name}: {reason}") for name, reason in reasons.items()]


def _misfit(name: str, spec: Spec, settings: Settings) -> str:
    provider = providers.load(name)
    if spec["service"].get("script") and not getattr(provider, "runs_scripts", False):
        return "scripts run confined by systemd, on machines of the provider ssh"
    return provider.misfit(spec, settings.providers.get(name, {}))


def _spec(name: str, want: Deployment, template: Template, settings: Settings, values: Declared) -> Spec:
    owner = want.owner or settings.defaults.owner
    labels = {**settings.defaults.labels, **want.labels}
    about = {"name": name, "owner": owner, "labels": labels}
    service = derived.service(template, derived.context(about, template, settings, values), settings)
    if service["gpus"] == "auto" and values.machine.get("gpu") == derived.NO_GPU:
        service["gpus"] = "none"
    service["env"].update(want.env)
    if want.service is not None and want.service.command is not None:
        service["command"] = want.service.command
    for secret in values.secrets:
        if secret not in template.params and secret not in reach.RESERVED:
            service["env"][secret] = {"secret_parts": [{"secret": secret}]}
    return {
        "template": want.template,
        "provider": list(values.candidates),
        "machine": values.machine,
        "params": values.params,
        "secrets": dict(sorted(values.secrets.items())),
        "ports": values.ports,
        "env": want.env,
        "access": values.access,
        "lifecycle": want.lifecycle.model_dump(mode="json", include={"ttl"}, exclude_none=True),
        "owner": owner,
        "labels": labels,
        "needs": derived.needs(template, values.params),
        "role": template.role,
        "service": service,
        **({"own": want.service.model_dump(mode="json", exclude_none=True)} if want.service is not None else {}),
    }


def _desired(source: Source, want: Deployment, spec: Spec, values: Declared, settings: Settings) -> Desired:
    first = values.candidates[0]
    provider = providers.load(first)
    needs = {**spec["needs"], "gpus": spec["service"]["gpus"]}
    return Desired(
        name=source.name,
        file=source.file,
        state=want.state,
        providers=values.candidates,
        spec=spec,
        digest=digest(reach.without(spec)),
        fixed=values.fixed,
        place=provider.place(spec["machine"]) if len(values.candidates) == 1 else "",
        protect=want.protect,
        hold=Hold(want.hold.until.isoformat(), want.hold.reason) if want.hold else None,
        owner=spec["owner"],
        price=provider.price(spec["machine"], needs, settings.providers.get(first, {})),
        notices=notices(want, _honoured(values.candidates)),
    )


def _honoured(candidates: tuple[str, ...]) -> set[str]:
    """What has an effect at each of the candidates, though not everywhere."""
    return set.intersection(*(set(providers.load(name).honours) for name in candidates))


def notices(written: BaseModel, honoured: Collection[str] = ()) -> tuple[tuple[str, str], ...]:
    """The fields of a file that were set and have no effect yet, but for those that are honoured; with these words."""
    found: list[str] = []
    for name in written.model_fields_set:
        value = getattr(written, name)
        if name in _later(type(written)):
            found.append(name)
        elif isinstance(value, BaseModel):
            later = _later(type(value))
            found += [
                f"{name}.{field}"
                for field in value.model_fields_set & later.keys()
                if getattr(value, field) != later[field]
            ]
    return tuple((field, "is accepted but has no effect yet") for field in sorted({*found}.difference(honoured)))


@cache
def _later(model: type[BaseModel]) -> dict[str, Any]:
    """The fields without effect, with their defaults."""
    return {
        name: info.default
        for name, info in model.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("effect") == "later"
    }
