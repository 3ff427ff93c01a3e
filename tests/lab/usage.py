"""How to use the lab with Slipway: the part of runner.yaml that names its hosts and images, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.lab import images, registry
from tests.lab.machine import Host

TEMPLATES = Path(__file__).parents[2] / "templates"
IMAGE = re.compile(r"[\w.-]+(?:/[\w.-]+)+:[\w.-]+(?:@sha256:[0-9a-f]{64})?")


def settings(hosts: Sequence[Host]) -> str:
    """The part of runner.yaml: where the hosts are, and which images stand for those of the templates."""
    lines = ["images:", "  replace:"]
    lines += [f"    {image}: {ours}" for image, ours in replacements().items()]
    lines += ["providers:", "  ssh:", "    hosts:"]
    lines += [f"      {host.name}: {{{entry(host)}}}" for host in hosts]
    return "\n".join(lines)


def entry(host: Host) -> str:
    """What stands between the braces."""
    fields: dict[str, object] = {"address": host.address, "port": host.port, "user": host.user, "key": str(host.key)}
    if host.jump:
        fields["jump"] = f"{host.jump.user}@{host.jump.address}:{host.jump.port}"
    fields |= {"host_key": host.host_key, "ram_gb": 8, "disk_gb": 20}
    return ", ".join(f"{name}: {json.dumps(value)}" for name, value in fields.items())


def replacements() -> dict[str, str]:
    """Image of a template → the lab's image for it, as hosts pull it."""
    return {
        image: registry.reference(standing_for(image, name))
        for template, name in served().items()
        for image in named(template)
    }


def named(template: str) -> list[str]:
    """Every image that a template may ask for, those of companions among them."""
    service = yaml.safe_load((TEMPLATES / f"{template}.yaml").read_text())["service"]
    companions = service.get("companions", {}).values()
    return [image for one in (service, *companions) for image in IMAGE.findall(one["image"])]


def standing_for(image: str, otherwise: str) -> str:
    """The lab's image of the same name as ghcr.io/open-webui/open-webui:v1@…, or its stand-in: a companion has an image
    of its own.
    """
    return _by_role().get(image.partition(":")[0].rpartition("/")[2], otherwise)


def served() -> dict[str, str]:
    """Template → the lab's image of the same name, or its stand-in."""
    names = _by_role()
    return {path.stem: names[path.stem] for path in sorted(TEMPLATES.glob("*.yaml")) if path.stem in names}


def _by_role() -> dict[str, str]:
    """What an image of the lab is, or stands in for → its name."""
    return {name.removesuffix("-stand-in"): name for name in images.names()}
