"""What the wizard of `runner new` shows between its questions. Numbers in front are what can be typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.render.parts import badge, listed, note_lines
from runner.render.style import Style
from runner.render.text import Column, Row
from runner.render.units import price, value

FIT = {"fits": ("✓", "green"), "unknown": ("?", "yellow"), "too small": ("✗", "red")}
_NUMBER = Column("  #", right=True)
_TEMPLATES = (_NUMBER, Column("TEMPLATE"), Column("GPU", leave_out=1), Column("", least=20, leave_out=2))
_MODELS = (
    _NUMBER,
    Column("MODEL"),
    Column("FOR", leave_out=1),
    Column("DOWNLOAD", right=True),
    Column("GPU MEMORY", right=True),
    Column(""),
)
_PLACES = (_NUMBER, Column("WHERE"), Column("GPU"), Column("FIT"), Column("PRICE", right=True))
_OPTIONS = (Column("  NAME"), Column("VALUE", least=12), Column("", least=20, leave_out=1))


def templates_text(templates: Sequence[dict[str, Any]], *, style: Style) -> str:
    """What is ready to deploy: {id, icon, name, description, requirements}."""
    gpu = {"required": "needed", "optional": "if any"}
    rows = [
        Row([str(number), style.bold(t["id"]), gpu.get(t["requirements"]["gpu"], ""), t["description"]])
        for number, t in enumerate(style.clean(templates), start=1)
    ]
    return "\n".join(listed(_TEMPLATES, rows, style=style))


def models_text(models: Sequence[dict[str, Any]], *, style: Style) -> str:
    """The template's library."""
    rows = [
        Row(
            [
                str(number),
                style.bold(model["id"]),
                model.get("category", ""),
                f"{model['size_gb']:g} GB",
                f"{model['vram_gb']:g} GB",
                style.paint("needs a token", "yellow") if model.get("gated") else "",
            ]
        )
        for number, model in enumerate(style.clean(models), start=1)
    ]
    return "\n".join(listed(_MODELS, rows, style=style))


def places_text(places: Sequence[dict[str, Any]], *, style: Style) -> str:
    """{provider, label, gpu, vram_gb, fit, reason, price} of each place."""
    rows = [_place(number, place, style) for number, place in enumerate(style.clean(places), start=1)]
    return "\n".join(listed(_PLACES, rows, style=style))


def _place(number: int, place: dict[str, Any], style: Style) -> Row:
    vram = place["vram_gb"]
    memory = f"{vram:.4g} GB" if vram else "none" if vram is not None else ""
    cells = [
        str(number),
        f"{style.bold(place['provider'])} {place['label']}",
        " ".join(part for part in (place["gpu"], memory) if part),
        badge(place["fit"], FIT, style),
        price(place["price"]) if place["fit"] != "too small" else "",
    ]
    note = place["reason"] if place["fit"] != "too small" else ""  # said when somebody chooses it nevertheless
    return Row(cells, note_lines(note, style=style, indent="     ", mark="└ "))


def options_text(options: Sequence[dict[str, Any]], *, style: Style) -> str:
    """{name, value, description} of everything that has a default."""
    rows = [Row(["  " + style.bold(o["name"]), value(o["value"]), o["description"]]) for o in style.clean(options)]
    return "\n".join(listed(_OPTIONS, rows, style=style))


def file_text(file: str, text: str, *, style: Style) -> str:
    """A file that is about to be written, or just was."""
    return "\n".join([style.bold(file), *(f"  {line}" for line in style.clean(text).splitlines())])
