"""Ansible's markers: texts that Ansible replaces wherever they stand in a program that it sends to a host.

No value passes through that replacement (see `bundles`). This is the fence around it, for the day on which one does:
nobody needs such a text in a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runner.faults import Fault, Path_

MARKERS = (
    "<<INCLUDE_ANSIBLE_MODULE_COMMON>>",
    "<<INCLUDE_ANSIBLE_MODULE_COMPLEX_ARGS>>",
    "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>",
    "<<ANSIBLE_VERSION>>",
    "<<SELINUX_SPECIAL_FILESYSTEMS>>",
    "# POWERSHELL_COMMON",
)
"""As ansible.executor.module_common has them, without the quotes around some; a test compares the two."""
CODE = "ansible-marker"
SHOWN = "it holds a marker that Ansible replaces by program text"
HINT = "write it without << and >>, or the one with # in other words"


def inside(text: str) -> bool:
    """Whether there is one in a text."""
    return any(marker in text for marker in MARKERS)


def faults(data: Any) -> list[Fault]:
    """One for each value or key of a file that holds a marker."""
    return [Fault(CODE, path, SHOWN, HINT) for path in _found(data, ())]


def _found(data: Any, path: Path_) -> Iterator[Path_]:
    if isinstance(data, str):
        if inside(data):
            yield path
    elif isinstance(data, dict):
        for key, value in data.items():
            if inside(key):
                yield (*path, key)
            yield from _found(value, (*path, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from _found(value, (*path, number))
