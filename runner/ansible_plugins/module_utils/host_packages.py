"""Packages of a host: which are missing, who holds the package manager, how to install. Standard library only.
`Apt` and `Dnf` decide; what runs a command is handed in, so that tests need neither.
"""

from __future__ import annotations

import fcntl
import glob
import os
import re
import shutil
import struct
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

APT_LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock")
APT_LISTS = "/var/lib/apt/lists/*_Packages*"
DNF_LOCKS = ("/var/lib/rpm/.rpm.lock",)
FLOCK = "hhqqi"
"""struct flock of 64-bit Linux: type, whence, start, length, process."""
POLL_S = 0.5
OLD_LISTS = ("unable to locate package", "no installation candidate", "404  not found", "unable to fetch some archives")
NO_LOCK = "Could not get lock"
HALF_DONE = "dpkg --configure -a"


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    output: str


Run = Callable[[Sequence[str]], Ran]


class PackageError(Exception):
    """Packages could not be had; the message says why and what to do."""


class Busy(PackageError):
    """Somebody else did not let go of the package manager."""


def holder(locks: Sequence[str]) -> str:
    """Who holds one of the locks, as `name (pid)`; empty when nobody does. Takes no lock itself."""
    for path in locks:
        try:
            with open(path, "rb") as file:
                question = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                kind, _, _, _, pid = struct.unpack(FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, question))
        except OSError:
            continue
        if kind != fcntl.F_UNLCK:
            return "%s (%d)" % (_name(pid), pid)
    return ""


def manager(run: Run) -> Optional[Any]:
    """The package manager of this host; None when it has none that we know."""
    if shutil.which("apt-get"):
        return Apt(run)
    return Dnf(run) if shutil.which("dnf") else None


def wait(locks: Sequence[str], limit_s: float, clock: Any = time) -> str:
    """Block until nobody holds the locks; who did, and for how long. Raises Busy after `limit_s`."""
    started, first = clock.monotonic(), ""
    while True:
        who = holder(locks)
        waited = clock.monotonic() - started
        if not who:
            return "waited %.0f s for %s" % (waited, first) if first else ""
        first = first or who
        if waited >= limit_s:
            raise Busy(
                "the package manager is still in use by %s after %.0f s; wait until it has finished (first boot and "
                "automatic updates do that), or allow more time" % (who, waited)
            )
        clock.sleep(POLL_S)


class Apt:
    """Debian and its relatives."""

    name = "apt"
    locks = APT_LOCKS

    def __init__(self, run: Run) -> None:
        self._run = run
        self._complaints = ""

    def missing(self, names: Sequence[str]) -> List[str]:
        """Those that are not installed, or not in the version asked for: `name` or `name=version`."""
        if not names:
            return []
        plain = [name.partition("=")[0] for name in names]
        done = self._run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status} ${Version}\n", *plain])
        there = dict(re.findall(r"^(\S+) installed (\S+)$", done.output, re.MULTILINE))
        return [name for name in names if not _satisfied(name, there)]

    def install(self, names: Sequence[str], *, refresh: bool, lock_timeout_s: int) -> None:
        """Install; refreshes the lists when asked to, when there are none, and when they turn out to be old."""
        if refresh or not glob.glob(APT_LISTS):
            self._refresh(lock_timeout_s)
            refresh = True
        done = self._install(names, lock_timeout_s)
        if done.code and HALF_DONE in done.output:
            self._must(["dpkg", "--configure", "-a", "--force-confold"], "finish what was interrupted before")
            done = self._install(names, lock_timeout_s)
        if done.code and not refresh and any(text in done.output.lower() for text in OLD_LISTS):
            self._refresh(lock_timeout_s)
            done = self._install(names, lock_timeout_s)
        if done.code:
            said = " ".join(text for text in (_end(done.output), self._complaints) if text)
            raise PackageError("apt-get could not install %s: %s" % (", ".join(names), said))

    def _install(self, names: Sequence[str], lock_timeout_s: int) -> Ran:
        # Removing what somebody else installed is never our business: it fails and says so.
        options = ["--yes", "--quiet", "--no-install-recommends", "--no-remove"]
        keep = ["-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=%d" % lock_timeout_s]
        return self._run(["apt-get", "install", *options, *keep, "--", *names])

    def _refresh(self, lock_timeout_s: int) -> None:
        """A repository of somebody else may be broken: whether that matters is seen when installing.

        Here apt-get does not wait for its lock by itself, and somebody may take it between our look and its start.
        """
        started = time.monotonic()
        while True:
            wait(self.locks, lock_timeout_s)
            done = self._run(["apt-get", "update", "--quiet"])
            if NO_LOCK not in done.output or time.monotonic() - started >= lock_timeout_s:
                break
            time.sleep(POLL_S)
        self._complaints = " ".join(line for line in done.output.splitlines() if line.startswith(("E:", "W:")))

    def _must(self, command: Sequence[str], what: str) -> None:
        done = self._run(command)
        if done.code:
            raise PackageError("%s could not %s: %s" % (command[0], what, _end(done.output)))


class Dnf:
    """Fedora, RHEL and relatives. Not tested on a real one."""

    name = "dnf"
    locks = DNF_LOCKS

    def __init__(self, run: Run) -> None:
        self._run = run

    def missing(self, names: Sequence[str]) -> List[str]:
        """Those that no installed package provides."""
        return [name for name in names if self._run(["rpm", "--query", "--whatprovides", name]).code]

    def install(self, names: Sequence[str], *, refresh: bool, lock_timeout_s: int) -> None:
        """Install; dnf waits for its own lock."""
        del lock_timeout_s
        options = ["--assumeyes", "--setopt=install_weak_deps=False", *(["--refresh"] if refresh else [])]
        done = self._run(["dnf", "install", *options, *names])
        if done.code:
            raise PackageError("dnf could not install %s: %s" % (", ".join(names), _end(done.output)))


def _satisfied(name: str, there: Dict[str, str]) -> bool:
    plain, _, version = name.partition("=")
    return plain in there and version in ("", there[plain])


def _name(pid: int) -> str:
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "a process"


def _end(output: str, lines: int = 8) -> str:
    """What a program said is wrong: its errors and what does not fit together, else the end of what it said."""
    told = [line for line in output.splitlines() if line.strip()]
    clashes = next((number for number, line in enumerate(told) if "unmet dependencies" in line), len(told))
    errors = [line for line in told[:clashes] if line.startswith(("E:", "Error"))] + told[clashes + 1 :]
    return " ".join(line.strip() for line in (errors or told)[-lines:])
