"""The vault password: where it comes from, and whether it opens what is encrypted. One repository has one password."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path

from runner import bounded, file_lock
from runner.errors import CredentialsError
from runner.listing import listed
from runner.repo import Repo
from runner.secret_text import cleaned

PASSWORD_ENV = "SLIPWAY_VAULT_PASSWORD"  # noqa: S105 - the name of a variable
BRING = f"copy .runner/vault_password from the clone where it was made, or set {PASSWORD_ENV} to what it holds"
TRIED = 20
"""Files that a password must open before it encrypts another one. Each takes a few milliseconds."""
_HEADER = re.compile(rb"\$ANSIBLE_VAULT;[^;\r\n]*;[^;\r\n]*(;default)?\r?\n")
"""What is encrypted under another vault id has a password of its own."""
_proven: set[tuple[Path, int]] = set()
"""Repositories in which this process has encrypted something, with the hash of the password."""


def password(repo: Repo) -> str:
    """The vault password, from the script that Ansible asks too. Raises CredentialsError.

    The script makes one on first use, but never where something is encrypted already.
    """
    given = cleaned(os.environ.get(PASSWORD_ENV, ""))
    if given:
        return given
    try:
        asked = subprocess.run([repo.vault_script], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise _unknown(repo) from error
    return cleaned(asked.stdout.decode("utf-8", "surrogateescape"))


def _unknown(repo: Repo) -> CredentialsError:
    files = [repo.relative(path) for path in encrypted(repo)]
    if not files:
        hint = f"set {PASSWORD_ENV}, or make tools/vault-password work"
        return CredentialsError("the vault password is not known here", code="no-vault-password", hint=hint)
    message = f"{listed(files, 1)} cannot be opened: the vault password is not known here"
    return CredentialsError(message, code="no-vault-password", hint=BRING)


def is_known(repo: Repo) -> bool:
    """Whether there is a password already, without making one."""
    with contextlib.suppress(OSError):
        return bool(cleaned(os.environ.get(PASSWORD_ENV, ""))) or (repo.local / "vault_password").stat().st_size > 0
    return False


def encrypted(repo: Repo) -> list[Path]:
    """Every file of the inventory that is encrypted as a whole with the repository's password: stored secrets, those
    that people edit, the key of fingerprints.
    """
    return sorted(_encrypted(repo))


def _encrypted(repo: Repo) -> Iterator[Path]:
    for top, folders, names in os.walk(repo.inventory):
        folders.sort()
        yield from (path for path in (Path(top, name) for name in sorted(names)) if _begins(path))


def _begins(path: Path) -> bool:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            return bool(_HEADER.match(stream.read(100)))
    return False


def require_one_password(repo: Repo, key: str, opens: Callable[[bytes], bool], but: Path) -> None:
    """Raises CredentialsError where files are encrypted with another password than the one that would encrypt `but`.

    With two passwords in one repository nobody could open all of it. Once this one has encrypted a file, it is the one.
    """
    proven = (repo.root, hash(key))
    if proven in _proven:
        return
    others = (path for path in _encrypted(repo) if path != but)
    foreign = next((path for path in islice(others, TRIED) if not _opened(path, opens)), None)
    if foreign is not None:
        message = f"the vault password of this machine does not open {repo.relative(foreign)}"
        raise CredentialsError(
            f"{message}, so nothing else is encrypted with it", code="wrong-vault-password", hint=BRING
        )
    _proven.add(proven)


def _opened(path: Path, opens: Callable[[bytes], bool]) -> bool:
    try:
        return opens(bounded.read(path, bounded.VAULT_LIMIT))
    except (bounded.NoFile, bounded.OddFile):
        return True  # it tells nothing about the password


def one_writer(repo: Repo) -> AbstractContextManager[None]:
    """Of two first runs, one encrypts first, and the other sees it."""
    return file_lock.held(repo.local / "vault.lock")
