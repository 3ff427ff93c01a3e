"""A name that nobody ever used is a mistake, not an empty answer."""

from __future__ import annotations

from runner.errors import UsageError
from runner.faults import suggestion
from runner.repo import Repo
from runner.scan import valid_name


def require_known(repo: Repo, name: str) -> None:
    """Whether there is a file or a record of that name. Raises UsageError with what was probably meant."""
    files = [repo.deployment_file(name), repo.record_file(name)] if valid_name(name) else []
    if not any(path.is_file() for path in files):
        known = sorted(path.stem for path in repo.deployments.glob("*.yaml"))
        hint = suggestion(name, known, otherwise="see: runner status")
        raise UsageError(f"there is no deployment {name}", code="unknown-deployment", hint=hint)
