"""One account: where to look in it, which machine is whose, and how to get onto it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from runner.errors import ProviderError
from runner.providers.aws import network, seen
from runner.providers.aws.api import Api, hinted
from runner.providers.aws.seen import Seen
from runner.providers.aws.wanted import Door
from runner.providers.aws.wanted import regions as wanted_regions
from runner.providers.base import Context, Machine, Mark
from runner.providers.ssh import observer
from runner.providers.ssh.client import SshHost
from runner.reach import SSH
from runner.repo import Repo

WORKERS = 32


class Account:
    """As one command sees it."""

    def __init__(self, context: Context) -> None:
        self.api = Api(context.settings)
        self._context = context
        self._repo = Repo(context.root)

    def regions(self) -> Sequence[str]:
        """Those that files, records and settings name. None where nothing here has to do with AWS."""
        context = self._context
        if not context.hints and not context.settings and not hinted():
            return ()
        named = [
            one for hint in (context.machine, *context.hints, {}) for one in wanted_regions(hint, context.settings)
        ]
        if context.everywhere:
            found = self.api.call(named[0], "describe_regions")["Regions"]
            named += sorted(region["RegionName"] for region in found)
        return tuple(dict.fromkeys(named))

    def look(self, region: str) -> tuple[Sequence[Seen], Sequence[seen.Part]]:
        """Its machines, and what is left of others."""
        found = seen.machines(self.api, region, self._context.repo)
        alive = [one for one in found if one.state != "terminated"]
        return found, seen.leftovers(self.api, region, self._context.repo, alive)

    def ask(self, running: Sequence[Seen]) -> dict[str, Mapping[str, Any] | ProviderError]:
        """What the machines themselves say."""
        if not running:
            return {}
        with ThreadPoolExecutor(max_workers=min(WORKERS, len(running))) as pool:
            return dict(zip((one.id for one in running), pool.map(self._said, running), strict=True))

    def _said(self, one: Seen) -> Mapping[str, Any] | ProviderError:
        try:
            return observer.observe(self.host(one, self.key_of(one.id)), self._context.repo)
        except ProviderError as error:
            return error

    def one(self, mark: Mark) -> Seen | None:
        """The machine of a deployment. Raises ProviderError where a region does not answer, or has two."""
        asked = self.api.each(self.regions(), lambda r: seen.machines(self.api, r, mark.repo, mark.deployment))
        found: list[Seen] = []
        for answer in asked.values():
            if isinstance(answer, ProviderError):
                raise answer
            found += [one for one in answer if one.there]
        if len(found) > 1:
            listed = ", ".join(f"{one.id} in {one.region}" for one in found)
            hint = "terminate the one that is not wanted, then run again"
            raise ProviderError(f"{len(found)} machines carry this name: {listed}", code="two-machines", hint=hint)
        return found[0] if found else None

    def admit(self, there: Seen, mark: Mark, cidrs: Sequence[str], callers: Sequence[Door]) -> None:
        """Let the runner in where it is now: laptops and CI come from changing addresses. And who else may come."""
        filters = seen.marked(mark.repo, mark.deployment)
        groups = self.api.pages(there.region, "describe_security_groups", "SecurityGroups", Filters=filters)
        for group in groups:
            if group["GroupId"] in there.parts:
                public = bool(there.tags.get(seen.ADDRESS) == "public")
                service = str(self._context.settings.get("checkip", ""))
                let_in = cidrs or (network.callers_address("" if public else there.address, service),)
                network.admit(self.api, there.region, group, network.ways_in(let_in, callers))

    def key_of(self, machine: str) -> str:
        """The private key file that the record of a machine names, else that of the settings."""
        noted = (hint.get("key") for hint in (self._context.machine, *self._context.hints) if hint.get("id") == machine)
        return str(next(filter(None, noted), None) or self._context.settings.get("key") or "")

    def _login(self, there: Seen, key: str) -> dict[str, Any]:
        return {
            "address": there.address,
            "port": SSH,
            "user": there.tags.get(seen.USER, "root"),
            "key": key,
            "jump": None,
            "host_key": there.tags.get(seen.HOST_KEY, ""),
            "become_password": None,
        }

    def host(self, there: Seen, key: str) -> SshHost:
        """How to talk to a machine."""
        return SshHost(self._repo, there.id, self._login(there, key))

    def machine(self, there: Seen, key: str = "", ends: str = "") -> Machine:
        """What the core gets to know of a machine. `ends`: when its ttl is over."""
        host = self.host(there, key or self.key_of(there.id))
        facts = {"prepare": True, "docker_socket": "", "own": True}
        login = {name: value for name, value in host.login.items() if name != "address"}
        known = {"region": there.region, "zone": there.zone, "type": there.type, "spot": there.spot}
        keep = {**login, **known, "tunnel": True, **({"ends": ends} if ends else {})}
        noted = self._context.machine
        rate = noted.get("rate") if noted.get("id") == there.id else None
        return Machine(there.id, there.address, "docker", host.connection() if there.address else {}, facts, keep, rate)
