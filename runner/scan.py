"""Which entries of `deployments/` are deployment files, and what is wrong with the others. Opens none of them."""

from __future__ import annotations

import os
from pathlib import Path

from runner.errors import Problem
from runner.repo import Repo

SUFFIX = ".yaml"
NESTED = "nested-folder"
_NOT_DEPLOYMENTS = ("README.md", "access")
_LONGEST = 41

Fault = tuple[str, str, str]
"""Code, message, hint."""


def scan(repo: Repo, problems: list[Problem]) -> tuple[list[os.DirEntry[str]], frozenset[str]]:
    """The deployment files, and the names of these and of the faulty ones. Faults are added to the list."""
    found: list[os.DirEntry[str]] = []
    names: set[str] = set()
    by_case: dict[str, str] = {}
    root = repo.root.resolve()
    with os.scandir(repo.deployments) as entries:
        named = [(*os.path.splitext(entry.name), entry) for entry in entries]  # noqa: PTH122 - no Path for each of them
        for stem, suffix, entry in sorted(named, key=lambda row: row[:2]):
            if entry.name.startswith(".") or entry.name in _NOT_DEPLOYMENTS:
                continue
            fault = _kind_fault(entry, root) or _name_fault(stem, suffix, by_case)
            if fault is None or fault[0] != NESTED:
                names.add(stem)
            if fault is None:
                found.append(entry)
            else:
                code, message, hint = fault
                problems.append(Problem(code, message, file=f"deployments/{entry.name}", hint=hint))
    return found, frozenset(names)


def _kind_fault(entry: os.DirEntry[str], root: Path) -> Fault | None:
    if entry.is_symlink():
        target = Path(os.path.realpath(entry.path))  # unlike Path.resolve, quiet about a link to itself
        if not target.is_relative_to(root):
            return "symlink-outside", "the link leads out of the repository", "copy the file into deployments/"
        if not target.is_file():
            return "broken-symlink", "the link leads nowhere", "remove it or repair its target"
    if entry.is_dir():
        return NESTED, "deployments are files directly in deployments/", "move its files up, or it elsewhere"
    if not entry.is_file():
        return "not-a-file", "it is a pipe, a socket or a device", "remove it"
    return None


def _name_fault(stem: str, suffix: str, by_case: dict[str, str]) -> Fault | None:
    if suffix != SUFFIX:
        hint = f"rename it to {stem}{SUFFIX}" if suffix in (".yml", ".YAML", ".json") else "move it elsewhere"
        return "bad-file-name", f"deployments are files that end with {SUFFIX}", hint
    other = by_case.setdefault(stem.lower(), stem)
    if other != stem:
        message = f"differs from {other}{SUFFIX} only by case"
        return "name-case", message, "choose another name: some systems see one file"
    if stem in RESERVED:
        return "reserved-name", f"{stem} has a meaning of its own in Ansible's inventory", "choose another name"
    if not valid_name(stem):
        rule = "a name has small letters, digits and hyphens, starts with a letter, and has at most 41 characters"
        from runner.faults import odd_character

        strange = odd_character(stem)
        return "bad-name", rule, f"rename the file: it has {strange}" if strange else "rename the file"
    return None


RESERVED = frozenset({"all", "ungrouped", "localhost"})
"""Groups and hosts of every inventory; a deployment is a host and must not be called like one of them. Groups of ours
have an underscore, which no deployment has.
"""


def valid_name(stem: str) -> bool:
    """`models.NAME_PATTERN`, without its import."""
    ascii_word = stem.replace("-", "0").isalnum() and stem.isascii() and stem == stem.lower()
    return ascii_word and len(stem) <= _LONGEST and stem[0].isalpha()
