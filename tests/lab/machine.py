"""One host: how to reach it by SSH, and beside SSH as its provider does."""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tests.lab.host import LabError, cache, need, run

User = Literal["ubuntu", "needs-password", "no-sudo"]


@dataclass(frozen=True)
class Host:
    """How to reach a host, itself through another one where there is a `jump`. The key pins, it was read beside SSH."""

    name: str
    address: str
    host_key: str
    key: Path
    user: str = "ubuntu"
    port: int = 22
    jump: Host | None = None

    def as_user(self, user: User) -> Host:
        """The same host as somebody else; the password for sudo is `lab`."""
        return replace(self, user=user)

    def through(self, other: Host) -> Host:
        """The same host, reached by way of another one."""
        return replace(self, jump=other)

    def known_hosts(self) -> Path:
        """A file that pins the key of this host and knows no other."""
        line = f"{self.address} {self.host_key}\n"
        file = cache() / "known_hosts" / hashlib.sha256(line.encode()).hexdigest()[:16]
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            file.write_text(line)
        return file

    def ssh(self, command: str, *, timeout_s: float = 10, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell line on the host as its user. `check` makes a failure a LabError."""
        done = subprocess.run([*self.ssh_command(timeout_s), command], capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise LabError(f"{self.name}: {command!r} ended with {done.returncode}: {done.stderr.strip()}")
        return done

    def ssh_command(self, timeout_s: float = 10, *more: str) -> list[str]:
        """What to write before the command. `more` are options of ssh."""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": f"{timeout_s:.0f}",
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self.known_hosts()),
        }
        if self.jump:
            options["ProxyCommand"] = shlex.join(self.jump.ssh_command(timeout_s, "-W", f"{self.address}:{self.port}"))
        flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        login = f"{self.user}@{self.address}"
        return ["ssh", "-F", "none", "-i", str(self.key), "-p", str(self.port), *flags, *more, login]


def console(name: str, *command: str, stdin: str = "") -> str:
    """Run a command as root beside SSH, as a provider's console would; its standard output."""
    done = subprocess.run(
        ["docker", "exec", "-i", container(name), *command], input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise LabError(f"{name}: {' '.join(command)} ended with {done.returncode}: {said}")
    return done.stdout


def container(name: str) -> str:
    """The name of a host's container."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise LabError(f"{name!r} is no name for a host; take lower-case letters, digits and dashes")
    return f"slipway-lab-{name}"


def key() -> Path:
    """The private key that all hosts accept. Made once, kept in the cache."""
    private = cache() / "id_ed25519"
    if not private.exists():
        need("ssh-keygen", "openssh-client")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "slipway-lab", "-f", private)
    return private
