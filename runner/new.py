"""Composes a new deployment file: only what differs from the defaults is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_origin

from runner import yamlfile
from runner.errors import InvalidFiles, Problem, UsageError
from runner.faults import dotted, suggestion
from runner.load import Loaded
from runner.models import Deployment
from runner.resolve import Source, resolve
from runner.template import Param, Template

HEADER = "# yaml-language-server: $schema=../schemas/deployment.schema.json\n"
ORDER = ("template", "provider", "state", "machine", "params", "env", "secrets", "ports")


def questions(template: Template, given: Mapping[str, Any]) -> dict[str, Param]:
    """The parameters that somebody must answer: no default, not given, and not made by itself."""
    answered = {*given.get("params", {}), *given.get("secrets", {})}
    return {
        name: param
        for name, param in template.params.items()
        if param.required and param.default is None and not param.generate and name not in answered
    }


def fields(template: Template, settings: list[str]) -> dict[str, Any]:
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
        here[path[-1]] = value(text)
    return data


def _place(key: str, template: Template) -> list[str]:
    if "." in key:
        return key.split(".")
    if key in template.params:
        return ["secrets" if template.params[key].secret else "params", key]
    if key in Deployment.model_fields:
        if get_origin(Deployment.model_fields[key].annotation) is dict:
            raise UsageError(f"--set {key} names a whole group", code="bad-set", hint=f"write --set {key}.NAME=value")
        return [key]
    if key in template.service.ports:
        return ["ports", key]
    hint = suggestion(key, [*template.params, *template.service.ports, *Deployment.model_fields])
    raise UsageError(f"--set {key}: neither a parameter nor a field", code="bad-set", hint=hint)


def value(text: str) -> Any:
    """The same rules as in a file."""
    try:
        return yamlfile.parse(f"value: {text}")["value"]
    except yamlfile.YamlFault:
        return text


def free_ports(template: Template, loaded: Loaded, place: str) -> dict[str, int]:
    """Ports to write because the template's own are taken by other deployments on the same machine."""
    taken = {
        port["host"]
        for item in loaded.desired.values()
        if place and item.place == place and item.state != "absent"
        for port in item.spec["service"]["ports"].values()
    }
    chosen: dict[str, int] = {}
    for name, port in template.service.ports.items():
        number = port.host
        while number in taken or number in chosen.values():
            number += 1
        if number != port.host:
            chosen[name] = number
    return chosen


def check(name: str, data: dict[str, Any], templates: Mapping[str, Template], settings: Any) -> str:
    """Raises InvalidFiles when the file would be wrong; otherwise the place it would run at."""
    file = f"deployments/{name}.yaml"
    desired, faults = resolve(Source(name, file, data), templates, settings)
    if desired is not None:
        return desired.place
    raise InvalidFiles([Problem(f.code, f.message, file=file, field=dotted(f.path), hint=f.hint) for f in faults])


def text(data: Mapping[str, Any]) -> str:
    """The file. Flow style for small mappings, as people write them."""
    rows = [f"{key}: {_flow(data[key])}" for key in sorted(data, key=lambda k: ORDER.index(k) if k in ORDER else 99)]
    return HEADER + "\n".join(rows) + "\n"


def _flow(value: Any) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """PyYAML knows which texts YAML 1.1 would take for something else; this adds those of `yamlfile`."""

    def text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
        style = None if text and yamlfile.plain(text) == text else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def number(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
        written = str(number)
        tag: str = dumper.resolve(yaml.ScalarNode, written, (True, False))  # type: ignore[no-untyped-call]
        return yaml.ScalarNode(tag, written)

    Dumper.add_representer(str, text)
    Dumper.add_representer(yamlfile.WrittenInt, number)
    Dumper.add_representer(yamlfile.WrittenFloat, number)
    dumped: str = yaml.dump(
        value, Dumper=Dumper, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True
    )
    return dumped.removesuffix("\n").removesuffix("\n...")
