"""The `process` engine as seen from this machine: marks on disk, states from one question to supervisord."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO

from runner import readback
from runner.domain import Resource

_POLL_S = 0.5
BETWEEN = ("BACKOFF", "EXITED")
"""supervisord is about to start it again, as it does whenever one of ours ends."""
_LONGEST = 64 * 1024
_MARK = readback.fields({"repo": readback.word, "digest": readback.digest, "state": readback.line})


def list_services(home: Path, repo: str, provider: str) -> list[Resource]:
    """Everything below `home` that carries the repository's mark."""
    marks = _marks(home, repo)
    if not marks:
        return []
    processes = _processes(home) if any(m["state"] == "started" for m in marks) else {}
    return [_resource(home, provider, mark, processes.get(mark["deployment"])) for mark in marks]


def _processes(home: Path) -> dict[str, Any]:
    from runner.ansible_plugins.module_utils.supervisor_api import Supervisor  # slow to import: XML and HTTP

    processes: dict[str, Any] = Supervisor(str(home)).processes()
    return processes


def _marks(home: Path, repo: str) -> list[dict[str, Any]]:
    found = []
    services = str(home / "services")
    try:
        names = sorted(os.listdir(services))  # noqa: PTH208 - no Path for each of ten thousand services
    except FileNotFoundError:
        return []
    for name in names:
        if readback.name(name) is not None:  # nothing of ours: we make folders for deployments only
            continue
        mark = _mark(services, name)
        if mark.get("repo", repo) == repo:
            found.append({"digest": "", "state": "created", **mark, "repo": repo, "deployment": name})
    return found


def _mark(services: str, name: str) -> dict[str, Any]:
    """A folder without a readable mark is ours and unfinished: the mark is written early and removed last."""
    try:
        with open(f"{services}/{name}/mark.json", "rb") as stream:  # noqa: PTH123 - likewise
            mark: dict[str, Any] = readback.parsed(stream.read(_LONGEST))
    except (OSError, readback.Damaged):
        return {}
    return mark if _MARK(mark) is None else {}


def _resource(home: Path, provider: str, mark: dict[str, Any], info: dict[str, Any] | None) -> Resource:
    state, detail = _state(mark, info)
    restarts, trouble = _restarts(home, mark["deployment"], info) if state == "running" else (0, "")
    started = info["start"] if info and info.get("start") else 0
    return Resource(
        deployment=mark["deployment"],
        provider=provider,
        id=f"process:{mark['deployment']}",
        state=state,
        digest=mark["digest"],
        facts={"engine": "process", "home": str(home)},
        detail=detail,
        since=datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds") if started else "",
        restarts=restarts,
        health="unhealthy" if trouble else "unknown",
        health_detail=trouble,
    )


def _state(mark: dict[str, Any], info: dict[str, Any] | None) -> tuple[Literal["running", "stopped", "failed"], str]:
    if info is None:
        return "stopped", "" if mark["state"] == "stopped" else "it is not running"
    if info["statename"] in ("RUNNING", "STARTING", *BETWEEN):
        return "running", ""
    if info["statename"] == "STOPPED":
        return "stopped", "it was stopped by hand"
    return "failed", info.get("spawnerr") or f"it ended by itself ({info['statename'].lower()})"


def _restarts(home: Path, name: str, info: dict[str, Any] | None) -> tuple[int, str]:
    """How often it was started again lately, and what is wrong with that. What runs for long is not asked about."""
    from runner.ansible_plugins.module_utils import process_files, restarts  # slow to import: XML and HTTP

    between = info is not None and info["statename"] in BETWEEN
    if info is None or (not between and info["now"] - info["start"] > restarts.WINDOW_S):
        return 0, ""
    often = process_files.restarts(str(home / "services" / name))
    if often < restarts.MANY and not between:
        return often, ""
    said = restarts.told(often) if often >= restarts.MANY else "it ends and is started again and again"
    return often, f"{said}; see its log"


MOST_FILES = 50_000


def stored_bytes(home: Path, name: str) -> int | None:
    """Of the data of a service; None where it has more files than can be counted soon."""
    total = count = 0
    for folder, _, files in os.walk(home / "services" / name / "data"):
        count += len(files)
        if count > MOST_FILES:
            return None
        for file in files:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{folder}/{file}").st_size
    return total


def rename(home: Path, repo: str, old: str, new: str) -> None:
    """Stop a service and leave its data under another name. What holds its paths goes; the next start makes it anew.
    Quiet where it has been done already.
    """
    from runner.ansible_plugins.module_utils import process_steps
    from runner.ansible_plugins.module_utils.process_files import Service, lock, write

    before, after = (Service({"home": str(home), "repo": repo, "name": name, "packages": []}) for name in (old, new))
    with lock(before.home):
        process_steps.drop_program(before)
        folder = Path(after.folder)
        if not folder.exists() and Path(before.folder).exists():
            Path(before.folder).rename(folder)
        if not folder.exists():
            return
        for environment in folder.glob("venv-*"):
            shutil.rmtree(environment)
        (folder / "launch.json").unlink(missing_ok=True)
        write(after.path("mark.json"), after.mark("", "stopped"))


def log_lines(home: Path, name: str, *, follow: bool, lines: int) -> Iterator[str]:
    """The last lines of the service's log, then new ones as they come while following."""
    path = home / "services" / name / "service.log"
    if not path.exists():
        return
    stream = path.open(encoding="utf-8", errors="replace")
    try:
        yield from (line.rstrip("\n") for line in deque(stream, maxlen=lines))
        while follow:
            line = stream.readline()
            if line:
                yield line.rstrip("\n")
            elif _rotated(path, stream):
                stream.close()
                stream = path.open(encoding="utf-8", errors="replace")
            else:
                time.sleep(_POLL_S)
    finally:
        stream.close()


def _rotated(path: Path, stream: TextIO) -> bool:
    """Whether new lines go to another file: supervisord renames a full log and begins one under the same name."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return not os.path.samestat(there, os.fstat(stream.fileno())) or there.st_size < stream.tell()
