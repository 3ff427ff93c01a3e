"""The last failure of each deployment, kept until its next success: `.runner/failures/NAME.json`.

It is this clone's memory, not the repository's: a record says what is in force, and a failure is not. Who applies in CI
finds its failures there.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from runner import generated, programs, readback
from runner.repo import Repo
from runner.scan import valid_name

LARGEST = 65536
_TEXTS = ("commit", "action", "step", "error", "hint", "code", "log")
_FAILURE = readback.fields(
    {
        "time": readback.moment,
        "run": readback.word,
        "rolled_back": readback.flag,
        **dict.fromkeys(_TEXTS, readback.any_text),
    },
    required=("time", "run", "rolled_back", *_TEXTS),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """How the last apply of a deployment went wrong."""

    time: str
    """ISO time."""
    commit: str
    """What was applied; empty outside of git."""
    run: str
    action: str
    step: str
    """The step that failed; empty when it failed before or after all steps."""
    error: str
    hint: str
    code: str
    log: str
    rolled_back: bool
    """Whether the version before serves."""


def remember(repo: Repo, name: str, failure: Failure) -> None:
    """Until `forget`. Nothing in it is secret: the caller has masked it."""
    if valid_name(name):  # that of an orphan is whatever its label says
        text = json.dumps(asdict(failure), ensure_ascii=False, indent=1)
        generated.write(_path(repo, name), text + "\n", mode=0o600, below=repo.root)


def forget(repo: Repo, name: str) -> None:
    """It has succeeded since. Quiet when nothing is remembered."""
    if valid_name(name):
        _path(repo, name).unlink(missing_ok=True)


def of(repo: Repo, names: Collection[str]) -> dict[str, Failure]:
    """The last failures of these deployments. A file that cannot be read tells nothing, and stops nobody."""
    folder = repo.local / "failures"
    there = {path.stem for path in folder.iterdir()} if folder.is_dir() else set()
    found = {name: _read(_path(repo, name)) for name in sorted(there.intersection(names))}
    return {name: failure for name, failure in found.items() if failure is not None}


def _path(repo: Repo, name: str) -> Path:
    return repo.local / "failures" / f"{name}.json"


def _read(path: Path) -> Failure | None:
    try:
        with path.open("rb") as stream:
            data = readback.parsed(programs.text(stream.read(LARGEST)))
    except (OSError, readback.Damaged):
        return None
    return Failure(**data) if _FAILURE(data) is None and len(data) == len(fields(Failure)) else None
