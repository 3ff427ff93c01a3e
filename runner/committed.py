"""What the repository had agreed on before somebody changed the files: from git, in a fixed number of questions."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from runner import git, yamlfile
from runner.domain import Committed
from runner.repo import Repo
from runner.scan import SUFFIX, valid_name

_TARGETS = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
"""Where CI says which branch a pull request goes to."""


def committed(repo: Repo, head: str, deleted: Collection[str]) -> dict[str, Committed]:
    """By name, where the file is another one than the agreed one, or has been deleted at any time. Agreed on is what
    the branch has that a pull request goes to, else the commit that is checked out. Empty outside of git.
    """
    if not head:
        return {}
    base = git.agreed(repo.root, head, next(filter(None, map(os.environ.get, _TARGETS)), ""))
    folder = repo.relative(repo.deployments)
    changed = [path for path in git.changed(repo.root, base, folder) if _name(path)]
    places = {path: f"{base}:./{path}" for path in changed}
    gone = [path for path in (f"{folder}/{name}{SUFFIX}" for name in sorted(deleted)) if path not in places]
    places |= git.before_deletion(repo.root, gone) if gone else {}
    found = git.contents(repo.root, places)
    return {_name(path): _guards(text) for path, text in found.items()}


def _name(path: str) -> str:
    """The deployment of a file; empty when it is none."""
    stem = path.rpartition("/")[2].removesuffix(SUFFIX)
    return stem if path.endswith(SUFFIX) and valid_name(stem) else ""


def _guards(text: str) -> Committed:
    """Only what is right counts: a file that could not be loaded has guarded nothing."""
    try:
        data = yamlfile.parse(text)
    except yamlfile.YamlFault:
        return Committed()
    hold, lifecycle = _inside(data, "hold"), _inside(data, "lifecycle")
    return Committed(data.get("protect") is True, str(hold.get("until") or ""), str(lifecycle.get("ttl") or ""))


def _inside(data: dict[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}
