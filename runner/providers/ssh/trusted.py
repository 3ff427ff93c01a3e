"""The host keys that people have trusted: `inventory/known_hosts`, which a pull request can bring like any other file.

ssh understands more there than we write: a pattern that is every host, or an authority that vouches for any key. So a
row is one host and its key, or nothing is connected to.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from runner import bounded, programs, readback
from runner.errors import CredentialsError

DAMAGED = "damaged-known-hosts"
_HINT = "remove that row, and let runner trust HOST write it"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,252}|\[[A-Za-z0-9][A-Za-z0-9._:-]{0,252}\]:[0-9]{1,5}")


def rows(path: Path, where: str) -> list[str]:
    """`NAME TYPE KEY` each, without comments. Raises CredentialsError with the line of what is none. `where`: the file
    as messages show it.
    """
    try:
        about = path.stat()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CredentialsError(f"{where} cannot be read: {error.strerror}", code=DAMAGED, where=where) from error
    return [*_rows(path, where, (about.st_mtime_ns, about.st_size, about.st_ino))]


@lru_cache(maxsize=8)
def _rows(path: Path, where: str, version: tuple[int, ...]) -> tuple[str, ...]:
    """Every connection asks, so a file that did not change is not read again."""
    del version
    try:
        text = programs.text(bounded.read(path, bounded.VAULT_LIMIT))
    except (bounded.OddFile, bounded.NoFile) as error:
        hint = "restore it from git, or remove it and trust the hosts again"
        raise CredentialsError(f"{where} {error}", code=DAMAGED, hint=hint, where=where) from error
    found = []
    for number, row in enumerate(text.split("\n"), start=1):
        if not row.strip() or row.startswith("#"):
            continue
        name, _, key = row.rstrip("\r ").partition(" ")
        if not _NAME.fullmatch(name) or readback.host_key(key) is not None:
            message = f"{where}:{number} is not one host with its key: patterns and authorities vouch for too much"
            raise CredentialsError(message, code=DAMAGED, hint=_HINT, where=f"{where}:{number}")
        found.append(row.rstrip("\r "))
    return tuple(found)
