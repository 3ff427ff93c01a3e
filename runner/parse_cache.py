"""Remembers checked deployments between commands. Losing it costs time, never correctness."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

from runner import __version__
from runner.digest import digest
from runner.domain import Desired, Hold
from runner.repo import Repo

Stamp = tuple[int, int, int]
_FIELDS = tuple(f.name for f in dataclass_fields(Desired))


def stamp(stat: os.stat_result) -> Stamp:
    """What the file system says of a file: it changes when the file does, even if somebody sets back the time."""
    return stat.st_ctime_ns, stat.st_size, stat.st_ino


@dataclass
class Cache:
    """Name → (stamp, desired), valid for one state of templates, settings and code."""

    path: Path | None
    key: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    notices: list[tuple[str, str]] = field(default_factory=list)
    """Of the settings, like those of a deployment."""
    clean: bool = False
    """Templates and settings had no faults; otherwise nothing is kept."""
    entries: dict[str, list[Any]] = field(default_factory=dict)
    dirty: bool = False

    def get(self, name: str, current: Stamp) -> Desired | None:
        """The remembered deployment, if its file is the same."""
        entry = self.entries.get(name)
        try:
            return _from_json(entry[1]) if entry and tuple(entry[0]) == current else None
        except (ValueError, LookupError, TypeError):
            return None  # damaged

    def put(self, name: str, current: Stamp, desired: Desired) -> None:
        """Remember a deployment whose file has no fault."""
        if self.path is not None:
            self.entries[name] = [current, _to_json(desired)]
            self.dirty = True

    def save(self, names: Collection[str]) -> None:
        """Write what is new. Failing to is no fault: the next command is slower."""
        gone = self.entries.keys() - set(names)
        if self.path is None or not self.clean or not (self.dirty or gone):
            return
        for name in gone:
            del self.entries[name]
        data = {"key": self.key, "settings": self.settings, "notices": self.notices, "entries": self.entries}
        body = sealed(json.dumps(data, separators=(",", ":")))
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_suffix(f".{os.getpid()}")
            temporary.write_text(body, encoding="utf-8")
            temporary.replace(self.path)


def open_cache(repo: Repo, *, enabled: bool) -> Cache:
    """The cache of this repository; empty when it does not fit or cannot be read."""
    if not enabled:
        return Cache(None)
    path, key = repo.local / "cache" / "load.json", _key(repo)
    try:
        data = json.loads(_opened(path.read_bytes()))
        if data["key"] == key:
            notices = [(name, why) for name, why in data["notices"]]
            return Cache(path, key, dict(data["settings"]), notices, clean=True, entries=dict(data["entries"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return Cache(path, key)


def sealed(body: str) -> str:
    """The file: its sum, then what it remembers. Nothing inside is checked again, so damage must show."""
    return f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}"


def _opened(raw: bytes) -> bytes:
    """Raises ValueError when it is not as it was written."""
    told, _, body = raw.partition(b"\n")
    if told.decode("ascii") != hashlib.sha256(body).hexdigest():
        msg = "its sum is another one"
        raise ValueError(msg)
    return body


def _key(repo: Repo) -> str:
    """Changes with everything that a resolved deployment depends on besides its own file."""
    code = Path(__file__).parent
    sources = [*code.glob("*.py"), *code.glob("providers/*/*.py"), *repo.templates.glob("*.yaml"), repo.settings]
    stamps = sorted((str(path), *stamp(path.stat())) for path in sources if path.exists())
    return digest([__version__, stamps])


def _to_json(desired: Desired) -> dict[str, Any]:
    data = {name: getattr(desired, name) for name in _FIELDS}
    data["hold"] = [desired.hold.until, desired.hold.reason] if desired.hold else None
    return data


def _from_json(data: dict[str, Any]) -> Desired:
    hold = data["hold"]
    return Desired(
        **{
            **data,
            "providers": tuple(data["providers"]),
            "fixed": tuple(data["fixed"]),
            "hold": Hold(*hold) if hold else None,
            "notices": tuple((name, why) for name, why in data["notices"]),
        }
    )
