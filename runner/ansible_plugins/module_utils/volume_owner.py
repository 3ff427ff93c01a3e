"""Volumes of ours under a service that is not root: the engine makes them root's, and the service could write nothing.

An empty one is given to the service's user before its first start; one that holds something is never touched, and said.
Everything goes through the engine: the caller need not be root. Standard library only.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from typing import List, NamedTuple, Optional

from .container_spec import ContainerSpec
from .docker_api import Docker
from .docker_socket import TIMEOUT_S, DockerError, request

ROOT = "0"
OTHERS, GROUP = 0o002, 0o020
LONGEST = 1024 * 1024
"""Of a list of users."""


class Account(NamedTuple):
    """Who the service is, in numbers."""

    uid: int
    gid: int


class Folder(NamedTuple):
    """Where a volume is mounted, as the service will see it."""

    account: Account
    mode: int
    empty: bool


def settle(docker: Docker, name: str, spec: ContainerSpec) -> List[str]:
    """Before the first start of a container: what it may not write to although it is its own, for people."""
    user = ((docker.inspect(name) or {}).get("Config") or {}).get("User") or ROOT
    if user.partition(":")[0] in ("root", ROOT) or not spec.volumes:
        return []
    account = _account(docker, name, user)
    if account is None:
        return []
    complaints = []
    for volume, path in sorted(spec.volumes.items()):
        folder = _folder(docker, name, path)
        if folder is None or writable(folder, account):
            continue
        if folder.empty and folder.account.uid == 0:
            _give(docker, name, path, folder, account)
        else:
            complaints.append(complaint(volume, path, spec.image, folder, account))
    return complaints


def writable(folder: Folder, account: Account) -> bool:
    """Whether the service can make files there."""
    same_group = folder.account.gid == account.gid and folder.mode & GROUP
    return bool(folder.account.uid == account.uid or folder.mode & OTHERS or same_group)


def complaint(volume: str, path: str, image: str, folder: Folder, account: Account) -> str:
    """What stands in the way, and what to type."""
    return (
        "the volume at %s belongs to user %d, and the service runs as user %d, who may not write there; give it away "
        "once, on the host: docker run --rm --user 0 --entrypoint chown -v %s:/v %s -R %d:%d /v"
        % (path, folder.account.uid, account.uid, volume, image, account.uid, account.gid)
    )


def resolve(user: str, passwd: str, group: str) -> Optional[Account]:
    """`user`, `uid`, `user:group` in numbers, with the lists of the image; None when they do not know it."""
    who, _, of = user.partition(":")
    users = {row[0]: row for row in _rows(passwd, 4)}
    row = users.get(who) or next((row for row in users.values() if row[2] == who), None)
    uid = who if who.isdigit() else (row[2] if row else "")
    known = {row[0]: row[2] for row in _rows(group, 3)}
    gid = (of if of.isdigit() else known.get(of, "")) if of else (row[3] if row else ROOT)
    return Account(int(uid), int(gid)) if uid.isdigit() and gid.isdigit() else None


def _rows(text: str, least: int) -> List[List[str]]:
    rows = [line.split(":") for line in text.splitlines()]
    return [row for row in rows if len(row) >= least]


def _account(docker: Docker, name: str, user: str) -> Optional[Account]:
    if all(part.isdigit() for part in user.split(":")) and ":" in user:
        return resolve(user, "", "")
    return resolve(user, _file(docker, name, "/etc/passwd"), _file(docker, name, "/etc/group"))


def _file(docker: Docker, name: str, path: str) -> str:
    try:
        with request(docker.path, "GET", docker.archive(name, path), TIMEOUT_S) as response, tarfile.open(
            fileobj=response, mode="r|"
        ) as archive:
            member = archive.next()
            content = archive.extractfile(member) if member is not None and member.isfile() else None
            return content.read(LONGEST).decode("utf-8", "replace") if content else ""
    except (DockerError, tarfile.TarError):
        return ""


def _folder(docker: Docker, name: str, path: str) -> Optional[Folder]:
    """None when the engine does not say. Reads no more than the beginning, however much there is."""
    try:
        with request(docker.path, "GET", docker.archive(name, path), TIMEOUT_S) as response, tarfile.open(
            fileobj=response, mode="r|"
        ) as archive:
            first = archive.next()
            if first is None or not first.isdir():
                return None
            return Folder(Account(first.uid, first.gid), first.mode & 0o7777, archive.next() is None)
    except (DockerError, tarfile.TarError):
        return None


def _give(docker: Docker, name: str, path: str, folder: Folder, account: Account) -> None:
    """The mounted folder itself, by an archive that holds nothing but it."""
    parent, base = posixpath.split(path.rstrip("/"))
    member = tarfile.TarInfo(base)
    member.type, member.mode = tarfile.DIRTYPE, folder.mode
    member.uid, member.gid = account
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(member)
    with request(docker.path, "PUT", docker.archive(name, parent or "/"), TIMEOUT_S, buffer.getvalue()):
        pass
