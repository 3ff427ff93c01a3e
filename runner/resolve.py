"""Deployment + template + settings → the spec: everything that decides how the service must look. Pure.

A spec has two halves. `declared`, what people wrote or got by default: template, provider, machine, params, env,
secrets (where from, never the value), ports, access, labels, owner. `derived`, what follows: role and service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from runner import declared, derived, providers
from runner.declared import Declared
from runner.digest import digest
from runner.domain import Desired, Hold, Spec
from runner.faults import Fault, suggestion

if TYPE_CHECKING:
    from runner.models import Deployment, Settings
    from runner.template import Template


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
    values, faults = declared.check(want, template, settings)
    if faults:
        return None, faults
    spec = _spec(source, template, settings, values)
    faults = _misfits(spec, settings)
    if faults and want.state != "absent":
        return None, faults
    return _desired(source, spec, values), []


def _unknown_template(name: str, templates: Mapping[str, Template]) -> Fault:
    hint = suggestion(name, templates, otherwise="see: runner templates")
    return Fault("unknown-template", ("template",), f"{name} is not a known template", hint)


def _misfits(spec: Spec, settings: Settings) -> list[Fault]:
    """A fault when not one of the candidates can ever run it."""
    reasons = {name: providers.load(name).misfit(spec, settings.providers.get(name, {})) for name in spec["provider"]}
    if "" in reasons.values():
        return []
    return [Fault("does-not-fit", ("machine",), f"{name}: {reason}") for name, reason in reasons.items()]


def _spec(source: Source, template: Template, settings: Settings, values: Declared) -> Spec:
    want = source.deployment
    owner = want.owner or settings.defaults.owner
    labels = {**settings.defaults.labels, **want.labels}
    about = {"name": source.name, "owner": owner, "labels": labels}
    service = derived.service(template, derived.context(about, template, settings, values), settings)
    service["env"].update(want.env)
    for name in values.secrets:
        if name not in template.params:
            service["env"][name] = {"secret_parts": [{"secret": name}]}
    return {
        "template": want.template,
        "provider": list(values.candidates),
        "machine": values.machine,
        "params": values.params,
        "secrets": values.secrets,
        "ports": values.ports,
        "env": want.env,
        "access": want.access.model_dump(mode="json"),
        "owner": owner,
        "labels": labels,
        "needs": derived.needs(template, values.params),
        "role": template.role,
        "service": service,
    }


def _desired(source: Source, spec: Spec, values: Declared) -> Desired:
    want = source.deployment
    provider = providers.load(values.candidates[0])
    return Desired(
        name=source.name,
        file=source.file,
        state=want.state,
        providers=values.candidates,
        spec=spec,
        digest=digest(spec),
        fixed=values.fixed,
        place=provider.place(spec["machine"]) if len(values.candidates) == 1 else "",
        protect=want.protect,
        hold=Hold(want.hold.until.isoformat(), want.hold.reason) if want.hold else None,
        owner=spec["owner"],
        price=provider.price(spec["machine"], {**spec["needs"], "gpus": spec["service"]["gpus"]}),
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
