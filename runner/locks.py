"""One apply at a time for each deployment: a lease with a holder, a heartbeat and an expiry.

`LeaseStore` is what another kind of lock (a git ref) would implement; `LocalLeases` keeps files. Those of a repository
are in the user's data folder, so that all its clones and worktrees on a machine exclude each other.
A lease of a dead process of this machine is taken over at once, after ending what the process left running.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from runner import bounded, file_lock, generated, processes, readback
from runner.errors import Blocked
from runner.repo import Repo, data_home

EXPIRY_S = 60.0
HEARTBEAT_S = 15.0
POLL_S = 0.5


_LONGEST = 64 * 1024
_TIME = readback.number(0, 253_000_000_000, whole=False)
_LEASE = readback.fields(
    {
        "deployment": readback.name,
        "run": readback.word,
        "who": readback.line,
        "purpose": readback.any_text,
        "since": _TIME,
        "expires": _TIME,
        "process": readback.fields(
            {"host": readback.line, "pid": readback.number(1, 2**32), "started": readback.line}, closed=True
        ),
        "url": readback.line,
        "commit": readback.line,
    },
    required=("deployment", "run", "who", "purpose", "since", "expires", "process"),
    closed=True,
)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on a deployment."""

    deployment: str
    run: str
    who: str
    purpose: str
    """The command, or the reason of `runner lock`."""
    since: float
    """Unix time, seconds."""
    expires: float
    """Unix time; 0 never expires (`runner lock`)."""
    process: dict[str, Any]
    """host, pid and start time; empty for `runner lock`."""
    url: str = ""
    """The CI job, if it is one."""
    commit: str = ""


class LeaseStore(Protocol):
    """Where leases are kept."""

    def take(self, leases: Collection[Lease]) -> list[Lease]:
        """Take all of them or none, atomically. Returns the leases of others that stand in the way."""

    def renew(self, leases: Collection[Lease], expires: float) -> None:
        """Heartbeat."""

    def release(self, leases: Collection[Lease]) -> None:
        """Give them back. Quiet when they are gone."""

    def all(self) -> list[Lease]:
        """All leases that are in force."""


class LocalLeases:
    """Files in a folder; a guard file makes taking several of them one step."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def take(self, leases: Collection[Lease]) -> list[Lease]:
        """See LeaseStore."""
        with self._guard():
            found = [self._read(self._path(lease.deployment)) for lease in leases]
            others = [lease for lease in found if lease is not None and not self._dead(lease)]
            if others:
                return others
            for run in {lease.run for lease in found if lease is not None and lease.process}:
                processes.end_leftovers(run)
            for lease in leases:
                self._write(lease)
        return []

    def renew(self, leases: Collection[Lease], expires: float) -> None:
        """See LeaseStore."""
        with self._guard():
            for lease in leases:
                current = self._read(self._path(lease.deployment))
                if current is not None and current.run == lease.run:
                    self._write(Lease(**{**asdict(lease), "expires": expires}))

    def release(self, leases: Collection[Lease]) -> None:
        """See LeaseStore."""
        with self._guard():
            for lease in leases:
                current = self._read(self._path(lease.deployment))
                if current is not None and current.run == lease.run:
                    self._path(lease.deployment).unlink(missing_ok=True)

    def drop_dead(self) -> list[Lease]:
        """End what dead runs left running and remove their leases. Returns these."""
        if not any(self._folder.glob("*.json")):
            return []
        with self._guard():
            found = (self._read(path) for path in sorted(self._folder.glob("*.json")))
            dead = [lease for lease in found if lease is not None and self._dead(lease)]
            for run in {lease.run for lease in dead if lease.process}:
                processes.end_leftovers(run)
            for lease in dead:
                self._path(lease.deployment).unlink(missing_ok=True)
        return dead

    def all(self) -> list[Lease]:
        """See LeaseStore."""
        found = (self._read(path) for path in sorted(self._folder.glob("*.json")))
        return [lease for lease in found if lease is not None and not self._dead(lease)]

    def damaged(self) -> list[Path]:
        """Files that are no leases: they hold nothing."""
        return [path for path in sorted(self._folder.glob("*.json")) if self._read(path) is None and path.exists()]

    def _dead(self, lease: Lease) -> bool:
        if lease.process:
            living = processes.alive(lease.process)
            if living is not None:
                return not living
        return bool(lease.expires) and self._clock() > lease.expires

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    @staticmethod
    def _read(path: Path) -> Lease | None:
        try:
            data = readback.parsed(bounded.read(path, _LONGEST))
        except (bounded.NoFile, bounded.OddFile, readback.Damaged):
            return None  # gone, or written by a crash: nobody can be holding it
        # the name inside becomes the name of a file again
        return Lease(**data) if _LEASE(data) is None and data["deployment"] == path.stem else None

    def _write(self, lease: Lease) -> None:
        generated.write(self._path(lease.deployment), json.dumps(asdict(lease), sort_keys=True) + "\n")

    def _guard(self) -> AbstractContextManager[None]:
        return file_lock.held(self._folder / ".guard")


def shared_folder(repo: Repo, repo_id: str) -> Path:
    """What all clones of a repository have in common on this machine; a clone's own where there is no home to write."""
    try:
        folder = data_home() / repo_id
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return repo.local
    return folder if os.access(folder, os.W_OK) else repo.local


def leases(repo: Repo, repo_id: str) -> LocalLeases:
    """The leases of a repository."""
    return LocalLeases(shared_folder(repo, repo_id) / "locks")


def new(deployment: str, *, run: str, purpose: str, commit: str = "", forever: bool = False) -> Lease:
    """A lease for this process, or one that stays until `runner unlock`."""
    now = time.time()
    return Lease(
        deployment=deployment,
        run=run,
        who=f"{_user()}@{os.uname().nodename}",
        purpose=purpose,
        since=now,
        expires=0.0 if forever else now + EXPIRY_S,
        process={} if forever else processes.identity(),
        url=_ci_url(),
        commit=commit,
    )


@contextlib.contextmanager
def hold(
    store: LeaseStore,
    leases: Collection[Lease],
    wait_s: float,
    waiting: Callable[[Lease], None],
) -> Iterator[None]:
    """Hold leases for the time of a block, with a heartbeat. Raises Blocked after `wait_s` seconds of waiting.

    `waiting` is called once with the lease that stands in the way.
    """
    try:
        _take(store, leases, wait_s, waiting)
    except KeyboardInterrupt:
        store.release(leases)  # it may have come in the middle of taking them
        raise
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(HEARTBEAT_S):
            store.renew(leases, time.time() + EXPIRY_S)

    heart = threading.Thread(target=beat, name="lease-heartbeat", daemon=True)
    heart.start()
    try:
        yield
    finally:
        stop.set()
        heart.join()
        store.release(leases)


def _take(
    store: LeaseStore,
    leases: Collection[Lease],
    wait_s: float,
    waiting: Callable[[Lease], None],
) -> None:
    deadline = time.monotonic() + wait_s
    told = False
    while others := store.take(leases):
        if time.monotonic() >= deadline:
            raise blocked(others[0])
        if not told:
            waiting(others[0])
            told = True
        time.sleep(POLL_S)


def blocked(lease: Lease) -> Blocked:
    """Who holds it, since when, for what."""
    minutes = max(0.0, time.time() - lease.since) / 60
    place = f" ({lease.url})" if lease.url else ""
    message = f"{lease.deployment} is locked by {lease.who}{place} for {minutes:.0f} min: {lease.purpose}"
    unlock = f"or, if nobody is at work, run: runner unlock {lease.deployment} --reason …"
    return Blocked(message, code="locked", hint=f"wait with --wait 15m, {unlock}")


def _user() -> str:
    try:
        return os.environ.get("GITHUB_ACTOR") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid{os.getuid()}"


def _ci_url() -> str:
    server, repository, run = (os.environ.get(f"GITHUB_{key}", "") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return f"{server}/{repository}/actions/runs/{run}" if run else os.environ.get("CI_JOB_URL", "")
