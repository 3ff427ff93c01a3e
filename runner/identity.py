"""Whose is it: the repository's id. Made once, by the first command that creates something; kept in `runner.yaml`, in
every record and in every mark. It never follows from a path or from how a remote is written.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from runner import edit, file_lock, records, yamlfile
from runner.domain import Record
from runner.errors import Blocked, ProviderError
from runner.repo import NO_ID, Repo

if TYPE_CHECKING:
    from runner.load import Loaded

_LETTERS = "abcdefghjkmnpqrstvwxyz"
_SIGNS = _LETTERS + "23456789"
"""Without those that are taken for others when somebody reads them out."""
_LENGTH = 10
_COMMENT = "Made once, by the first command that created something: marks all that is ours. Keep it, and commit it."
FOREIGN = "other-repository"
MISSING = "no-id"


def new_id() -> str:
    """A letter comes first: no YAML reader takes it for a number."""
    return secrets.choice(_LETTERS) + "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH - 1))


def identified(loaded: Loaded) -> tuple[Loaded, bool]:
    """The same with an id, and whether it was made now. Several processes that come here at once get one id. Raises
    Blocked where an id would be lost again (CI), or where records say that there was one.
    """
    if loaded.has_id:
        return loaded, False
    settings = loaded.repo.settings
    with file_lock.held(loaded.repo.local / "id.lock"):
        known = str(yamlfile.parse(yamlfile.read(settings)).get("id") or "") if settings.exists() else ""
        made = known or _make(loaded.repo)
    return replace(loaded, settings={**loaded.settings, "id": made}), not known


def foreign(record: Record | None, repo_id: str) -> ProviderError | None:
    """Why a record says nothing about what is ours; None when it is ours, or when there is none."""
    if record is None or (record.repo == repo_id and record.repo):
        return None
    path = f"inventory/host_vars/{record.deployment}"
    ours = "has no id" if repo_id == NO_ID else f"says {repo_id}"
    if not record.repo:
        message = f"its record names no repository, and runner.yaml {ours}"
        return ProviderError(message, code=FOREIGN, hint=f"remove {path}, then: runner adopt {record.deployment}")
    message = f"its record belongs to the repository {record.repo}, and runner.yaml {ours}"
    hint = f"write id: {record.repo} into runner.yaml; in a copy that shall be on its own, remove {path} instead"
    return ProviderError(message, code=FOREIGN, hint=hint)


def _make(repo: Repo) -> str:
    recorded = sorted({record.repo for record in records.read_all(repo).values() if record.repo})
    if recorded:
        which = " and ".join(recorded)
        hint = f"write id: {recorded[0]} into runner.yaml; in a copy on its own, remove inventory/host_vars instead"
        raise Blocked(f"runner.yaml has no id, and records here carry {which}", code=MISSING, hint=hint)
    made = new_id()
    if os.environ.get("CI"):
        message = "runner.yaml has no id, and one that is made here would be lost: nobody could find what was created"
        raise Blocked(message, code=MISSING, hint=f"write id: {made} into runner.yaml, and commit it")
    edit.add_field(repo, repo.settings, "id", made, comment=_COMMENT)
    return made
