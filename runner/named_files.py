"""Files that people name in deployments and in `runner.yaml`: secrets, keys, homes. What can never be read as one is a
fault of the file that names it. What is not there is none: it may be on another machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner import bounded
from runner.domain import Desired
from runner.faults import Fault
from runner.repo import Repo

FILE = "file:"
HINTS = {
    "odd-secret-file": "name a file that holds the secret and nothing else",
    "odd-key-file": "name the file of a private key",
    "odd-folder": "write an absolute path, or one that begins with ~/",
}
_Path = tuple[str, ...]


def faults(repo: Repo, desired: Desired) -> list[Fault]:
    """What is wrong with the files that a deployment names. Looks each time: they are other files."""
    secrets = desired.spec["secrets"]
    found = [*_secrets(repo, ("secrets",), secrets), *_options(repo, ("machine",), desired.spec["machine"])]
    return [] if desired.state == "absent" else found


def faults_of_settings(repo: Repo, settings: Mapping[str, Any]) -> list[Fault]:
    """The same for `runner.yaml`."""
    parts = ("providers", "registries")
    return [fault for part in parts for fault in _options(repo, (part,), settings.get(part, {}))]


def _secrets(repo: Repo, at: _Path, sources: Mapping[str, str]) -> Iterator[Fault]:
    for name, source in sources.items():
        if source.startswith(FILE):
            yield from _file(repo, (*at, name), source.removeprefix(FILE), "odd-secret-file")


def _options(repo: Repo, at: _Path, options: Mapping[str, Any]) -> Iterator[Fault]:
    """Options of all providers say `key`, `home` and `…password` for the same things."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _options(repo, (*at, name), value)
        elif not isinstance(value, str) or not value:
            continue
        elif name == "key":
            yield from _file(repo, (*at, name), value, "odd-key-file")
        elif name == "home":
            yield from _folder(repo, (*at, name), value)
        elif name.endswith("password"):
            yield from _secrets(repo, at, {name: value})


def _file(repo: Repo, at: _Path, path: str, code: str) -> Iterator[Fault]:
    if odd := bounded.oddity(repo.root, path, bounded.SECRET_LIMIT):
        yield Fault(code, at, f"{path} {odd}", HINTS[code])


def _folder(repo: Repo, at: _Path, path: str) -> Iterator[Fault]:
    try:
        there = bounded.expanded(repo.root, path)
    except bounded.OddFile as odd:
        yield Fault("odd-folder", at, f"{path} {odd}", HINTS["odd-folder"])
        return
    if there.exists() and not there.is_dir():
        yield Fault("odd-folder", at, f"{path} is there and no folder", HINTS["odd-folder"])
