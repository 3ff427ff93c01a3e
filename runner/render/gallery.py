"""The templates to choose from, and the form of one.

`templates --json` prints {"templates": [TEMPLATE]}, `templates ID --json` one TEMPLATE: the fields of a template file
(`runner.template.Template`, as `model_dump(mode="json")` gives them) and its `id`.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from runner.render.parts import commands, facts, listed, note_lines
from runner.render.style import Style
from runner.render.text import Column, Row, pad, width, wrap
from runner.render.units import value

_ICON_CELLS = 2
_REFERENCE = re.compile(r"[\w.-]+(?:/[\w.-]+)+:[\w.-]+(?:@sha256:[0-9a-f]+)?")
_COLUMNS = (Column("ID"), Column("FOR", leave_out=2), Column("GPU", leave_out=1), Column("NAME", least=16))
_MODEL_COLUMNS = (
    Column("  ID"),
    Column("NAME", least=12, leave_out=2),
    Column("FOR", leave_out=1),
    Column("SIZE", right=True),
    Column("VRAM", right=True),
    Column(""),
)


def templates_text(data: dict[str, Any], *, style: Style, verbose: bool = False) -> str:
    """One line for each template; `verbose`: the gallery, by category."""
    templates = sorted(style.clean(data)["templates"], key=lambda t: (t["category"], t["status"] != "active", t["id"]))
    if not templates:
        return "No templates yet: one file in templates/ makes one."
    lines = _gallery(templates, style) if verbose else [*_lines(templates, style), ""]
    more = [] if verbose else [("more of all", "runner templates -v")]
    return "\n".join(
        [
            *lines,
            *commands([*more, ("its form", "runner templates ID"), ("deploy it", "runner new ID NAME")], style=style),
        ]
    )


def _lines(templates: list[dict[str, Any]], style: Style) -> list[str]:
    rows = [
        Row(
            [
                style.bold(t["id"]) if t["status"] == "active" else style.dim(t["id"]),
                t["category"],
                t["requirements"].get("gpu", "none"),
                t["name"] if t["status"] == "active" else f"{t['name']} ({t['status'].replace('_', ' ')})",
            ]
        )
        for t in templates
    ]
    return listed(_COLUMNS, rows, style=style)


def _gallery(templates: list[dict[str, Any]], style: Style) -> list[str]:
    ids = max(width(template["id"]) for template in templates)
    lines: list[str] = []
    for category, group in groupby(templates, key=lambda template: template["category"]):
        lines += [style.bold(category.upper())]
        for template in group:
            lines += _card(template, ids, style)
        lines.append("")
    return lines


def template_text(data: dict[str, Any], *, style: Style) -> str:
    """Everything that can be chosen."""
    template = style.clean(data)
    service = template["service"]
    lines = [
        f"{_icon(template, style)}{style.bold(template['name'])}  {style.dim(template['id'])} {template['version']}"
    ]
    lines += wrap(template["description"], style.width, indent="  ")
    lines += ["", *facts(
        [
            ("needs", _needs(template["requirements"])),
            ("status", _status(template)),
            ("image", _image(service["image"])),
            ("tags", ", ".join(template.get("tags", []))),
        ],
        style=style,
    )]  # fmt: skip
    if template.get("params"):
        lines += ["", style.bold("PARAMETERS")]
        names = max(width(name) for name in template["params"])
        for name, param in template["params"].items():
            lines += _param(name, param, names, style)
    lines += ["", style.bold("PORTS"), *facts([(n, _port(port)) for n, port in _ports(service)], style=style)]
    if template.get("models"):
        lines += ["", *_models(template["models"], style)]
    return "\n".join([*lines, "", *commands([("deploy it", _example(template))], style=style)])


def _card(template: dict[str, Any], ids: int, style: Style) -> list[str]:
    icon = _icon(template, style)
    head = f"  {icon}{pad(template['id'], ids)}  "
    indent = " " * width(head)
    active = template["status"] == "active"
    name = style.bold(template["name"]) if active else style.dim(template["name"])
    top = head + name + (style.paint("  premium", "magenta") if template.get("premium") else "")
    lines = [top, *note_lines(template["description"], style=style, indent=indent)]
    lines += wrap(_needs(template["requirements"]), style.width, indent=indent)
    status = _status(template)
    return lines + [style.paint(line, "yellow") for line in wrap(status, style.width, indent=indent) if status]


def _icon(template: dict[str, Any], style: Style) -> str:
    icon = template.get("icon", "")
    return pad(icon, _ICON_CELLS) + " " if style.unicode and icon else ""


def _image(reference: str) -> str:
    """Without the expression that chooses, where there are several; digests in short."""
    images = _REFERENCE.findall(reference) if "{" in reference else [reference]
    return " or ".join(re.sub(r"(@sha256:[0-9a-f]{12})[0-9a-f]+", r"\1…", image) for image in images) or reference


def _needs(requirements: dict[str, Any]) -> str:
    vram, gpu = requirements.get("vram_gb") or 0, requirements.get("gpu", "none")
    memory = f" with {vram:g} GB" if vram else ""
    parts = [{"required": f"GPU{memory}", "optional": f"GPU{memory} (optional)"}.get(gpu, "no GPU")]
    parts += [f"{requirements['ram_gb']:g} GB RAM"] if requirements.get("ram_gb") else []
    parts += [f"{requirements['disk_gb']:g} GB disk"] if requirements.get("disk_gb") else []
    return " · ".join(parts)


def _status(template: dict[str, Any]) -> str:
    note = template.get("status_note", "")
    word = "" if template["status"] == "active" else template["status"].replace("_", " ")
    return ": ".join(part for part in (word, note) if part)


def _param(name: str, param: dict[str, Any], names: int, style: Style) -> list[str]:
    kind = [param.get("type", "string")]
    kind += ["required"] if param.get("required") else []
    kind += ["secret"] if param.get("secret") else []
    kind += ["made for you when you give none"] if param.get("generate") else []
    kind += [f"default {value(param['default'])}"] if param.get("default") is not None else []
    indent = " " * (names + 4)
    limits = [("at least", param.get("min")), ("at most", param.get("max")), ("pattern", param.get("pattern") or None)]
    extra = [
        f"{word} {limit:g}" if isinstance(limit, float) else f"{word} {limit}"
        for word, limit in limits
        if limit is not None
    ]
    if param.get("choices"):
        extra.append("one of " + ", ".join(value(choice) for choice in param["choices"]))
    return [
        *wrap(", ".join(kind), style.width, indent=f"  {style.bold(pad(name, names))}  ", hanging=indent),
        *note_lines(param.get("description", ""), style=style, indent=indent),
        *note_lines("; ".join(extra), style=style, indent=indent),
    ]


def _ports(service: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Those of companions last, with what switches them on."""
    ports = [*service["ports"].items()]
    for one in service.get("companions", {}).values():
        note = f" (only with {one['only_with']})"
        ports += [(name, {**port, "description": port["description"] + note}) for name, port in one["ports"].items()]
    return ports


def _port(port: dict[str, Any]) -> str:
    inside = f" (in the container {port['container']})" if port["container"] != port["host"] else ""
    return f"{port['host']} {port['protocol']}{inside}  {port['description']}"


def _models(models: list[dict[str, Any]], style: Style) -> list[str]:
    rows = [
        Row(
            [
                "  " + model["id"],
                model["name"],
                model.get("category", ""),
                f"{model['size_gb']:g} GB",
                f"{model['vram_gb']:g} GB",
                style.paint("needs a token", "yellow") if model.get("gated") else "",
            ]
        )
        for model in models
    ]
    return [style.bold("MODELS"), *listed(_MODEL_COLUMNS, rows, style=style)]


def _example(template: dict[str, Any]) -> str:
    command = f"runner new {template['id']} NAME"
    params = template.get("params", {})
    needed = [n for n, p in params.items() if p.get("required") and not p.get("secret") and p.get("default") is None]
    if needed or "model" not in params:
        return " ".join([command, *(f"--set {name}=…" for name in needed)])
    others = [model["id"] for model in template.get("models", []) if model["id"] != params["model"].get("default")]
    return f"{command} --set model={others[0]}" if others else command
