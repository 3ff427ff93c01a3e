"""The hosts that are known, each asked at most once: what runs there, and why the others do not answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from runner.domain import Spec
from runner.errors import CredentialsError, ProviderError
from runner.providers.base import Context
from runner.providers.outlook import wanted
from runner.providers.ssh import jumps, observer
from runner.providers.ssh.client import SshHost
from runner.repo import Repo

WORKERS = 32
LOGIN_DEFAULTS: dict[str, Any] = {
    "port": 22,
    "user": "root",
    "key": "",
    "jump": None,
    "host_key": "",
    "become_password": None,
    "python": "",
}


class Fleet:
    """The pool, and the addresses that deployments and records name."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._repo = Repo(context.root)
        self._answers: dict[str, dict[str, Any] | ProviderError] = context.answers

    @cached_property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """Name → how to get there, and what the pool says of it."""
        hosts = {name: {**LOGIN_DEFAULTS, **self._context.settings["hosts"][name]} for name in self.pool}
        for hint in self._context.hints:
            name = hint.get("host") or (inline_name(hint) if hint.get("address") else "")
            if hint.get("address") and name not in hosts:
                hosts[name] = {**LOGIN_DEFAULTS, **hint}
        return hosts

    @property
    def pool(self) -> list[str]:
        """The names of the hosts that runner.yaml lists."""
        return [*self._context.settings.get("hosts", {})]

    def host(self, name: str) -> SshHost:
        """How to talk to a host. Raises ProviderError when nobody says how any more."""
        if name not in self.hosts:
            hint = "put it back into runner.yaml"
            raise ProviderError(f"{name} is not in providers.ssh.hosts", code="unknown-host", hint=hint)
        login = self.hosts[name]
        return SshHost(self._repo, name, login, self._jump(login))

    def known_as(self, asked: str) -> SshHost | None:
        """A host by its name or its address, those in between included; None when nobody names it."""
        known = {name: self.host(name) for name in self.hosts}
        between = {host.jump.name: host.jump for host in known.values() if host.jump}
        by_address = {str(host.login["address"]): host for host in known.values()}
        return {**between, **by_address, **known}.get(asked)

    def ask(self, names: Iterable[str]) -> None:
        """Ask every host that was not asked yet, all at once."""
        missing = [name for name in names if name not in self._answers]
        if not missing:
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=min(WORKERS, len(missing))) as workers:
            self._answers |= dict(zip(missing, workers.map(self._asked, missing), strict=True))

    def forget(self, name: str) -> None:
        """Ask this one again."""
        self._answers.pop(name, None)

    def silence(self, name: str) -> ProviderError | None:
        """Why a host does not answer."""
        if name not in self.hosts:
            hint = "put it back into runner.yaml"
            text = f"how to reach its host {name} is not known any more"
            return ProviderError(text, code="unknown-host", hint=hint)
        self.ask([name])
        answer = self._answers[name]
        return answer if isinstance(answer, ProviderError) else None

    def blindness(self, name: str) -> ProviderError | None:
        """Why it cannot be said what runs on a host: it does not answer, or its engine does not."""
        silence = self.silence(name)
        if silence is not None:
            return silence
        seen = self.seen(name)
        if not seen["docker"] or seen["missing"]:
            return None
        hint = f"look at it: ssh {self.host(name).target} journalctl -u docker; the next reconcile tries to start it"
        return ProviderError(f"{name}: {seen['docker']}", code="docker-broken", hint=hint)

    def seen(self, name: str) -> dict[str, Any]:
        """What a host says of itself; see `host_observer`. Raises ProviderError when it does not answer."""
        silence = self.silence(name)
        if silence is not None:
            raise silence
        answer = self._answers[name]
        assert isinstance(answer, dict)  # noqa: S101 - what else there may be was raised
        return answer

    def password(self, host: SshHost) -> str:
        """What sudo reads first from its standard input; empty when it asks for nothing. Raises CredentialsError."""
        source = host.login.get("become_password")
        if not source:
            return ""
        try:
            return f"{self._context.secret(source)}\n"
        except CredentialsError as error:
            text = f"the password for sudo on {host.name}: {error}"
            raise CredentialsError(text, code=error.code, hint=error.hint) from error

    def _asked(self, name: str) -> dict[str, Any] | ProviderError:
        host = self.host(name)
        try:
            password, wanted = self.password(host), self._questions.get(name)
            everywhere = self._context.everywhere
            return observer.observe(host, self._context.repo, password, wanted, volumes=everywhere)
        except ProviderError as error:
            return error

    @cached_property
    def _questions(self) -> dict[str, dict[str, Any]]:
        """Host → what may come there: what names it or is there already, and what may get any of the pool."""
        kept = {record.deployment: str(record.machine.get("host", "")) for record in self._context.neighbours}
        by_host: dict[str, list[Spec]] = {}
        anywhere: list[Spec] = []
        for name, spec in self._context.coming.items():
            machine = spec["machine"]
            host = machine.get("host") or (inline_name(machine) if machine.get("address") else kept.get(name))
            (by_host.setdefault(str(host), []) if host else anywhere).append(spec)
        hosts = {*by_host, *(self.pool if anywhere else ())}
        return {host: wanted([*by_host.get(host, ()), *(anywhere if host in self.pool else ())]) for host in hosts}

    def _jump(self, login: Mapping[str, Any]) -> SshHost | None:
        """The host to go through: one of the pool, which may have a jump of its own, or another one, which takes the
        same key. Ways of the pool have an end; addresses that deployments name are at the end of one.
        """
        text = login.get("jump") or ""
        asked = jumps.parse(text)
        if asked is None:
            return None
        ends = {name: host for name, host in self.hosts.items() if name in self.pool or not host["jump"]}
        name = jumps.meant(text, ends)
        if name:
            host = self.hosts[name]
            return SshHost(self._repo, name, {**host, "user": asked["user"] or host["user"]}, self._jump(host))
        user = asked["user"] or login["user"]
        other = {**LOGIN_DEFAULTS, **asked, "user": user, "key": login["key"]}
        return SshHost(self._repo, asked["address"], other)


def inline_name(login: Mapping[str, Any]) -> str:
    """What a host outside of the pool is called: a file, and a word of a command line. The names of the pool have no
    underscore.
    """
    address = str(login["address"]).replace(":", "-").replace("_", "-")
    return f"{'0' if address.startswith('-') else ''}{address}_{login.get('port', 22)}".lower()
