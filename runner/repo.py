"""Where things are: the only module that knows the layout of a Slipway repository."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from runner import beneath, git
from runner.errors import UsageError

_ORIGIN = re.compile(r'\[remote "origin"\][^\[]*?^\s*url\s*=\s*(.*\S)', re.MULTILINE)
_AROUND_PLACE = re.compile(r"^([a-z+]+://)?([^@/]*@)?|(\.git)?/?$")
"""Scheme, user and token of a URL: CI and laptops clone the same place in different ways."""


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

    @cached_property
    def fallback_id(self) -> str:
        """Marks our resources when `runner.yaml` gives no id: the same for every clone of one remote, and for every
        worktree of one clone.
        """
        return hashlib.sha256(self._identity().encode()).hexdigest()[:10]

    def _identity(self) -> str:
        common = git.common_folder(self.root)
        config = common / "config" if common is not None else None
        if config is not None and config.is_file():
            match = _ORIGIN.search(config.read_text(encoding="utf-8", errors="replace"))
            if match:
                return _AROUND_PLACE.sub("", match.group(1)).replace(":", "/")
        return str(git.main_checkout(self.root))


def data_home() -> Path:
    """The user's data folder of all repositories. Raises RuntimeError where the user has no home."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "slipway"


def _unlinked(repo: Repo) -> Repo:
    """The repository, once none of the places that we write to leads elsewhere. Raises InvalidFiles."""
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
