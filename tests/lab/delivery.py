"""What a provider puts on a new machine: who may log in, and how this network is reached. No image holds it."""

from __future__ import annotations

import io
import os
import re
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from tests.lab import machine, registry
from tests.lab.host import LabError, run

USERS = ("ubuntu", "needs-password", "no-sudo")  # ids from 1000 on, as the image has them


def archive(more: Iterable[tuple[str, str]] = (), *, login: bool = True) -> IO[bytes]:
    """A tar of these files and more (path, text), to be unpacked at the root. `login`: the lab may log in."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for number, user in enumerate(USERS if login else (), start=1000):
            public = machine.key().with_suffix(".pub").read_text()
            _add(tar, f"home/{user}/.ssh/authorized_keys", public, owner=number, mode=0o600)
        _add(tar, "etc/slipway-lab/resolv.conf", "".join(_nameservers()))
        _add(tar, "etc/apt/apt.conf.d/90lab", "".join(_apt_settings()))
        _add(tar, "etc/environment", "".join(_proxies()))
        _add(tar, "usr/local/share/ca-certificates/slipway-lab.crt", registry.certificate().read_text())
        for path, text in more:
            _add(tar, path, text)
    file.seek(0)
    return file


def _add(tar: tarfile.TarFile, path: str, text: str, *, owner: int = 0, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(path)
    info.size, info.uid, info.gid, info.mode, info.mtime = len(text.encode()), owner, owner, mode, int(time.time())
    tar.addfile(info, io.BytesIO(text.encode()))


def _nameservers() -> Iterator[str]:
    """Lines for resolv.conf; none where this machine only knows nameservers of its own."""
    for line in Path("/etc/resolv.conf").read_text().splitlines():
        if not re.match(r"nameserver\s+(127\.|::1)", line):
            yield f"{line}\n"


def _proxies() -> Iterator[str]:
    for name, value in sorted(os.environ.items()):
        if name.lower() in {"http_proxy", "https_proxy", "no_proxy"}:
            yield f'{name}="{value}"\n'


def _apt_settings() -> Iterator[str]:
    """The proxies of this machine's apt, where it has one."""
    try:
        settings = run("apt-config", "dump", "--no-empty", "--format", '%F "%v";%n').splitlines()
    except (LabError, FileNotFoundError):
        return
    for line in settings:
        if re.match(r"Acquire::https?::Proxy\b", line, re.IGNORECASE):
            yield f"{line}\n"
