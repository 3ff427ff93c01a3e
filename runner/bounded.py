"""Reads files that people name (secrets, keys, scripts), without ever waiting or reading without end.

Regular files only, up to a limit. A link may lead anywhere; what it leads to must be such a file.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

SECRET_LIMIT = 64 * 1024
"""Bytes of a secret, a key or a certificate: a private key of 16,384 bits has 13 thousand."""
VAULT_LIMIT = 1024 * 1024
SCRIPT_LIMIT = 4 * 1024 * 1024
_MADE_UP = ("/proc", "/sys")
"""What the kernel makes up while it is read: it may wait, never end, or be another thing each time."""
_KINDS = (
    (stat.S_ISDIR, "is a folder"),
    (stat.S_ISFIFO, "is a pipe"),
    (stat.S_ISSOCK, "is a socket"),
    (stat.S_ISCHR, "is a device"),
    (stat.S_ISBLK, "is a device"),
)


class OddFile(Exception):
    """A path that leads to something that cannot be read as a file; says what it is."""


class NoFile(Exception):
    """There is no file, or it is not for us to read; says which."""


def expanded(root: Path, text: str) -> Path:
    """A path as people write it: `~`, `~user`, or below `root`. Raises OddFile for the home of a user nobody knows."""
    path = os.path.expanduser(text)  # noqa: PTH111 - pathlib raises something else for each reason
    if path.startswith("~"):
        user = path.partition("/")[0][1:]
        raise OddFile(f"names the home of {user}, who is not a user here" if user else "names a home that is not known")
    if "\0" in path:
        raise OddFile("has a NUL in its name")
    return root / path


def read(path: Path, limit: int) -> bytes:
    """All bytes of a file. Never blocks. Raises OddFile, NoFile."""
    try:
        _require_file(path.stat(), limit)  # opening a device may already do something
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            _require_file(os.fstat(descriptor), limit)
            content = stream.read(limit + 1)
    except OSError as error:
        raise NoFile(f"cannot be read: {error.strerror or type(error).__name__}") from None
    if len(content) > limit:
        raise OddFile(f"is larger than {limit // 1024} KiB")
    return content


def oddity(root: Path, text: str, limit: int) -> str:
    """Why a path can never be read as a file, or nothing. What is not there may come; it is not odd."""
    try:
        path = expanded(root, text)
        _require_file(path.stat(), limit)
    except OddFile as odd:
        return str(odd)
    except OSError:
        return "is made up by the kernel" if str(path).startswith(tuple(f"{top}/" for top in _MADE_UP)) else ""
    return ""


def _require_file(found: os.stat_result, limit: int) -> None:
    for is_kind, what in _KINDS:
        if is_kind(found.st_mode):
            raise OddFile(what)
    if found.st_dev in _made_up_devices():
        raise OddFile("is made up by the kernel")
    if found.st_size > limit:
        raise OddFile(f"is larger than {limit // 1024} KiB")


def _made_up_devices() -> set[int]:
    return {os.stat(top).st_dev for top in _MADE_UP if os.path.isdir(top)}  # noqa: PTH112, PTH116 - hot: each file source
