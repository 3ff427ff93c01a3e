"""Finds providers by scanning this package: a folder with a `provider.py` is one. There is no list anywhere."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.providers.base import ProviderClass


@cache
def names() -> tuple[str, ...]:
    """All providers, sorted. Imports none of them."""
    return tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/provider.py")))


@cache
def load(name: str) -> type[ProviderClass]:
    """The provider class of that name, which must be one of `names()`."""
    provider: type[ProviderClass] = import_module(f"runner.providers.{name}.provider").Provider
    return provider
