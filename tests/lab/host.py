"""What the lab needs from the machine it runs on: commands, packages, a cache folder, a lock."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class LabError(Exception):
    """The lab cannot be had here; the message says why and what to do."""


def cache() -> Path:
    """The folder for what is slow to make. Outside the repository, so that checkouts share it."""
    folder = Path(os.environ.get("SLIPWAY_LAB_CACHE") or Path.home() / ".cache" / "slipway-lab")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked() -> Iterator[None]:
    """One at a time: two `up` at once would start two engines. Blocks until the other one is done."""
    with (cache() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(
    *command: str | Path, stdin: IO[bytes] | None = None, env: dict[str, str] | None = None, folder: Path | None = None
) -> str:
    """Standard output of a command. Raises LabError with the end of what it said when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        stdin=stdin,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        msg = f"{' '.join(str(part) for part in command)} ended with {done.returncode}:\n{tail}"
        raise LabError(msg)
    return done.stdout


def install(packages: Sequence[str]) -> None:
    """Install Debian packages."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        msg = f"install these by hand, then try again: {' '.join(packages)} (as root on Debian, the lab does it itself)"
        raise LabError(msg)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", env=quiet)
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, env=quiet)


def need(tool: str, *packages: str) -> None:
    """Make sure that a command is there."""
    if not shutil.which(tool):
        install(packages or (tool,))
