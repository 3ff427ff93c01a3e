"""What is known of GPUs without asking anybody: how much memory a model has. Pure."""

from __future__ import annotations

import math

MEMORY_GB = {
    "T4": 16,
    "V100": 16,
    "RTX A4000": 16,
    "L4": 24,
    "A10": 24,
    "A10G": 24,
    "RTX 3090": 24,
    "RTX 4090": 24,
    "RTX A5000": 24,
    "RTX 5090": 32,
    "A100-40GB": 40,
    "L40S": 48,
    "L40": 48,
    "A40": 48,
    "RTX A6000": 48,
    "RTX 6000 Ada": 48,
    "A100-80GB": 80,
    "H100": 80,
    "RTX PRO 6000": 96,
    "H200": 141,
}
"""Data sheets; a model that comes in two sizes has the size in its name. Smallest first, and
among equals the one that is easiest to get.
"""


def memory_gb(name: str) -> int:
    """The memory of one GPU; 0 when the model is not known."""
    known = {_plain(model): memory for model, memory in MEMORY_GB.items()}
    return known.get(_plain(name), 0)


def smallest(vram_gb: float) -> str:
    """The least that has so much memory, for messages: `L40S (48 GB)`, `2 x H200 (282 GB)`."""
    for name, memory in MEMORY_GB.items():
        if memory >= vram_gb:
            return f"{name} ({memory} GB)"
    name, memory = list(MEMORY_GB.items())[-1]
    count: int = 2 ** math.ceil(math.log2(vram_gb / memory))  # models are split over powers of two
    return f"{count} x {name} ({count * memory} GB)"


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
