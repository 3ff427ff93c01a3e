"""What an image reference looks like: [HOST[:PORT]/]NAME[:TAG][@sha256:…], as engines and registries read it. Pure."""

from __future__ import annotations

import re

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:localhost(?::[0-9]+)?|{_LABEL}(?:\.{_LABEL})+(?::[0-9]+)?|{_LABEL}:[0-9]+|\[[0-9a-fA-F:]+\](?::[0-9]+)?)"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
PATTERN = rf"^(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::{_TAG})?(?:@sha256:[0-9a-f]{{64}})?$"
LONGEST = 512
"""Characters. Registries take 255 for the name alone."""
_REFERENCE = re.compile(PATTERN)
_LIKE = "an image is called HOST/NAME:TAG@sha256:…, e.g. ghcr.io/team/app:1.2"


def problem(text: str) -> str:
    """Why no engine can take it; empty when one may."""
    if len(text) <= LONGEST and _REFERENCE.match(text) and "\n" not in text:
        return ""
    if len(text) <= LONGEST and _REFERENCE.match(_lowered(text)):
        return f"is no image reference: its name may have no capitals; write {_lowered(text)}"
    return f"is no image reference; {_LIKE}"


def _lowered(text: str) -> str:
    """With a name in small letters; tags may have capitals."""
    name, at, digest = text.partition("@")
    start = name.rfind("/") + 1
    last, colon, tag = name[start:].partition(":")
    return f"{name[:start].lower()}{last.lower()}{colon}{tag}{at}{digest}"
