"""Where things are: the only module that knows the layout of a Slipway repository."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from runner import beneath
from runner.errors import UsageError

NO_ID = "-"
"""Stands where a repository has no id yet. It can be nobody's, so nothing is ever found under it."""
_NOT_IN_PATHS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Repo:
    """A Slipway repository on disk."""

    root: Path

    @property
    def deployments(self) -> Path:
        """What people want: one file each."""
        return self.root / "deployments"

    @property
    def templates(self) -> Path:
        """Kinds of deployment."""
        return self.root / "templates"

    @property
    def settings(self) -> Path:
        """Settings of this repository."""
        return self.root / "runner.yaml"

    @property
    def inventory(self) -> Path:
        """What Ansible reads."""
        return self.root / "inventory"

    @property
    def host_vars(self) -> Path:
        """Generated records and secrets."""
        return self.root / "inventory" / "host_vars"

    @property
    def local(self) -> Path:
        """Everything that is not committed."""
        return self.root / ".runner"

    @property
    def runs(self) -> Path:
        """One folder for each apply."""
        return self.local / "runs"

    @property
    def vault_script(self) -> Path:
        """Prints the vault password; Ansible asks it too."""
        return self.root / "tools" / "vault-password"

    def deployment_file(self, name: str) -> Path:
        """The file that declares a deployment."""
        return self.deployments / f"{name}.yaml"

    def record_file(self, name: str) -> Path:
        """What was last applied."""
        return self.host_vars / name / "access.yaml"

    def secrets_file(self, name: str) -> Path:
        """Vault-encrypted."""
        return self.host_vars / name / "secrets.yaml"

    @property
    def secrets_key(self) -> Path:
        """What values of secrets are told apart by; vault-encrypted."""
        return self.inventory / "secrets_key.yaml"

    def access_page(self, name: str) -> Path:
        """What people open."""
        return self.deployments / "access" / f"{name}.md"

    def access_ca(self, name: str) -> Path:
        """The root certificate behind an exposed deployment, for its callers."""
        return self.deployments / "access" / f"{name}.ca.pem"

    def relative(self, path: Path) -> str:
        """A path as messages show it."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)


def data_home() -> Path:
    """The user's data folder of all repositories. Raises RuntimeError where the user has no home."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "slipway"


def _unlinked(repo: Repo) -> Repo:
    """The repository, once none of the places that we write to leads elsewhere. Raises InvalidFiles, UsageError."""
    if _NOT_IN_PATHS.search(str(repo.root)):
        raise UsageError(
            "the folder of this repository has line ends, other control characters or no UTF-8 in its name",
            code="bad-folder-name",
            hint="move it: ssh, Ansible and supervisord have no way to write such a path",
        )
    places = [
        repo.host_vars,
        repo.inventory / "known_hosts",
        repo.deployments / "access",
        repo.deployments / "README.md",
    ]
    places.append(repo.local)
    for place in places:
        beneath.check(repo.root, place)
    if repo.local.is_dir():
        for entry in [*os.scandir(repo.local)]:
            beneath.check(repo.root, Path(entry.path))
    return repo


def find(start: Path | None = None) -> Repo:
    """The repository at or above a folder. Raises UsageError."""
    here = (start or Path.cwd()).resolve()
    if start is not None and not here.is_dir():
        raise UsageError(f"{here} is not a folder", code="no-repository", hint="give --root the folder of a repository")
    for folder in (here,) if start is not None else (here, *here.parents):
        if (folder / "deployments").is_dir() and (folder / "templates").is_dir():
            return _unlinked(Repo(folder))
    raise UsageError(
        f"{here} is not inside a Slipway repository (no deployments/ and templates/ found)",
        code="no-repository",
        hint="change into the repository, or give --root DIR",
    )
