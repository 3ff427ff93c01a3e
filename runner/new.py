"""Composes a new deployment file: only what differs from the defaults is written."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, get_origin

from runner import declared, scalars, yamlfile
from runner.domain import Desired
from runner.errors import InvalidFiles, Problem, UsageError
from runner.faults import Fault, dotted, suggestion
from runner.load import Loaded
from runner.models import Deployment
from runner.resolve import Source, resolve
from runner.template import Param, Template

HEADER = "# yaml-language-server: $schema=../schemas/deployment.schema.json\n"
ORDER = ("template", "provider", "state", "machine", "params", "env", "secrets", "ports")
OPEN = {"missing-param", "missing-secret", "does-not-fit"}
"""Faults that the next question may be about."""


def questions(template: Template, given: Mapping[str, Any]) -> dict[str, Param]:
    """The parameters that somebody must answer: no default, not given, and not made by itself."""
    chosen = given.get("params", {})
    answered = {*chosen, *given.get("secrets", {})}
    model = template.params["model"].default if "model" in template.params else None
    gated = bool(declared.gated(template, {"model": model, **chosen}))
    return {
        name: param
        for name, param in template.params.items()
        if (param.required or (param.for_gated and gated))
        and param.default is None
        and not param.generate
        and name not in answered
    }


def fields(template: Template, settings: Iterable[str]) -> dict[str, Any]:
    """`--set` words as the fields of a file: `model=x` is a parameter, `machine.gpu=L4` spells the place out."""
    data: dict[str, Any] = {}
    for word in settings:
        key, separator, text = word.partition("=")
        if not separator or not key:
            raise UsageError(f"--set {word} has no value", code="bad-set", hint="write --set key=value")
        path = _place(key, template)
        here: Any = data
        for part in path[:-1]:
            here = here.setdefault(part, {}) if isinstance(here, dict) else None
        if not isinstance(here, dict):
            raise UsageError(f"--set {key}: {path[0]} has a value already", code="bad-set", hint="keep one of them")
        here[path[-1]] = value(text, template.params.get(path[-1]) if path[0] == "params" else None)
    return data


def merged(data: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Both; the latter wins, field by field."""
    both = dict(data)
    for key, item in more.items():
        before = both.get(key)
        both[key] = {**before, **item} if isinstance(before, dict) and isinstance(item, dict) else item
    return both


def _place(key: str, template: Template) -> list[str]:
    if key == "template":
        raise UsageError("--set template: it is chosen already", code="bad-set", hint="write runner new TEMPLATE NAME")
    if "." in key:
        return key.split(".")
    if key in template.params:
        return ["secrets" if template.params[key].secret else "params", key]
    if key in Deployment.model_fields:
        if get_origin(Deployment.model_fields[key].annotation) is dict:
            raise UsageError(f"--set {key} names a whole group", code="bad-set", hint=f"write --set {key}.NAME=value")
        return [key]
    if key in template.service.all_ports():
        return ["ports", key]
    hint = suggestion(key, [*template.params, *template.service.all_ports(), *Deployment.model_fields])
    raise UsageError(f"--set {key}: neither a parameter nor a field", code="bad-set", hint=hint)


def value(text: str, param: Param | None = None) -> Any:
    """A word of the command line by the rules of a file: lists, mappings and quoted texts as there, any other as it is.

    Unlike in a file, `#` begins no comment, a colon no mapping, nothing at all is an empty text, and a parameter that
    is text takes any word.
    """
    read = _read(text)
    return text if param is not None and param.type == "string" and not isinstance(read, str) else read


def _read(text: str) -> Any:
    if text[:1] in {"[", "{", '"', "'"}:
        with contextlib.suppress(yamlfile.YamlFault):
            found = yamlfile.parse(f"value: {text}")
            if found.keys() == {"value"}:
                return found["value"]
    return scalars.plain(text) if text else ""


def free_ports(wanted: Desired, loaded: Loaded, given: Collection[str] = ()) -> dict[str, int]:
    """Ports to write because the usual ones are taken by other deployments on the same machine; `given` ones stay."""
    own = {name: port["host"] for name, port in wanted.spec["service"]["ports"].items()}
    taken = {
        port["host"]
        for item in loaded.desired.values()
        if wanted.place and item.place == wanted.place and item.state != "absent"
        for port in item.spec["service"]["ports"].values()
    }
    taken |= {own[name] for name in own if name in given}
    chosen: dict[str, int] = {}
    for name, usual in own.items():
        number = usual
        while name not in given and (number in taken or number in chosen.values()):
            number += 1
        if number != usual:
            chosen[name] = number
    return chosen


def check(name: str, data: dict[str, Any], templates: Mapping[str, Template], settings: Any) -> Desired:
    """What the file would mean. Raises InvalidFiles when it would be wrong."""
    desired, faults = _resolved(name, data, templates, settings)
    if desired is None:
        raise _invalid(name, faults)
    return desired


def check_given(name: str, data: dict[str, Any], templates: Mapping[str, Template], settings: Any) -> None:
    """Raises InvalidFiles for what no further answer can mend."""
    _, faults = _resolved(name, data, templates, settings)
    final = [fault for fault in faults if fault.code not in OPEN]
    if final:
        raise _invalid(name, final)


def _resolved(name: str, data: dict[str, Any], *world: Any) -> tuple[Desired | None, list[Fault]]:
    return resolve(Source(name, f"deployments/{name}.yaml", data), *world)


def _invalid(name: str, faults: Iterable[Fault]) -> InvalidFiles:
    file = f"deployments/{name}.yaml"
    return InvalidFiles([Problem(f.code, f.message, file=file, field=dotted(f.path), hint=f.hint) for f in faults])


def text(data: Mapping[str, Any]) -> str:
    """The file. Flow style for small mappings, as people write them. Raises UsageError when no file can say it."""
    rows = [f"{key}: {_flow(data[key])}" for key in sorted(data, key=lambda k: ORDER.index(k) if k in ORDER else 99)]
    made = HEADER + "\n".join(rows) + "\n"
    try:
        same = yamlfile.parse(made) == data
    except yamlfile.YamlFault:
        same = False
    if not same:
        hint = "leave out control characters"
        raise UsageError("a value cannot be written into a file", code="bad-set", hint=hint)
    return made


def _flow(value: Any) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """PyYAML knows which texts YAML 1.1 would take for something else; this adds those of `yamlfile`."""

    def text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = None if text and scalars.plain(text) == text else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def number(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
        written = str(number)
        tag: str = dumper.resolve(yaml.ScalarNode, written, (True, False))  # type: ignore[no-untyped-call]
        return yaml.ScalarNode(tag, written)

    Dumper.add_representer(str, text)
    Dumper.add_representer(scalars.WrittenInt, number)
    Dumper.add_representer(scalars.WrittenFloat, number)
    dumped: str = yaml.dump(
        value, Dumper=Dumper, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True
    )
    return dumped.removesuffix("\n").removesuffix("\n...")
