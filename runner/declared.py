"""The declared half of a spec: what people wrote or got by default, checked against provider and template. Pure.

Each function adds what is wrong to the list of faults and goes on, so that all faults are found in one round.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from runner import exposure, extra_arguments, providers, reach
from runner.domain import Spec
from runner.faults import MOST_FAULTS, PORT_CONFLICT, Fault, of_model, short, suggestion, unknown
from runner.scalars import WrittenFloat, WrittenInt

if TYPE_CHECKING:
    from runner.models import Deployment, Settings
    from runner.template import Param, Template

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
class Declared:
    """What holds for one deployment, every default filled in."""

    candidates: tuple[str, ...]
    """Providers, in the order to try."""
    machine: Spec
    """With several candidates, as it is written."""
    fixed: tuple[str, ...]
    """Dotted fields that cannot change in place with these candidates."""
    params: dict[str, Any]
    """Every open parameter of the template; None where nobody gave a value."""
    secrets: dict[str, str]
    """Name → where the value comes from. A name that is no secret parameter becomes an environment variable."""
    ports: dict[str, int]
    """Every port of the template, and of the companions that are switched on → number on the host."""
    access: Spec
    """Who reaches it from outside; see `exposure.resolve`."""


def check(want: Deployment, template: Template | None, settings: Settings) -> tuple[Declared, list[Fault]]:
    """The declared values, and every fault that they have. With faults, the values are good for nothing.

    Without a template only what the provider knows can be checked.
    """
    faults = _status_faults(want, template) if template is not None else []
    candidates = _candidates(want, settings, faults)
    machine, fixed = _machine(want, candidates, faults)
    if template is None:
        return Declared(candidates, machine, fixed, {}, {}, {}, reach.TUNNEL), faults
    params = _params(want, template, faults)
    secrets = _secrets(want, template, params, faults)
    ports = _ports(want, template, params, faults)
    access = exposure.resolve(want, template, candidates, ports, faults)
    secrets |= exposure.secrets(access, want.secrets)
    return Declared(candidates, machine, fixed, params, secrets, ports, access), faults


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
    wrong = (name for name in names if name not in providers.names())
    for name in islice(wrong, MOST_FAULTS):
        hint = suggestion(name, providers.names())
        faults.append(Fault("unknown-provider", ("provider",), f"{short(name)} is not a known provider", hint))
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
        fixed += _fixed(model, options)
    return checked, tuple(dict.fromkeys(fixed))


def _fixed(model: type[BaseModel], options: BaseModel) -> list[str]:
    """The fields that cannot change in place; one that leaves the choice open keeps what was chosen."""
    return [f"machine.{name}" for name, may_be_open in _immovable(model) if not may_be_open or getattr(options, name)]


@cache
def _immovable(model: type[BaseModel]) -> tuple[tuple[str, bool], ...]:
    """(field, whether it may be left open) of those that say in_place: False."""
    found: list[tuple[str, bool]] = []
    for name, info in model.model_fields.items():
        extra: dict[str, Any] = info.json_schema_extra or {}  # type: ignore[assignment]
        if extra.get("in_place") is False:
            found.append((name, bool(extra.get("may_be_open"))))
        for part in get_args(info.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found += [(f"{name}.{inner}", False) for inner, _ in _immovable(part)]
    return tuple(found)


def _params(want: Deployment, template: Template, faults: list[Fault]) -> dict[str, Any]:
    open_params = {name: param for name, param in template.params.items() if not param.secret}
    wrong = (name for name in want.params if name not in open_params)
    for name in islice(wrong, MOST_FAULTS):
        if name in template.params:
            hint = f"write secrets: {{{name}: env:NAME}} instead"
            faults.append(Fault("secret-in-params", ("params", name), f"{name} is a secret and must not be here", hint))
        else:
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
        reason = misfit(param, given)
        values[name] = given if reason else _plain(param, given)
        if reason:
            faults.append(Fault("invalid-value", ("params", name), f"params.{name} {reason}"))
    return values


def misfit(param: Param, value: Any) -> str:
    """Why a value cannot be a parameter's, or nothing."""
    types = _PYTHON_TYPES[param.type]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        return _MUST_BE[param.type]
    if param.arguments:
        return extra_arguments.problem(param.arguments, value)
    if param.choices and not _chosen(param, value):
        return f"must be one of {', '.join(map(str, param.choices))}"
    if param.pattern and not re.fullmatch(param.pattern, str(value)):
        return f"must match {param.pattern}"
    if param.min is not None and isinstance(value, int | float) and value < param.min:
        return f"must be at least {param.min:g}"
    if param.max is not None and isinstance(value, int | float) and value > param.max:
        return f"must be at most {param.max:g}"
    return ""


def _plain(param: Param, value: Any) -> Any:
    """The value as the parameter's type, and as it will be read back: how a number was written counts for text only."""
    if param.type == "string":
        return str(value)
    if param.type == "list":
        return [str(item) if isinstance(item, WrittenInt | WrittenFloat) else item for item in value]
    return value + 0 if isinstance(value, WrittenInt | WrittenFloat) else value


def _chosen(param: Param, value: Any) -> bool:
    return str(value) in map(str, param.choices) if param.type == "string" else value in param.choices


def _secrets(want: Deployment, template: Template, params: Mapping[str, Any], faults: list[Fault]) -> dict[str, str]:
    expected = {
        name: param
        for name, param in template.params.items()
        if param.secret and (not param.only_with or params.get(param.only_with) is True)
    }
    sources = {name: source for name, source in want.secrets.items() if name not in reach.RESERVED}
    wrong = (name for name in sources if name not in expected and not _ENV_SECRET.match(name))
    for name in islice(wrong, MOST_FAULTS):
        hint = suggestion(name, expected, otherwise="an environment variable is written in capitals")
        message = f"{short(name)} is not a secret of {want.template}"
        faults.append(Fault("unknown-secret", ("secrets", name), message, hint))
    for name, param in expected.items():
        if name in sources:
            continue
        if param.generate:
            sources[name] = "generate"
        elif param.required:
            message = f"secrets.{name} is required: {param.description}"
            faults.append(Fault("missing-secret", ("secrets", name), message, f"write secrets: {{{name}: env:NAME}}"))
        elif param.for_gated and name.upper() not in sources and (model := gated(template, params)):
            message = f"secrets.{name} is required: {model} is given out to those only who have agreed to its terms"
            hint = f"agree where the model is, and write secrets: {{{name}: env:{name.upper()}}}"
            faults.append(Fault("missing-secret", ("secrets", name), message, hint))
    return dict(sorted(sources.items()))


def gated(template: Template, params: Mapping[str, Any]) -> str:
    """The model, if the library says that it is gated."""
    return next((model.id for model in template.models if model.gated and model.id == params.get("model")), "")


def _ports(want: Deployment, template: Template, params: Mapping[str, Any], faults: list[Fault]) -> dict[str, int]:
    known, off = dict(template.service.ports), dict[str, str]()
    for one in template.service.companions.values():
        if params.get(one.only_with) is True:
            known |= one.ports
        else:
            off |= dict.fromkeys(one.ports, one.only_with)
    wrong = (name for name in want.ports if name not in known)
    for name in islice(wrong, MOST_FAULTS):
        if name in off:
            hint = f"write params: {{{off[name]}: true}}, or leave it out"
            faults.append(Fault("port-without-effect", ("ports", name), f"nothing listens at {name} here", hint))
        else:
            faults.append(unknown("port", ("ports", name), known))
    ports = {name: want.ports.get(name, port.host) for name, port in known.items()}
    taken: dict[int, str] = {}
    for name, number in ports.items():
        if number in taken:
            message = f"ports {taken[number]} and {name} are both {number}"
            faults.append(Fault(PORT_CONFLICT, ("ports", name), message, "choose another host port"))
        taken[number] = name
    return ports
