"""The one writer of every generated file: same content, no write; new content, all or nothing."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

from runner import beneath

_WRITES = itertools.count()
"""Tells the writers of one process apart: several threads may write the same file."""


def write(path: Path, text: str, *, mode: int = 0o644, below: Path | None = None) -> bool:
    """Write atomically if the content differs. Says whether it did. A crash leaves the old file or the new one.

    `below`: the repository, for what we generate in it: a link on the way is refused (InvalidFiles). Without it the
    path is one that a person has named, and links are followed.
    """
    encoded = text.encode("utf-8")
    if below is not None:
        beneath.check(below, path)
    path = path.resolve() if path.is_symlink() else path
    if path.exists() and not path.is_file():  # a device or a pipe is written to, never replaced
        path.write_bytes(encoded)
        return True
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == encoded:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    _drop_abandoned(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{next(_WRITES)}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(encoded)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return True


def remove(path: Path, *, below: Path | None = None) -> bool:
    """Remove a file and its folder if that is empty now. Quiet when it is gone. `below`: as for `write`, but a link
    itself is removed.
    """
    if below is not None:
        beneath.check(below, path.parent)
    _drop_abandoned(path)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    with contextlib.suppress(OSError):
        path.parent.rmdir()
    return True


def _drop_abandoned(path: Path) -> None:
    """Temporary files of writers that were killed in the act."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        writer = left.name.split(".")[-2].partition("-")[0]
        try:
            os.kill(int(writer), 0)
        except (ValueError, OverflowError, ProcessLookupError):
            left.unlink(missing_ok=True)
        except PermissionError:
            continue  # somebody else's, alive
