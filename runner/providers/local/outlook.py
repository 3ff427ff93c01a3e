"""What a deployment on this machine will meet: asked once, for all that are about to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.ansible_plugins.module_utils import host_sight
from runner.domain import Spec
from runner.providers.outlook import wanted


def sight(
    specs: Mapping[str, Spec], engines: Mapping[str, str], *, repo: str, socket: str, home: str
) -> dict[str, Any]:
    """`engines`: of each of the specs; the Docker engine is asked only where one of them needs it."""
    asked = wanted(specs.values())
    asked["images"] = wanted(spec for name, spec in specs.items() if engines[name] == "docker").get("images", [])
    found: dict[str, Any] = host_sight.sight(asked, repo, socket, (home,))
    return found


def cards(seen: Mapping[str, Any]) -> str:
    """`2 × NVIDIA L4` of what `host_gpu` says; empty when nothing works, or nobody asked."""
    names = [card["name"] for card in seen.get("gpu", {}).get("cards", ())]
    return " + ".join(f"{names.count(name)} × {name}" for name in dict.fromkeys(names))
