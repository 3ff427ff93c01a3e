"""The system's `ssh`, with pinned host keys and shared connections; its failures as our errors.

Ansible gets the same options, so that it uses the connection that observing has opened already.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner import bounded, generated, programs
from runner.errors import CredentialsError, InvalidRequestError, ProviderError
from runner.providers.ssh import causes, set_up, trusted
from runner.providers.ssh.causes import FAILURE_OF_SSH
from runner.providers.ssh.words import has_passphrase
from runner.readback import LOGIN, fields, host_key
from runner.repo import Repo

_LOGIN = fields(LOGIN)
PYTHON = "/usr/bin/python3"
CONNECT_TIMEOUT_S = 10
COMMAND_TIMEOUT_S = 60
KEEP_OPEN = "10m"
SHARED_BY = ("address", "port", "user", "key", "jump", "host_key")
LONGEST_FOLDER = 52
NOT_FOUND = 127
"""What shells say of a command that is not installed."""


class SshHost:
    """One host. `login` has the fields of `options.Login`; `jump` is the host to go through."""

    def __init__(self, repo: Repo, name: str, login: Mapping[str, Any], jump: SshHost | None = None) -> None:
        wrong = _LOGIN(login)
        if wrong is not None:
            message = f"what is said of how to reach {name} has no proper {wrong}"
            hint = "correct it where it stands: in runner.yaml, the deployment, its record or the tags of its machine"
            raise InvalidRequestError(message, code="bad-login", hint=hint)
        self.name = name
        self.login = login
        self.jump = jump
        self._repo = repo

    @property
    def target(self) -> str:
        """user@address."""
        return f"{self.login['user']}@{self.login['address']}"

    @property
    def python(self) -> str:
        """The one Python of the host: for looks and for Ansible."""
        return str(self.login.get("python") or PYTHON)

    def options(self) -> list[str]:
        """For ssh and for Ansible alike. Raises CredentialsError where a row of the trusted keys trusts too much."""
        file = known_hosts(self._repo)
        trusted.rows(file, self._repo.relative(file))
        known = [file, *pinned(self._repo, self.login)]
        words = [
            *set_up.ALWAYS,
            "UserKnownHostsFile=" + " ".join(quoted(str(path)) for path in known).replace("%", "%%"),
            "GlobalKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=yes",
            "UpdateHostKeys=no",
            f"HostKeyAlias={self.alias}",
            f"ConnectTimeout={CONNECT_TIMEOUT_S}",
            "ServerAliveInterval=15",
            "ServerAliveCountMax=4",
            "ControlMaster=auto",
            f"ControlPersist={KEEP_OPEN}",
            f"ControlPath={_sockets()}/{self._connection}",
        ]
        if self.login.get("key"):
            words += ["IdentitiesOnly=yes"]
        if self.jump:
            words += [f"ProxyCommand={self.jump.passage()}", *set_up.THROUGH]
        return _options(words)

    def passage(self) -> str:
        """The ssh command that goes through this host to another one, with this host's key pinned as well; for
        ProxyCommand, where a percent sign that is none of its own is doubled.
        """
        command = shlex.join(self.command(before=("-o", "ControlMaster=no", "-o", "ControlPath=none", "-W", "@")))
        return command.replace("%", "%%").replace("-W @", "-W '[%h]:%p'", 1)

    def way(self) -> list[dict[str, Any]]:
        """How to get to the hosts in between, the first one first."""
        if not self.jump:
            return []
        return [*self.jump.way(), {key: self.jump.login[key] for key in ("address", "port", "user", "key")}]

    @property
    def _key(self) -> str:
        """The file of the private key, wherever the command is run; empty when there is none."""
        key = self.login.get("key")
        return str(self._repo.root / os.path.expanduser(key)) if key else ""  # noqa: PTH111 - quiet about users nobody knows

    @property
    def _connection(self) -> str:
        """A connection is shared only by those who ask for the same: who pins another key must not get an old one.
        Short, because the path of a unix socket is.
        """
        asked = [str(self._repo.root), self.name, *(str(self.login.get(key)) for key in SHARED_BY)]
        return hashlib.sha256("\n".join(asked).encode()).hexdigest()[:16]

    @property
    def alias(self) -> str:
        """Under what the host's key is pinned: address and port, whatever the host is called."""
        return alias(self.login["address"], self.login["port"])

    def command(self, *words: str, batch: bool = True, before: Sequence[str] = ()) -> list[str]:
        """The ssh command line; the words are one remote command, quoted by the caller."""
        key = ["-i", self._key.replace("%", "%%")] if self.login.get("key") else []
        quiet = _options((*set_up.UNATTENDED, *set_up.COMMAND)) if batch else []
        return ["ssh", *before, *quiet, *self.options(), *key, "-p", str(self.login["port"]), "--", self.target, *words]

    def connection(self) -> dict[str, Any]:
        """What Ansible needs to get there, as `Machine.connection`."""
        return {
            "ansible_connection": "ssh",
            "ansible_host": self.login["address"],
            "ansible_port": self.login["port"],
            "ansible_user": self.login["user"],
            "ansible_python_interpreter": self.python,
            "ansible_ssh_private_key_file": self._key.replace("%", "%%"),
            "ansible_ssh_common_args": shlex.join([*_options(set_up.UNATTENDED), *self.options()]),
            "ansible_become": self.login["user"] != "root",
            "become_password": self.login["become_password"],
        }

    def as_root(self, command: str, *, asks: bool) -> str:
        """A remote command that root runs. `asks`: sudo reads the password from the first line of standard input."""
        if self.login["user"] == "root":
            return command
        # Failures are recognised by their words, which sudo translates.
        how = "-S -p ''" if asks else "-n"
        return f"env LC_ALL=C.UTF-8 sudo {how} {command}"

    def run(self, command: str, stdin: str) -> str:
        """Standard output of a remote command. Raises CredentialsError, ProviderError."""
        words = self.command(command)
        try:
            said = programs.run(words, stdin=stdin, timeout_s=COMMAND_TIMEOUT_S)
        except FileNotFoundError as error:
            raise ProviderError("ssh is not installed", code="no-ssh", hint="install openssh-client") from error
        except subprocess.TimeoutExpired as error:
            raise self._unreachable(f"no answer within {COMMAND_TIMEOUT_S} s") from error
        if said.code != 0:
            raise self.translated(said.code, said.err.strip() or said.out.strip())
        return said.out

    def translated(self, code: int, said: str) -> ProviderError:
        """Which of the things that go wrong with SSH this is, and what to do about it."""
        ended_before = said.count(causes.NEVER_BEGAN) - said.count(causes.NOT_FROM_THERE)
        if self.jump and ended_before > 0:
            return self.jump.translated(code, said.rpartition("kex_exchange_identification")[0].strip())
        named = {"name": self.name, "target": self.target, "python": self.python}
        known = causes.explain(code, said, named, given=bool(self.login.get("host_key")))
        if known and known.code == causes.REFUSED and self._key and _has_passphrase(self._key):
            return causes.locked(self.login["key"], target=self.target)
        if known:
            return known
        lost = causes.lost(said) if code == FAILURE_OF_SSH else ""
        return self._unreachable(lost) if lost else causes.unknown(code, said, named)

    def _unreachable(self, why: str) -> ProviderError:
        through = f" through {self.jump.name}" if self.jump else ""
        return ProviderError(
            f"{self.name} ({self.login['address']}:{self.login['port']}) cannot be reached{through}: {why}",
            code="unreachable",
            hint="is it up, is the address right, does a firewall stand in between?",
        )


def _options(words: Sequence[str]) -> list[str]:
    return [part for word in words for part in ("-o", word)]


def alias(address: str, port: int) -> str:
    """How known_hosts names a host."""
    return address if port == 22 else f"[{address}]:{port}"  # noqa: PLR2004 - the default of SSH


def known_hosts(repo: Repo) -> Path:
    """Keys that people have trusted: committed, so that CI and colleagues trust the same."""
    return repo.inventory / "known_hosts"


def pinned(repo: Repo, login: Mapping[str, Any]) -> list[Path]:
    """The key that runner.yaml or a deployment gives, as a file that ssh reads; none where none is given. It is called
    after what is in it: a name of a host is never a name of a file.
    """
    if not login.get("host_key"):
        return []
    row = f"{alias(login['address'], login['port'])} {login['host_key']}\n"
    path = repo.local / "known_hosts.d" / hashlib.sha256(row.encode()).hexdigest()[:32]
    generated.write(path, row, below=repo.root)
    return [path]


def quoted(path: str) -> str:
    """A word of ssh's configuration."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def scan(login: Mapping[str, Any], jump: SshHost | None = None) -> list[str]:
    """The host keys that a host shows now: to be compared by a person, never trusted by themselves.

    What is behind another host is looked at from there.
    """
    command = ["ssh-keyscan", "-T", str(CONNECT_TIMEOUT_S), "-p", str(login["port"]), "--", login["address"]]
    command = jump.command(shlex.join(command)) if jump else command
    try:
        said = programs.run(command)
    except FileNotFoundError as error:
        raise ProviderError(f"{command[0]} is not installed", code="no-ssh", hint="install openssh-client") from error
    if jump and said.code in (FAILURE_OF_SSH, NOT_FOUND):
        raise jump.translated(said.code, said.err.strip())
    shown = [line.partition(" ")[2].strip() for line in programs.lines(said.out) if not line.startswith("#")]
    rows = [row for row in shown if host_key(row) is None]
    if not rows:
        raise ProviderError(
            f"{login['address']}:{login['port']} shows no host key{f' to {jump.name}' if jump else ''}",
            code="unreachable",
            hint="is it up and running sshd, is the address right, does a firewall stand in between?",
        )
    return sorted(rows)


def fingerprint(key: str) -> str:
    """`SHA256:…`, as consoles and ssh show it."""
    import base64

    raw = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(raw).decode().rstrip("=")


def _has_passphrase(path: str) -> bool:
    try:
        return has_passphrase(bounded.read(Path(path), bounded.SECRET_LIMIT))
    except (bounded.NoFile, bounded.OddFile):
        return False


def _sockets() -> str:
    """A short, private folder: the path of a unix socket is at most about a hundred bytes."""
    base = tempfile.gettempdir()
    folder = Path(base if len(base) < LONGEST_FOLDER else "/tmp") / f"slipway-ssh-{os.getuid()}"  # noqa: S108 - private below
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise CredentialsError(f"{folder} belongs to somebody else", code="unsafe-folder", hint=f"remove {folder}")
    return str(folder)
