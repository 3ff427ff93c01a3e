"""Gives a deployment another name: its data, its record, its secrets and its file. What is interrupted goes on when it
is called again; the file comes last, so that until then everything belongs to the old name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from runner import generated, identity, locks, providers, records
from runner.domain import Record
from runner.errors import Blocked, InvalidRequestError, UsageError
from runner.load import Loaded
from runner.observe import open_provider
from runner.providers.base import KEEP_NAME, Mark, Renaming
from runner.repo import Repo
from runner.scan import RESERVED, valid_name


@dataclass(frozen=True, slots=True)
class Rename:
    """One deployment, and what it is to be called."""

    old: str
    new: str


def check(loaded: Loaded, it: Rename) -> None:
    """Raises UsageError where there is nothing to rename, or where the new name is somebody else's."""
    repo = loaded.repo
    if it.old == it.new or not valid_name(it.new) or it.new in RESERVED:
        hint = "small letters, digits and hyphens, a letter first, and another name than before"
        raise UsageError(f"{it.new!r} is no new name for a deployment", code="bad-name", hint=hint)
    record = records.read(repo, it.old) if valid_name(it.old) else None
    old_file, new_file = (repo.deployment_file(name).exists() for name in (it.old, it.new))
    if record is None and (not valid_name(it.old) or not old_file):
        raise UsageError(f"there is no deployment {it.old}", code="unknown-deployment", hint="see: runner status")
    taken = records.read(repo, it.new)
    ours = taken is None or (record is not None and not taken.digest and taken.spec == record.spec)
    if (old_file and new_file) or not ours:
        hint = "choose another name, or remove what has it"
        raise UsageError(f"{it.new} is the name of another deployment", code="name-taken", hint=hint)


def carry_out(loaded: Loaded, it: Rename, wait_s: float, waiting: Callable[[locks.Lease], None]) -> None:
    """Raises Blocked, ProviderError; then nothing has another name, or calling it again goes on."""
    repo = loaded.repo
    record = records.read(repo, it.old)
    if record is not None:
        loaded = identity.identified(loaded)[0]
        if (reason := identity.foreign(record, loaded.repo_id)) is not None:
            raise Blocked(str(reason), code=reason.code, hint=reason.hint)
    leases = [locks.new(name, run=f"rename-{it.old}", purpose="runner rename") for name in (it.old, it.new)]
    held: Any = contextlib.nullcontext()
    if record is not None:
        held = locks.hold(locks.leases(repo, loaded.repo_id), leases, wait_s, waiting)
    with held:
        if record is not None:
            _move_data(loaded, it, record)
            _move_record(repo, it, record)
        _move_file(repo, it)


def _move_data(loaded: Loaded, it: Rename, record: Record) -> None:
    opened: object = None
    if record.provider in providers.names():
        opened = open_provider(loaded, record.provider, records.read_all(loaded.repo))
    if not isinstance(opened, Renaming):
        text = f"{record.provider} cannot give a service another name and keep what it has stored"
        raise InvalidRequestError(text, code="cannot-rename", hint=KEEP_NAME)
    opened.rename(Mark(loaded.repo_id, it.old), record.machine, it.new)


def _move_record(repo: Repo, it: Rename, record: Record) -> None:
    """Without a digest: the next apply has work to do. Secrets first: a record without them would make new ones."""
    secrets = repo.secrets_file(it.old)
    if secrets.exists():
        target = repo.secrets_file(it.new)
        target.parent.mkdir(parents=True, exist_ok=True)
        secrets.replace(target)
    file = repo.relative(repo.deployment_file(it.new))
    records.begin(repo, replace(record, deployment=it.new, file=file))


def _move_file(repo: Repo, it: Rename) -> None:
    old = repo.deployment_file(it.old)
    if old.exists():
        old.rename(repo.deployment_file(it.new))
    for path in (repo.record_file(it.old), repo.access_page(it.old), repo.access_ca(it.old)):
        generated.remove(path)
