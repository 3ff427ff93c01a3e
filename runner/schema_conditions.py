"""What a deployment may say follows from its template and its provider: as conditions of a JSON Schema. Pure.

Each takes whatever `resolve` takes; what only follows from other files is left to `validate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner import exposure, formats, providers, reach
from runner.models import OwnService

if TYPE_CHECKING:
    from runner.template import Param, Template

Schema = dict[str, Any]
TYPES = {
    "string": ["string", "number"],
    "integer": ["integer"],
    "number": ["number"],
    "boolean": ["boolean"],
    "list": ["array"],
}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
SECRET: Schema = {
    "type": "string",
    "pattern": formats.SECRET,
    "patternErrorMessage": f"must be {formats.SECRET_IS}",
    "examples": ["env:NAME", "file:PATH", "vault:NAME"],
}
ENV_SECRET = r"^[A-Z][A-Z0-9_]*$"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class Known:
    """What a repository has."""

    templates: Mapping[str, Template]
    settings: Mapping[str, dict[str, Any]]
    """Of each provider."""
    usual: tuple[str, ...]
    """Providers of a deployment that names none."""


def conditions(known: Known, definitions: Schema) -> list[Schema]:
    """For `allOf` of a deployment. What they refer to is added to the definitions."""
    found = [_machine(name, known, definitions) for name in providers.names()]
    found += [_template(name, template, definitions) for name, template in sorted(known.templates.items())]
    inactive = sorted(name for name, template in known.templates.items() if template.status != "active")
    if inactive:
        absent = {"properties": {"state": {"const": "absent"}}, "required": ["state"]}
        found.append({"if": absent, "else": {"properties": {"template": {"not": {"enum": inactive}}}}})
    return [*found, {"properties": {"access": {"allOf": [_proof(), _certificate()]}}}]


def _proof() -> Schema:
    """Everybody has to prove who they are."""
    public = {"properties": {"expose": {"const": "public"}}, "required": ["expose"]}
    return {"if": public, "then": {"properties": {"auth": {"not": {"const": "none"}}}}}


def _certificate() -> Schema:
    """An authority certifies a domain, and asks for it from anywhere."""
    asked = {
        "properties": {"tls": {"const": "acme"}, "expose": {"not": {"const": "tunnel"}}},
        "required": ["tls", "expose"],
    }
    return {"if": asked, "then": {"required": ["domain"], "properties": {"expose": {"const": "public"}}}}


def _machine(name: str, known: Known, definitions: Schema) -> Schema:
    """Where this provider is a candidate, the options are its."""
    fields = [choice.machine for choice in providers.load(name).choices(known.settings.get(name, {}))]
    for field in {key for machine in fields for key in machine}:
        shown = [machine[field] for machine in fields if field in machine]
        definitions[f"machine-{name}"]["properties"][field]["examples"] = sorted({*map(str, shown)} - {""})
    named = {"anyOf": [{"const": name}, {"type": "array", "contains": {"const": name}}]}
    asked: Schema = {"properties": {"provider": named}, "required": ["provider"]}
    if name in known.usual:
        nothing = {"anyOf": [{"not": {"required": ["provider"]}}, {"properties": {"provider": {"const": None}}}]}
        asked = {"anyOf": [asked, nothing]}
    then: Schema = {"machine": {"$ref": f"#/$defs/machine-{name}"}}
    if not exposure.exposes(name):
        then["access"] = {"properties": {"expose": {"const": "tunnel"}}}
    return {"if": asked, "then": {"properties": then}}


def _template(name: str, template: Template, definitions: Schema) -> Schema:
    params, secrets = _params(template), _secrets(template)
    definitions[f"params-{name}"], definitions[f"secrets-{name}"] = params, secrets
    ports = template.service.all_ports()
    known_ports = {port: {**PORT, "description": one.description, "default": one.host} for port, one in ports.items()}
    closed = {"type": "object", "additionalProperties": False, "properties": known_ports}
    own = [field for field in OwnService.model_fields if field in template.open]
    then: Schema = {
        "properties": {
            "params": {"$ref": f"#/$defs/params-{name}"},
            "secrets": {"$ref": f"#/$defs/secrets-{name}"},
            "service": {"propertyNames": {"enum": own}} if own else {"enum": [None, {}]},
        },
        "required": [field for field, one in (("params", params), ("secrets", secrets)) if one["required"]],
    }
    if "ports" not in template.open:
        then["properties"] |= {"ports": closed, "access": {"properties": {"ports": _exposable(known_ports)}}}
    wants = {"properties": {"template": {"const": name}}, "required": ["template"]}
    return {"if": wants, "then": then}


def _exposable(ports: Schema) -> Schema:
    """Names as those of the ports; null is no list."""
    other = {**PORT, "not": {"const": reach.SSH}}
    return {"type": ["object", "null"], "additionalProperties": False, "properties": dict.fromkeys(ports, other)}


def _params(template: Template) -> Schema:
    open_ones = {name: param for name, param in template.params.items() if not param.secret}
    elsewhere = {
        name: {"not": {}, "doNotSuggest": True, "description": f"A secret: write secrets: {{{name}: env:NAME}} instead"}
        for name, param in template.params.items()
        if param.secret
    }
    examples = [model.id for model in template.models]
    described = {name: _param(param, examples if name == "model" else []) for name, param in open_ones.items()}
    return {
        "type": "object",
        "description": "Parameters of the template",
        "additionalProperties": False,
        "properties": described | elsewhere,
        "required": [name for name, param in open_ones.items() if param.required and param.default is None],
    }


def _param(param: Param, examples: list[str]) -> Schema:
    needed = param.required and param.default is None
    found: Schema = {"description": param.description, "type": [*TYPES[param.type], *([] if needed else ["null"])]}
    if param.default is not None:
        found["default"] = param.default
    if param.choices:
        written = [str(choice) for choice in param.choices] if param.type == "string" else []
        found["enum"] = [*dict.fromkeys([*param.choices, *written]), *([] if needed else [None])]
    elif examples:
        found["examples"] = examples
    if param.pattern:
        found["pattern"] = f"^(?:{param.pattern})$"
    limits = {"minimum": param.min, "maximum": param.max}
    return found | {name: limit for name, limit in limits.items() if limit is not None}


def _secrets(template: Template) -> Schema:
    own = {name: param for name, param in template.params.items() if param.secret}
    described = {name: {**SECRET, "description": param.description} for name, param in own.items()}
    proof = {**SECRET, "description": "What callers prove themselves with"}
    reserved = dict.fromkeys(sorted(reach.RESERVED), proof)
    asked = [n for n, p in own.items() if p.required and not (p.generate or p.only_with)]
    return {
        "type": "object",
        "description": "Where the values of secrets come from, never the values",
        "additionalProperties": False,
        "properties": described | reserved,
        "patternProperties": {ENV_SECRET: SECRET},
        "required": asked,
    }
