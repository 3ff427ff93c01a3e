"""The system's `ssh`, with pinned host keys and shared connections; its failures as our errors.

Ansible gets the same options, so that it uses the connection that observing has opened already.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner import generated
from runner.errors import CredentialsError, ProviderError
from runner.repo import Repo

CONNECT_TIMEOUT_S = 10
COMMAND_TIMEOUT_S = 60
KEEP_OPEN = "10m"


class SshHost:
    """One host. `login` has the fields of `options.Login`."""

    def __init__(self, repo: Repo, name: str, login: Mapping[str, Any]) -> None:
        self.name = name
        self.login = login
        self._repo = repo

    @property
    def target(self) -> str:
        """user@address."""
        return f"{self.login['user']}@{self.login['address']}"

    def options(self) -> list[str]:
        """For ssh and for Ansible alike."""
        known = f"{known_hosts(self._repo)} {pinned(self._repo, self.name, self.login)}"
        words = [
            f"UserKnownHostsFile={known}",
            "GlobalKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=yes",
            "UpdateHostKeys=no",
            f"HostKeyAlias={self.alias}",
            f"ConnectTimeout={CONNECT_TIMEOUT_S}",
            "ServerAliveInterval=15",
            "ServerAliveCountMax=4",
            "ControlMaster=auto",
            f"ControlPersist={KEEP_OPEN}",
            f"ControlPath={_sockets()}/%C",
        ]
        if self.login.get("key"):
            words += ["IdentitiesOnly=yes"]
        jump = ["-J", self.login["jump"]] if self.login.get("jump") else []
        return [*(part for word in words for part in ("-o", word)), *jump]

    @property
    def alias(self) -> str:
        """Under what the host's key is pinned: address and port, whatever the host is called."""
        return alias(self.login["address"], self.login["port"])

    def command(self, *words: str, batch: bool = True) -> list[str]:
        """The ssh command line; the words are one remote command, quoted by the caller."""
        key = ["-i", str(Path(self.login["key"]).expanduser())] if self.login.get("key") else []
        quiet = ["-o", "BatchMode=yes"] if batch else []
        return ["ssh", *quiet, *self.options(), *key, "-p", str(self.login["port"]), self.target, *words]

    def run(self, command: str, stdin: str) -> str:
        """Standard output of a remote command. Raises CredentialsError, ProviderError."""
        try:
            done = subprocess.run(
                self.command(command),
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                timeout=COMMAND_TIMEOUT_S,
            )
        except FileNotFoundError as error:
            raise ProviderError("ssh is not installed", code="no-ssh", hint="install openssh-client") from error
        except subprocess.TimeoutExpired as error:
            raise self._unreachable(f"no answer within {COMMAND_TIMEOUT_S} s") from error
        if done.returncode != 0:
            raise self._translated(done.returncode, done.stderr.strip())
        return done.stdout

    def _translated(self, code: int, said: str) -> ProviderError:
        """Which of the things that go wrong with SSH this is, and what to do about it."""
        if "IDENTIFICATION HAS CHANGED" in said:
            return CredentialsError(
                f"{self.name} shows another host key than the pinned one: it was made anew, or somebody is in between",
                code="host-key-changed",
                hint=f"if it was made anew: runner trust {self.name} --replace",
            )
        if "Host key verification failed" in said or "host key is known" in said:
            return CredentialsError(
                f"the host key of {self.name} is not pinned yet",
                code="host-key-unknown",
                hint=f"runner trust {self.name}",
            )
        if "Permission denied" in said:
            return CredentialsError(
                f"{self.target} does not accept the key",
                code="ssh-key-refused",
                hint=f"check user and key of {self.name}, or add the public key to its authorized_keys",
            )
        if "sudo:" in said or "a password is required" in said:
            return CredentialsError(
                f"{self.target} may not use sudo without a password",
                code="sudo-refused",
                hint="give become_password: env:NAME, or allow NOPASSWD for this user",
            )
        last = said.splitlines()[-1] if said else f"exit code {code}"
        return self._unreachable(last) if code == 255 else ProviderError(f"{self.name}: {last}", code="remote-failed")  # noqa: PLR2004 - ssh's own failure

    def _unreachable(self, why: str) -> ProviderError:
        return ProviderError(
            f"{self.name} ({self.login['address']}:{self.login['port']}) cannot be reached: {why}",
            code="unreachable",
            hint="is it up, is the address right, does a firewall stand in between?",
        )


def alias(address: str, port: int) -> str:
    """How known_hosts names a host."""
    return address if port == 22 else f"[{address}]:{port}"  # noqa: PLR2004 - the default of SSH


def known_hosts(repo: Repo) -> Path:
    """Keys that people have trusted: committed, so that CI and colleagues trust the same."""
    return repo.inventory / "known_hosts"


def pinned(repo: Repo, name: str, login: Mapping[str, Any]) -> Path:
    """The key that runner.yaml or a deployment gives, as a file that ssh reads."""
    path = repo.local / "known_hosts.d" / name
    if login.get("host_key"):
        generated.write(path, f"{alias(login['address'], login['port'])} {login['host_key']}\n")
    else:
        path.unlink(missing_ok=True)
    return path


def scan(login: Mapping[str, Any]) -> list[str]:
    """The host keys that a host shows now: to be compared by a person, never trusted by themselves."""
    command = ["ssh-keyscan", "-T", str(CONNECT_TIMEOUT_S), "-p", str(login["port"]), login["address"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [line.split(None, 1)[1] for line in done.stdout.splitlines() if line and not line.startswith("#")]
    if not rows:
        raise ProviderError(
            f"{login['address']}:{login['port']} shows no host key",
            code="unreachable",
            hint="is it up and running sshd?",
        )
    return sorted(rows)


def fingerprint(key: str) -> str:
    """`SHA256:…`, as consoles and ssh show it."""
    import base64
    import hashlib

    raw = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(raw).decode().rstrip("=")


def _sockets() -> str:
    """A short, private folder: the path of a unix socket is at most about a hundred bytes."""
    folder = Path(tempfile.gettempdir()) / f"slipway-ssh-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise CredentialsError(f"{folder} belongs to somebody else", code="unsafe-folder", hint=f"remove {folder}")
    return str(folder)


def words(arguments: Sequence[str]) -> str:
    """One shell line for settings that take one."""
    import shlex

    return shlex.join(arguments)
