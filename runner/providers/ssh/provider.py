"""Provider `ssh`: hosts that exist. Nothing is created or destroyed but the services on them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from runner.domain import Resource, Spec
from runner.engines import docker, remote
from runner.errors import CapacityError, InvalidRequestError, ProviderError
from runner.providers.base import Check, Context, Credential, Machine, Mark
from runner.providers.ssh import pool
from runner.providers.ssh.client import SshHost, jump_login, words
from runner.repo import Repo

if TYPE_CHECKING:
    from pydantic import BaseModel

OBSERVER = ("docker_socket", "docker_api", "health_probe", "host_observer")
WORKERS = 32
LOGIN_DEFAULTS: dict[str, Any] = {
    "port": 22,
    "user": "root",
    "key": "",
    "jump": None,
    "host_key": "",
    "become_password": None,
}


class Provider:
    """Existing hosts: a pool in runner.yaml, or an address in the deployment."""

    name: ClassVar[str] = "ssh"
    kind: ClassVar[Literal["machine", "platform", "endpoint"]] = "machine"
    summary: ClassVar[str] = "hosts that you have SSH to, from a pool or by address"
    credentials: ClassVar[tuple[Credential, ...]] = ()

    def __init__(self, context: Context) -> None:
        self._context = context
        self._repo = Repo(context.root)
        self._seen: dict[str, dict[str, Any] | ProviderError] = {}

    @classmethod
    def options(cls) -> type[BaseModel]:
        """The model of `machine:`."""
        from runner.providers.ssh.options import Options

        return Options

    @classmethod
    def settings(cls) -> type[BaseModel]:
        """The model of `providers.ssh`."""
        from runner.providers.ssh.options import SshSettings

        return SshSettings

    @classmethod
    def price(cls, options: dict[str, Any], needs: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Own hardware: nothing is billed by the hour."""
        del options, needs
        return {"hourly": 0.0, "currency": "USD", "source": "own hardware", "as_of": ""}

    @classmethod
    def place(cls, options: dict[str, Any]) -> str:
        """Deployments on one host share its ports; which host the pool gives is not known yet."""
        if options.get("host"):
            return f"{cls.name}:{options['host']}"
        return f"{cls.name}:{options['address']}:{options['port']}" if options.get("address") else ""

    @classmethod
    def known(cls, options: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        """What the pool says of the named host: its GPU decides which image a template takes."""
        host = settings.get("hosts", {}).get(options.get("host"), {})
        return {key: host[key] for key in ("gpu", "vram_gb", "ram_gb") if host.get(key)}

    @classmethod
    def misfit(cls, spec: Spec, settings: dict[str, Any]) -> str:
        """Why no host can ever run this."""
        wanted, hosts = spec["machine"], settings.get("hosts", {})
        if wanted.get("address"):
            return ""
        if wanted.get("host"):
            known = ", ".join(sorted(hosts)) or "none"
            if wanted["host"] not in hosts:
                return f"{wanted['host']} is not in providers.ssh.hosts (known: {known})"
            reason = pool.misfit(wanted["host"], hosts[wanted["host"]], spec, ())
            return f"{wanted['host']} {reason}" if reason else ""
        if not hosts:
            return "providers.ssh.hosts of runner.yaml is empty; name an address, or add hosts"
        chosen, reasons = pool.choose(hosts, spec, ())
        return "" if chosen else f"no host of the pool fits: {_listed(reasons)}"

    def list(self) -> Sequence[Resource]:
        """Containers on all hosts that are known: one connection for each host, all at once.

        A machine that has two names (in the pool, and by address in a deployment) has each container once.
        """
        self._look(self._hosts)
        found: dict[str, Resource] = {}
        for name in self._hosts:
            seen = self._seen[name]
            if not isinstance(seen, ProviderError):
                for resource in self._resources(name, seen):
                    found.setdefault(resource.id, resource)
        return [*found.values()]

    def blind_spot(self, machine: dict[str, Any]) -> str:
        """The host of a record that could not be asked; without a host, any of the pool's."""
        name = str(machine.get("host") or (inline_name(machine) if machine.get("address") else ""))
        if not name:
            return next(filter(None, map(self._why_not, self._hosts)), "")
        if name not in self._hosts:
            return f"how to reach its host {name} is not known any more; put it back into runner.yaml" if name else ""
        return self._why_not(name)

    def requirements(self, spec: Spec) -> str:
        """Only hosts that answer can get something new."""
        name = self._named(spec)
        if name:
            return self._why_not(name)
        silent = [host for host in self._hosts if self._why_not(host)]
        return self._why_not(silent[0]) if silent and len(silent) == len(self._hosts) else ""

    def create(self, mark: Mark, spec: Spec) -> Machine:
        """Nothing to create: the named host, the one it has, or one of the pool that is free and answers."""
        name = self._named(spec) or self._from_pool(mark, spec)
        if name not in self._hosts:
            raise InvalidRequestError(f"{name} is not in providers.ssh.hosts", code="unknown-host", hint="add it")
        recorded = self._context.machine
        own = recorded.get("gpu_ids", ()) if recorded.get("host") == name else ()
        return self._machine(name, pool.gpu_ids(name, self._hosts[name], spec, self._context.neighbours, own))

    def find(self, mark: Mark) -> Machine | None:
        """The host that has something with this mark; only the recorded one is asked, if there is one."""
        recorded = str(self._context.machine.get("host", ""))
        for name in [recorded] if recorded in self._hosts else list(self._hosts):
            self._seen.pop(name, None)
            self._look({name: self._hosts[name]})
            seen = self._seen[name]
            if isinstance(seen, ProviderError):
                if recorded:
                    raise seen
                continue
            if self._has(name, mark):
                return self._machine(name)
        return None

    def destroy(self, mark: Mark) -> None:
        """The roles remove what is ours; the host stays as it is."""

    def shell(self, machine: Mapping[str, Any]) -> Sequence[str]:
        """The command that opens a shell on the machine of a record."""
        return self._host(str(machine["host"])).command(batch=False)

    def logs(self, resource: Resource, *, follow: bool, lines: int) -> Iterator[str]:
        """`docker logs` on the host."""
        import subprocess

        host = self._host(str(resource.facts["host"]))
        password = self._password(host)
        wanted = f"docker logs --tail {int(lines)} {'--follow ' if follow else ''}{resource.facts['container']} 2>&1"
        # A shared connection keeps our standard error open until the service says its next word.
        own = ("-o", "ControlMaster=no", "-o", "ControlPath=none") if follow else ()
        command = host.command(host.as_root(wanted, asks=bool(password)), before=own)
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, errors="replace") as process:
            try:
                if process.stdin:
                    process.stdin.write(password)
                    process.stdin.close()
                yield from (line.rstrip("\n") for line in process.stdout or ())
                if process.wait():
                    text = f"the log of {resource.deployment} ended with exit code {process.returncode}"
                    raise ProviderError(text, code="remote-failed", hint=f"runner status {resource.deployment}")
            finally:
                process.terminate()

    def checks(self) -> Sequence[Check]:
        """For every host: is it there, with a pinned key, and may we use sudo."""
        ssh = shutil.which("ssh")
        found = [Check("ssh", bool(ssh), ssh or "not found", "" if ssh else "install openssh-client")]
        self._look(self._hosts)
        for name, seen in self._seen.items():
            if isinstance(seen, ProviderError):
                found.append(Check(name, ok=False, found=str(seen), fix=seen.hint))
            else:
                engine = "no Docker yet" if seen["missing"] else seen["docker"] or "Docker answers"
                found.append(Check(name, ok=True, found=f"reachable, sudo works, {engine}"))
        return found

    @cached_property
    def _hosts(self) -> dict[str, dict[str, Any]]:
        """The pool, and the addresses that deployments and records name."""
        hosts = {n: {**LOGIN_DEFAULTS, **host} for n, host in self._context.settings.get("hosts", {}).items()}
        for hint in self._context.hints:
            name = hint.get("host") or (inline_name(hint) if hint.get("address") else "")
            if hint.get("address") and name not in hosts:
                hosts[name] = {**LOGIN_DEFAULTS, **hint}
        return hosts

    def host(self, asked: str) -> SshHost | None:
        """A host by its name or its address, those in between included; None when nobody names it."""
        known = {name: self._host(name) for name in self._hosts}
        between = {host.jump.name: host.jump for host in known.values() if host.jump}
        by_address = {str(host.login["address"]): host for host in known.values()}
        return {**between, **by_address, **known}.get(asked)

    def _host(self, name: str) -> SshHost:
        if name not in self._hosts:
            raise ProviderError(f"the host {name} is no longer in runner.yaml", code="unknown-host")
        login = self._hosts[name]
        return SshHost(self._repo, name, login, self._jump(login))

    def _jump(self, login: Mapping[str, Any]) -> SshHost | None:
        """The host to go through: one of the pool by name or address, or another one, which takes the same key."""
        if not login.get("jump"):
            return None
        name, asked = jump_login(login["jump"])
        for known, host in self._hosts.items():
            if not host["jump"] and (name == known or (name, asked["port"]) == (host["address"], host["port"])):
                return SshHost(self._repo, known, {**host, "user": asked["user"] or host["user"]})
        user = asked["user"] or login["user"]
        return SshHost(self._repo, name, {**LOGIN_DEFAULTS, **asked, "user": user, "key": login["key"]})

    def _named(self, spec: Spec) -> str:
        wanted = spec["machine"]
        return str(wanted.get("host") or (inline_name(wanted) if wanted.get("address") else ""))

    def _from_pool(self, mark: Mark, spec: Spec) -> str:
        """Asks only the host that it would get: a silent one is passed over, and what is somewhere is not moved."""
        pooled = {name: self._hosts[name] for name in self._context.settings.get("hosts", {})}
        current = str(self._context.machine.get("host", ""))
        silent: dict[str, str] = {}
        while True:
            chosen, reasons = pool.choose(pooled, spec, self._context.neighbours, current)
            if chosen and chosen == current:
                return chosen
            if current in pooled and self._has(current, mark):
                hint = "undo the change; or destroy it and let it be made anew, which loses its data"
                raise InvalidRequestError(
                    f"it is on {current}, which {reasons[current]}", code="host-outgrown", hint=hint
                )
            if not chosen:
                why = _listed({**reasons, **silent})
                raise CapacityError(f"no host of the pool fits: {why}", code="no-host", hint="free one, or add one")
            if not self._why_not(chosen):
                return chosen
            silent[chosen] = "does not answer"
            del pooled[chosen]

    def _has(self, name: str, mark: Mark) -> bool:
        """Whether something with this mark is on a host. Raises ProviderError when it cannot be asked."""
        self._look({name: self._hosts[name]})
        seen = self._seen[name]
        if isinstance(seen, ProviderError):
            raise seen
        return any(r.deployment == mark.deployment for r in self._resources(name, seen))

    def _look(self, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        """Ask every host that was not asked yet, all at once."""
        missing = [name for name in hosts if name not in self._seen]
        if not missing:
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=min(WORKERS, len(missing))) as workers:
            self._seen |= dict(zip(missing, workers.map(self._ask, missing), strict=True))

    def _ask(self, name: str) -> dict[str, Any] | ProviderError:
        host = self._host(name)
        program = remote.program(OBSERVER, "observe", docker.mark(self._context.repo))
        try:
            password = self._password(host)
            command = host.as_root(remote.COMMAND, asks=bool(password))
            answer: dict[str, Any] = json.loads(host.run(command, f"{password}{program}"))
        except ProviderError as error:
            return error
        except ValueError:
            return ProviderError(
                f"{name}: its answer cannot be read", code="bad-answer", hint="is python3 installed there?"
            )
        if answer["docker"] and not answer["missing"]:
            return ProviderError(
                f"{name}: {answer['docker']}", code="docker-broken", hint=f"look at it: ssh {host.target}"
            )
        return answer

    def _password(self, host: SshHost) -> str:
        if not host.login.get("become_password"):
            return ""
        return self._context.secret(host.login["become_password"]) + "\n"

    def _why_not(self, name: str) -> str:
        if name not in self._hosts:
            return f"{name} is not in providers.ssh.hosts"
        self._look({name: self._hosts[name]})
        seen = self._seen[name]
        return f"{seen}. {seen.hint}" if isinstance(seen, ProviderError) else ""

    def _resources(self, name: str, seen: Mapping[str, Any]) -> Sequence[Resource]:
        return docker.resources(seen["containers"], self.name, facts={"host": name}, health=seen["health"])

    def _machine(self, name: str, gpu_ids: Sequence[str] = ()) -> Machine:
        host = self._host(name)
        login = host.login
        return Machine(
            id=name,
            address=login["address"],
            engine="docker",
            connection={
                "ansible_connection": "ssh",
                "ansible_host": login["address"],
                "ansible_port": login["port"],
                "ansible_user": login["user"],
                "ansible_python_interpreter": "/usr/bin/python3",
                "ansible_ssh_private_key_file": login["key"],
                "ansible_ssh_common_args": words(host.options()),
                "ansible_become": login["user"] != "root",
                "become_password": login["become_password"],
            },
            facts={"prepare": True, "docker_socket": "", **({"gpu_ids": list(gpu_ids)} if gpu_ids else {})},
            keep={
                "host": name,
                **{key: login[key] for key in LOGIN_DEFAULTS},
                "tunnel": True,
                "gpu_ids": list(gpu_ids),
            },
        )


def inline_name(login: Mapping[str, Any]) -> str:
    """What a host outside of the pool is called."""
    return f"{login['address']}-{login['port']}".lower().replace(":", "-").replace("_", "-")


def _listed(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {reason}" for name, reason in sorted(reasons.items()) if reason)
