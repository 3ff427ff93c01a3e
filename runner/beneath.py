"""Generated files below the repository, without following any link: a link that came with a pull request would make us
read or write a file somewhere else. People may link their own files; what we generate is never a link.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from runner.errors import InvalidFiles, Problem

HINT = "remove it: what runner generates is never a link; the next apply writes it again"


class Refused(Exception):
    """A file that is not to be touched; the text says why, as the end of a sentence."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


def read_bytes(folder: str, inside: str, most: int) -> bytes:
    """The content of a file below a folder. Raises Refused for links, pipes, folders and what is too large; OSError
    when it cannot be read. The folder itself is looked at by `check`.
    """
    parent = os.path.dirname(inside)  # noqa: PTH120 - pathlib costs a third of a no-op plan here
    if parent and os.path.islink(f"{folder}/{parent}"):  # noqa: PTH114 - likewise
        msg = "stands behind a symbolic link"
        raise Refused(msg, HINT)
    try:
        descriptor = os.open(f"{folder}/{inside}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            msg = "is a symbolic link"
            raise Refused(msg, HINT) from error
        raise
    try:
        return _whole(descriptor, most)
    finally:
        os.close(descriptor)


def _whole(descriptor: int, most: int) -> bytes:
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        msg = "is no file"
        raise Refused(msg, "remove it, or restore it from git")
    if about.st_size > most:
        msg = f"is larger than {most // 1024} KiB"
        raise Refused(msg, "is it the right file? restore it from git")
    whole = b""
    while more := os.read(descriptor, about.st_size + 1):
        whole += more
        if len(whole) >= about.st_size:
            break
    return whole


def check(root: Path, path: Path) -> None:
    """Raises InvalidFiles when a component of the path below the root is a link, or leads out of it. What is not there
    yet is fine.
    """
    inside = os.path.relpath(path, root)
    if inside.startswith(".."):
        raise _refused(inside, "leads out of the repository")
    here = str(root)
    for part in Path(inside).parts:
        here = os.path.join(here, part)  # noqa: PTH118 - likewise
        if os.path.islink(here):  # noqa: PTH114 - likewise
            raise _refused(os.path.relpath(here, root), "is a symbolic link")


def _refused(file: str, why: str) -> InvalidFiles:
    return InvalidFiles([Problem("symlink-refused", f"it {why}", file=file, hint=HINT)])
