"""Provider `ssh`: hosts that exist. Nothing is created or destroyed but the services on them."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from runner.domain import Resource, Spec
from runner.errors import CapacityError, InvalidRequestError, ProviderError
from runner.faults import Fault
from runner.providers.base import Check, Choice, Context, Credential, Machine, Mark
from runner.providers.market import Offer
from runner.providers.outlook import Outlook
from runner.providers.ssh import neighbours, observer, pool, residents
from runner.providers.ssh.client import SshHost
from runner.providers.ssh.fleet import LOGIN_DEFAULTS, Fleet, inline_name

if TYPE_CHECKING:
    from pydantic import BaseModel


class Provider:
    """Existing hosts: a pool in runner.yaml, or an address in the deployment."""

    name: ClassVar[str] = "ssh"
    kind: ClassVar[Literal["machine", "platform", "endpoint"]] = "machine"
    summary: ClassVar[str] = "hosts that you have SSH to, from a pool or by address"
    credentials: ClassVar[tuple[Credential, ...]] = ()
    runs_scripts: ClassVar[bool] = True
    rents: ClassVar[bool] = False
    honours: ClassVar[tuple[str, ...]] = ()
    exposes: ClassVar[bool] = True

    def __init__(self, context: Context) -> None:
        self._context = context
        self._fleet = Fleet(context)

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
    def price(
        cls, options: dict[str, Any], needs: dict[str, Any] | None = None, settings: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Own hardware: nothing is billed by the hour."""
        del options, needs, settings
        return {"hourly": 0.0, "currency": "USD", "source": "own hardware", "as_of": ""}

    @classmethod
    def place(cls, options: dict[str, Any]) -> str:
        """Deployments on one host share its ports; which host the pool gives is not known yet."""
        if options.get("host"):
            return f"{cls.name}:{options['host']}"
        return f"{cls.name}:{options['address']}:{options.get('port', 22)}" if options.get("address") else ""

    @classmethod
    def choices(cls, settings: dict[str, Any]) -> Sequence[Choice]:
        """Any host of the pool, or one of them."""
        return tuple(pool.choices(settings.get("hosts", {})))

    @classmethod
    def known(cls, options: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        """What the pool says of the named host: its GPU decides which image a template takes."""
        host = settings.get("hosts", {}).get(options.get("host"), {})
        return {key: host[key] for key in ("gpu", "vram_gb", "ram_gb") if host.get(key)}

    @classmethod
    def misfit(cls, spec: Spec, settings: dict[str, Any]) -> str:
        """Why no host can ever run this."""
        if contradiction := pool.contradiction(spec):
            return f"says {contradiction}"
        wanted, hosts = spec["machine"], settings.get("hosts", {})
        if wanted.get("address"):
            reason = pool.too_small(wanted, spec)
            return f"{wanted['address']} {reason}; {pool.way_out(hosts, spec)}" if reason else ""
        if wanted.get("host"):
            known = ", ".join(sorted(hosts)) or "none"
            if wanted["host"] not in hosts:
                return f"{wanted['host']} is not in providers.ssh.hosts (known: {known})"
            reason = pool.misfit(wanted["host"], hosts[wanted["host"]], spec, ())
            small = reason and reason == pool.too_small(hosts[wanted["host"]], spec)
            return f"{wanted['host']} {reason}{f'; {pool.way_out(hosts, spec)}' if small else ''}" if reason else ""
        if not hosts:
            return "providers.ssh.hosts of runner.yaml is empty; name an address, or add hosts"
        chosen, reasons = pool.choose(hosts, spec, ())
        small = any(reason == pool.too_small(hosts[name], spec) for name, reason in reasons.items())
        out = f"; {pool.way_out(hosts, spec)}" if small else ""
        return "" if chosen else f"no host of the pool fits: {_listed(reasons)}{out}"

    @classmethod
    def conflicts(cls, specs: Mapping[str, Spec], settings: dict[str, Any]) -> Mapping[str, Fault]:
        """Who has no GPU left on the host that it names, and who gets onto an address in another way than others."""
        crowded = pool.overbooked(settings.get("hosts", {}), specs)
        return {**neighbours.logins(specs), **{name: neighbours.crowded(reason) for name, reason in crowded.items()}}

    def offers(self, wanted: Mapping[str, Any]) -> tuple[Sequence[Offer], Sequence[ProviderError]]:
        """The hosts of the pool. They are in no region and never spot."""
        return pool.offers(self._context.settings.get("hosts", {}), wanted), ()

    def list(self) -> Sequence[Resource]:
        """Containers on all hosts that are known: one connection for each host, all at once.

        A machine that has two names (in the pool, and by address in a deployment) has each container once.
        """
        self._fleet.ask(self._fleet.hosts)
        found: dict[str, Resource] = {}
        for name in self._fleet.hosts:
            if self._fleet.silence(name) is None:
                for resource in residents.of(self._fleet, self._context, name):
                    found.setdefault(resource.id, resource)
        return [*found.values()]

    def blind_spot(self, machine: dict[str, Any]) -> ProviderError | None:
        """The host of a record that could not be asked; without a host, any of the pool's."""
        name = str(machine.get("host") or (inline_name(machine) if machine.get("address") else ""))
        return next(filter(None, map(self._fleet.blindness, [name] if name else self._fleet.hosts)), None)

    def requirements(self, spec: Spec) -> ProviderError | None:
        """Only hosts that answer can get something new. An engine that does not is repaired on the way."""
        name = self._named(spec)
        if name:
            return self._fleet.silence(name)
        silent = [self._fleet.silence(host) for host in self._fleet.hosts]
        return silent[0] if silent and all(silent) else None

    def outlooks(
        self, specs: Mapping[str, Spec], there: Mapping[str, Resource], leaving: Collection[str]
    ) -> Mapping[str, Outlook]:
        """The host that each of them gets, and what it meets there."""
        from runner.providers.ssh.outlook import Outlooks

        all_of_them = Outlooks(self._fleet, self._context.neighbours, leaving)
        return {name: all_of_them.of(name, spec, there.get(name)) for name, spec in specs.items()}

    def look_ahead(self, spec: Spec) -> None:
        """Ask the host that this will probably get."""
        current = str(self._context.machine.get("host", ""))
        pooled = {name: self._fleet.hosts[name] for name in self._fleet.pool}
        name = self._named(spec) or pool.choose(pooled, spec, self._context.neighbours, current)[0]
        self._fleet.ask([name] if name in self._fleet.hosts else [])

    def create(self, mark: Mark, spec: Spec) -> Machine:
        """Nothing to create: the named host, the one it has, or one of the pool that is free and answers."""
        recorded = self._context.machine
        current = str(recorded.get("host", "")) or self._marked(mark)
        name = self._named(spec)
        if name:
            self._require_room(name, spec, current)
        else:
            name = self._from_pool(mark, spec, current)
        host = self._fleet.hosts[name]
        own = recorded.get("gpu_ids", ()) if recorded.get("host") == name else ()
        engine = "systemd" if spec["service"].get("script") else "docker"
        self._require_engine(name, mark, engine)
        return self._machine(name, engine, pool.gpu_ids(name, host, spec, self._context.neighbours, own))

    def find(self, mark: Mark) -> Machine | None:
        """The host that has something with this mark; only the recorded one is asked, if there is one."""
        recorded = str(self._context.machine.get("host", ""))
        for name in [recorded] if recorded in self._fleet.hosts else list(self._fleet.hosts):
            self._fleet.forget(name)
            blindness = self._fleet.blindness(name)
            found = self._found(name, mark) if blindness is None or recorded else []
            if found:
                return self._machine(name, str(found[0].facts["engine"]))
        return None

    def ready(self, machine: Machine) -> Machine:
        """It is there."""
        return machine

    def settle(self, mark: Mark, spec: Spec, machine: Mapping[str, Any]) -> None:
        """Nothing to note: the mark is on the service."""

    def stop(self, mark: Mark) -> None:
        """The roles stop the service; the machine goes on."""

    def destroy(self, mark: Mark) -> None:
        """The roles remove what is ours; the host stays as it is."""

    def shell(self, machine: Mapping[str, Any]) -> Sequence[str]:
        """The command that opens a shell on the machine of a record."""
        return self._fleet.host(str(machine["host"])).command(batch=False)

    def logs(self, resource: Resource, *, follow: bool, lines: int) -> Iterator[str]:
        """What the service says, from the host."""
        host = self._fleet.host(str(resource.facts["host"]))
        return observer.log(host, resource, self._fleet.password(host), follow=follow, lines=lines)

    def checks(self) -> Sequence[Check]:
        """For every host: is it there, with a pinned key, may we use sudo, and does its engine answer."""
        ssh = shutil.which("ssh")
        found = [Check("ssh", bool(ssh), ssh or "not found", "" if ssh else "install openssh-client")]
        self._fleet.ask(self._fleet.hosts)
        for name in self._fleet.hosts:
            trouble = self._fleet.blindness(name)
            if trouble is not None:
                found.append(Check(name, ok=False, found=str(trouble), fix=trouble.hint))
            else:
                engine = "no Docker yet" if self._fleet.seen(name)["missing"] else "Docker answers"
                found.append(Check(name, ok=True, found=f"reachable, sudo works, {engine}"))
        return found

    def host(self, asked: str) -> SshHost | None:
        """A host by its name or its address, those in between included; None when nobody names it."""
        return self._fleet.known_as(asked)

    def _named(self, spec: Spec) -> str:
        wanted = spec["machine"]
        return str(wanted.get("host") or (inline_name(wanted) if wanted.get("address") else ""))

    def _marked(self, mark: Mark) -> str:
        """The host that has it although no record says so: another clone made it, or the record was lost."""
        if self._context.new:
            return ""
        self._fleet.ask(self._fleet.hosts)
        sighted = (name for name in self._fleet.hosts if self._fleet.blindness(name) is None)
        return next((name for name in sighted if self._found(name, mark)), "")

    def _require_room(self, name: str, spec: Spec, current: str) -> None:
        """A named host is taken as it is, unless it is full. Raises ProviderError."""
        host = self._fleet.host(name).login
        elsewhere = current not in ("", name) and self._fleet.host(current).alias != self._fleet.host(name).alias
        if elsewhere and not self._context.machine:
            hint = f"write host: {current}, or remove it there first"
            raise InvalidRequestError(f"it is on {current} already, not on {name}", code="elsewhere", hint=hint)
        reason = pool.misfit(name, host, spec, self._context.neighbours) if name in self._fleet.pool else ""
        if reason:
            raise CapacityError(f"{name} {reason}", code="host-full", hint="free it, or name another host")

    def _from_pool(self, mark: Mark, spec: Spec, current: str) -> str:
        """Asks only the host that it would get: a silent one is passed over, and what is somewhere is not moved.

        One whose engine is broken is taken when there is no other: preparing it may repair the engine.
        """
        pooled = {name: self._fleet.hosts[name] for name in self._fleet.pool}
        passed: dict[str, str] = {}
        broken = ""
        while True:
            chosen, reasons = pool.choose(pooled, spec, self._context.neighbours, current)
            if chosen and chosen == current:
                return chosen
            if current in self._fleet.hosts and self._found(current, mark):
                hint = "undo the change; or destroy it and let it be made anew, which loses its data"
                why = reasons.get(current, "is no longer in providers.ssh.hosts")
                raise InvalidRequestError(f"it is on {current}, which {why}", code="host-outgrown", hint=hint)
            if not chosen and broken:
                return broken
            if not chosen:
                why = _listed({**reasons, **passed})
                raise CapacityError(f"no host of the pool fits: {why}", code="no-host", hint="free one, or add one")
            if self._fleet.blindness(chosen) is None:
                return chosen
            silent = self._fleet.silence(chosen) is not None
            passed[chosen] = "does not answer" if silent else "has a Docker that does not answer"
            broken = broken or ("" if silent else chosen)
            del pooled[chosen]

    def _require_engine(self, name: str, mark: Mark, engine: str) -> None:
        """What was a container does not become a script, nor the other way round. Raises ProviderError."""
        other = [
            r
            for r in residents.of(self._fleet, self._context, name)
            if r.deployment == mark.deployment and r.facts["engine"] != engine
        ]
        if other:
            text = f"it is there by {other[0].facts['engine']}, and now wants {engine}"
            hint = "destroy it first, which loses its data, or give the new one another name"
            raise InvalidRequestError(text, code="other-engine", hint=hint)

    def _found(self, name: str, mark: Mark) -> Sequence[Resource]:
        """What carries this mark on a host. Raises ProviderError when that cannot be said."""
        blindness = self._fleet.blindness(name)
        if blindness is not None:
            raise blindness
        return [
            resource
            for resource in residents.of(self._fleet, self._context, name)
            if resource.deployment == mark.deployment
        ]

    def _machine(self, name: str, engine: str, gpu_ids: Sequence[str] = ()) -> Machine:
        host = self._fleet.host(name)
        login = host.login
        return Machine(
            id=name,
            address=login["address"],
            engine=engine,
            connection=host.connection(),
            facts={
                "prepare": True,
                "docker_socket": "",
                "adopt_engine": bool(login.get("adopt_engine")),
                **({"gpu_ids": list(gpu_ids)} if gpu_ids else {}),
            },
            keep={
                "host": name,
                **{key: login[key] for key in LOGIN_DEFAULTS},
                "tunnel": True,
                "way": host.way(),
                "gpu_ids": list(gpu_ids),
            },
        )


def _listed(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {reason}" for name, reason in sorted(reasons.items()) if reason)
