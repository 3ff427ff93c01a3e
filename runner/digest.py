"""One way to turn data into a short fingerprint. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

LENGTH = 16
"""Hex digits kept: 64 bits, enough to tell versions of one thing apart, short enough for a label."""


def canonical(data: Any) -> str:
    """JSON with sorted keys and no spaces: equal data gives equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(data: Any) -> str:
    """Fingerprint of JSON-able data."""
    return hashlib.sha256(canonical(data).encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def text_digest(text: str) -> str:
    """Fingerprint of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]
