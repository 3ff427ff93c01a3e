"""One folder for each apply, `.runner/runs/<id>/`: the plan, the events as JSON lines, and Ansible's own output."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from runner import programs, readback
from runner.readback import either, fields, number, one_of
from runner.redact import Redactor, Stream
from runner.repo import Repo

KEPT = 50
"""Older runs are removed."""
_LONGEST = 4 * 1024 * 1024
"""Bytes of one event."""
Event = dict[str, Any]
_EVENT = fields(
    {
        "time": readback.moment,
        "run": readback.word,
        "seconds": either(one_of(None), number(0, 1e9, whole=False)),
        **dict.fromkeys(("deployment", "kind", "step", "status", "message", "hint", "code", "log"), readback.any_text),
    },
    required=("time", "run", "deployment"),
)
_LEFT_OUT: Event = {"kind": "", "step": "", "status": "", "message": "", "seconds": None}


def new_id() -> str:
    """Sortable by time, unique."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


@dataclass
class Run:
    """One apply in progress. Everything that is written passes the redactor."""

    id: str
    folder: Path
    redactor: Redactor
    _stream: IO[str] | None = None
    _words: dict[str, Stream] = field(default_factory=dict)
    """What deployments say while they are worked on, line by line."""

    def event(self, event: Event) -> Event:
        """Complete one event, write it down, and return what was written."""
        if event.get("kind") == "log":
            words = self._words.setdefault(event["deployment"], self.redactor.stream())
            event = {**event, "message": words.text(event["message"])}
        full: Event = self.redactor.data({"time": now(), "run": self.id, **event})
        if self._stream is None:
            self._stream = (self.folder / "events.jsonl").open("a", encoding="utf-8")
        self._stream.write(json.dumps(full, ensure_ascii=False) + "\n")
        self._stream.flush()
        return full

    def write(self, name: str, data: Any) -> Path:
        """A file that Ansible acts on, readable by the user only. It holds sources of secrets, never their values, and
        is not redacted: a secret that happens to be a common word would change what is done.
        """
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        return path

    def close(self) -> None:
        """No more events."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def start(repo: Repo, run_id: str, redactor: Redactor) -> Run:
    """The folder of a new run; the oldest are removed."""
    folder = repo.runs / run_id
    folder.mkdir(parents=True, mode=0o700)
    for old in sorted(path for path in repo.runs.iterdir() if path.is_dir())[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return Run(run_id, folder, redactor)


def events(repo: Repo, deployment: str = "") -> Iterator[Event]:
    """All events that are kept, oldest first; those of one deployment if it is named."""
    if not repo.runs.is_dir():
        return
    for folder in sorted(repo.runs.iterdir()):
        path = folder / "events.jsonl"
        if path.is_file() and not (path.is_symlink() or folder.is_symlink()):
            yield from (event for event in _read(path) if not deployment or event.get("deployment") == deployment)


def _read(path: Path) -> Iterator[Event]:
    """Those that are events: a crash or a full disk can cut a line, and people edit files."""
    try:
        with path.open("rb") as stream:
            while line := stream.readline(_LONGEST):
                with contextlib.suppress(readback.Damaged):
                    event = readback.parsed(programs.text(line))
                    if _EVENT(event) is None:
                        yield {**_LEFT_OUT, **event}
    except OSError:
        return  # what cannot be read tells nothing


def now() -> str:
    """ISO time, to the millisecond."""
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds")
