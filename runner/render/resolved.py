"""What an action is about, in four to six lines: what runs, where, who reaches it, what it keeps. Takes clean data."""

from __future__ import annotations

import re
from typing import Any

from runner.domain import DESTRUCTIVE, ENDING, Kind
from runner.listing import listed
from runner.render.style import Style
from runner.render.text import width, wrap

LABELS = len("secrets")
PACKAGES = 3
"""How many are named: it is a line, not a list."""
_DIGEST = re.compile(r"@sha256:([0-9a-f]{12})[0-9a-f]*")
_CHOSEN = "chosen now; may change if others take it"


def facts(resolved: dict[str, Any], kind: Kind) -> list[tuple[str, str]]:
    """(label, text) of everything that is known; empty where nothing is."""
    if not resolved:
        return []
    pairs = [
        ("runs", _runs(resolved)),
        ("on", _on(resolved)),
        ("at", _at(resolved) if kind not in ENDING else ""),
        ("data", _data(resolved["volumes"]) if kind not in DESTRUCTIVE else ""),
        ("secrets", _secrets(resolved["secrets"]) if kind not in ENDING else ""),
    ]
    return [(label, text) for label, text in pairs if text]


def lines(resolved: dict[str, Any], kind: Kind, *, style: Style, indent: str) -> list[str]:
    """The facts under an action, wrapped."""
    found: list[str] = []
    for label, text in facts(resolved, kind):
        head = f"{indent}{style.dim(label.ljust(LABELS))} "
        found += wrap(text, style.width, indent=head, hanging=" " * width(head))
    return found


def _runs(resolved: dict[str, Any]) -> str:
    named = f"{resolved['template']} {resolved['version']}".rstrip()
    models = resolved["models"]
    what = _image(resolved["image"]) or resolved["script"] or listed(resolved["packages"], PACKAGES)
    beside = [f"{name}: {_image(image)}" for name, image in resolved["images"].items()]
    several = f"model{'s' if len(models) > 1 else ''} {', '.join(models)}" if models else ""
    return "; ".join(part for part in (named, several, what, *beside) if part)


def _image(image: str) -> str:
    return _DIGEST.sub(r"@\1", image)


def _on(resolved: dict[str, Any]) -> str:
    engine = f"by {resolved['engine']}" if resolved["engine"] else ""
    place = resolved["place"] or "a machine that is not chosen yet"
    parts = ", ".join(part for part in (f"{place} {engine}".rstrip(), resolved["gpus"]) if part)
    return f"{parts} ({_CHOSEN})" if resolved["chosen"] else parts


def _at(resolved: dict[str, Any]) -> str:
    ports = ", ".join(f"{name} {port['address']}" for name, port in resolved["ports"].items())
    return "; ".join(part for part in (ports, _access(resolved["access"])) if part)


def _access(access: dict[str, Any]) -> str:
    expose = access.get("expose", "tunnel")
    if expose == "tunnel":
        return "reached by tunnel only"
    who = "everybody" if expose == "public" else ", ".join(expose["cidr"])
    where = ", ".join(f"{name} at port {number}" for name, number in access.get("ports", {}).items())
    name = f" of {access['domain']}" if access.get("domain") else ""
    return f"open to {who}: {where}{name}, authentication: {access.get('auth', 'none')}"


def _data(volumes: dict[str, str]) -> str:
    return f"kept in {', '.join(f'{name} ({path})' for name, path in volumes.items())}" if volumes else ""


def _secrets(secrets: dict[str, str]) -> str:
    return ", ".join(f"{name} ({'generated' if source == 'generate' else source})" for name, source in secrets.items())
