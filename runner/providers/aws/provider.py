"""Provider `aws`: machines of EC2, on demand or spot, that never outlive their files unnoticed."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from runner.domain import Resource, Spec
from runner.errors import GoneError, InvalidRequestError, ProviderError, QuotaError
from runner.providers.aws import catalogue, seen, views
from runner.providers.aws.account import Account
from runner.providers.aws.seen import Seen
from runner.providers.aws.wanted import choice, regions, ttl_s, wanted
from runner.providers.base import Check, Choice, Context, Credential, Machine, Mark
from runner.providers.market import Offer, Quota
from runner.providers.outlook import Outlook
from runner.providers.ssh import observer
from runner.providers.ssh.client import SshHost
from runner.repo import Repo

if TYPE_CHECKING:
    from pydantic import BaseModel

    from runner.providers.aws.quotas import Market, Quotas


class Provider:
    """Machines that are made for one deployment each, and go away with it."""

    name: ClassVar[str] = "aws"
    kind: ClassVar[Literal["machine", "platform", "endpoint"]] = "machine"
    summary: ClassVar[str] = "machines of AWS EC2, on demand or spot"
    credentials: ClassVar[tuple[Credential, ...]] = (
        Credential("access key", ("AWS_ACCESS_KEY_ID",), "or a profile: aws configure, aws sso login"),
        Credential("secret key", ("AWS_SECRET_ACCESS_KEY",), "or a profile: aws configure, aws sso login"),
    )
    rents: ClassVar[bool] = True
    exposes: ClassVar[bool] = True
    honours: ClassVar[tuple[str, ...]] = ("lifecycle.ttl",)

    def __init__(self, context: Context) -> None:
        self._context = context
        self._account = Account(context)
        self._api = self._account.api
        self._failed: dict[str, ProviderError] = {}
        self._running: list[tuple[str, str, Market]] = []

    @cached_property
    def _quotas(self) -> Quotas:
        from runner.providers.aws.quotas import Quotas

        return Quotas(self._api)

    @classmethod
    def options(cls) -> type[BaseModel]:
        """The model of `machine:`."""
        from runner.providers.aws.options import Options

        return Options

    @classmethod
    def settings(cls) -> type[BaseModel]:
        """The model of `providers.aws`."""
        from runner.providers.aws.options import AwsSettings

        return AwsSettings

    @classmethod
    def price(
        cls, options: dict[str, Any], needs: dict[str, Any] | None = None, settings: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Of the first choice, from the dated table."""
        return catalogue.estimate(choice(options, settings or {}), needs or {})

    @classmethod
    def place(cls, options: dict[str, Any]) -> str:
        """Each deployment gets a machine of its own."""
        del options
        return ""

    @classmethod
    def choices(cls, settings: dict[str, Any]) -> Sequence[Choice]:
        """The cheapest machine that fits, or one with a certain GPU."""
        from runner.providers.aws.choices import choices

        return tuple(choices(settings))

    @classmethod
    def known(cls, options: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        """Nothing that the options do not say."""
        del options, settings
        return {}

    @classmethod
    def misfit(cls, spec: Spec, settings: dict[str, Any]) -> str:
        """Why no machine of AWS can run this."""
        from runner.providers.aws.wanted import needs, uncertified

        return uncertified(spec, settings) or catalogue.misfit(choice(spec["machine"], settings), needs(spec))

    def list(self) -> Sequence[Resource]:
        """Two calls for each region in use, all regions at once, then one connection to each machine that runs."""
        asked = self._api.each(self._account.regions(), self._account.look)
        self._failed = {region: answer for region, answer in asked.items() if isinstance(answer, ProviderError)}
        if self._failed and len(self._failed) == len(asked):
            raise next(iter(self._failed.values()))
        answers = [answer for answer in asked.values() if not isinstance(answer, ProviderError)]
        found = [machine for answer in answers for machine in answer[0]]
        up = [one for one in found if one.state in ("pending", "running")]
        self._running = [(one.type, one.region, "spot" if one.spot else "on-demand") for one in up]
        said = self._account.ask([machine for machine in found if machine.state == "running" and machine.address])
        return [
            *(views.resource(one, self.name, said.get(one.id)) for one in found if one.there),
            *self._ended(found),
            *(views.leftover(part, self.name) for answer in answers for part in answer[1]),
        ]

    def blind_spot(self, machine: dict[str, Any]) -> ProviderError | None:
        """The regions that it may be in and that did not answer; without a machine, any."""
        places = regions(machine, self._context.settings) if machine else list(self._failed)
        return next((self._failed[one] for one in places if one in self._failed), None)

    def requirements(self, spec: Spec) -> ProviderError | None:
        """A region that did not answer may have it already; and no limit may be too small for every type."""
        from runner.providers.aws import quotas

        blind = self.blind_spot(spec["machine"])
        small = "" if blind else quotas.too_small(self._quotas, self._tries(spec))
        hint = f"ask AWS for more: {quotas.RAISE}, or name other types or regions; runner quota shows all"
        return QuotaError(small, code="quota-too-small", hint=hint) if small else blind

    def outlooks(
        self, specs: Mapping[str, Spec], there: Mapping[str, Resource], leaving: Collection[str]
    ) -> Mapping[str, Outlook]:
        """The machine that is there, else the one that is tried first."""
        from runner.providers.aws import outlook

        del leaving
        return {name: outlook.of(spec, self._context.settings, there.get(name)) for name, spec in specs.items()}

    def _tries(self, spec: Spec) -> Iterator[tuple[str, str, Market]]:
        """(type, region, market) in the order in which `create` tries them."""
        from runner.providers.aws.wanted import markets, offers

        for market in markets(spec["machine"]):
            for one in offers(spec, self._context.settings):
                yield one.type, one.region, market

    def whereabouts(self, spec: Spec, noted: Mapping[str, Any]) -> dict[str, Any]:
        """The regions that are tried, after those that were tried before."""
        before = regions(noted, {}) if noted.get("region") else []
        return {"region": list(dict.fromkeys([*before, *regions(spec["machine"], self._context.settings)]))}

    def create(self, mark: Mark, spec: Spec) -> Machine:
        """The machine that is there, or a new one of the first type, zone and region that has one."""
        from runner.providers.aws.launch import Launch

        sought = wanted(mark, spec, self._context.settings)
        there = self._account.one(mark)
        if there is None:
            there = Launch(self._api, sought).run()
        else:
            self._account.admit(there, mark, sought.cidrs, sought.doors)
        return self._account.machine(there, key=sought.key, ends=views.end(there, sought.ttl_s))

    def ready(self, machine: Machine) -> Machine:
        """Wait until it runs and lets us in; from then on it knows how long it may live."""
        from runner.providers.aws import boot, prices

        up = boot.running(self._api, str(machine.keep["region"]), machine.id)
        ready = self._account.machine(up, key=str(machine.keep["key"]), ends=str(machine.keep.get("ends", "")))
        ready = replace(ready, rate=ready.rate or prices.rate(self._api, up))
        lifetime_s = views.lifetime_s(up, str(ready.keep.get("ends", "")))
        boot.reachable(self._account.host(up, ready.keep["key"]), self._api, up, lifetime_s)
        return ready

    def settle(self, mark: Mark, spec: Spec, machine: Mapping[str, Any]) -> None:
        """From now on only its ttl ends it; the digest is for those who cannot reach it by SSH."""
        from runner.providers.aws import userdata

        there = seen.one(self._api, machine["region"], machine["id"])
        if there is None:
            raise GoneError(f"{machine['id']} is gone", code="gone", hint="run it again")
        host = self._account.host(there, machine["key"])
        host.run(host.as_root(userdata.settle_command(ttl_s(spec)), asks=False), "")
        if there.tags.get(seen.DIGEST) != mark.digest:
            tags = [{"Key": seen.DIGEST, "Value": mark.digest}]
            self._api.call(machine["region"], "create_tags", Resources=[there.id], Tags=tags)

    def find(self, mark: Mark) -> Machine | None:
        """The machine that carries the mark, running or not."""
        there = self._account.one(mark)
        return self._account.machine(there) if there is not None else None

    def stop(self, mark: Mark) -> None:
        """Stop it and wait for AWS's word."""
        from runner.providers.aws import boot

        there = self._account.one(mark)
        if there is None or there.state == "stopped":
            return
        if reason := views.facts(there).get("cannot_stop"):
            raise InvalidRequestError(f"{there.id} cannot be stopped: {reason}", code="cannot-stop", hint="destroy it")
        boot.stopped(self._api, there)

    def destroy(self, mark: Mark) -> None:
        """Everything with this mark, in every region that may have some of it."""
        from runner.providers.aws import remove

        for region in self._account.regions():
            remove.everything(self._api, region, mark)

    def shell(self, machine: Mapping[str, Any]) -> Sequence[str]:
        """The command that opens a shell on the machine of a record."""
        return SshHost(Repo(self._context.root), str(machine["id"]), machine).command(batch=False)

    def logs(self, resource: Resource, *, follow: bool, lines: int) -> Iterator[str]:
        """`docker logs` on the machine."""
        there = seen.one(self._api, resource.facts["region"], resource.id)
        if there is None:
            raise ProviderError(f"{resource.id} is gone", code="gone", hint="see runner status")
        return observer.log(
            self._account.host(there, self._account.key_of(there.id)), resource, follow=follow, lines=lines
        )

    def offers(self, wanted: Mapping[str, Any]) -> tuple[Sequence[Offer], Sequence[ProviderError]]:
        """With the prices of now where credentials allow it, else those of the dated table."""
        from runner.providers.aws import prices

        return prices.offers(
            self._api, {**wanted, "region": wanted.get("region") or regions({}, self._context.settings)}
        )

    def quotas(self, regions: Sequence[str]) -> tuple[Sequence[Quota], Sequence[ProviderError]]:
        """Limits on vCPUs."""
        asked = self._api.each(regions or self._account.regions(), self._quotas.table)
        failures = [answer for answer in asked.values() if isinstance(answer, ProviderError)]
        return [row for answer in asked.values() if not isinstance(answer, ProviderError) for row in answer], failures

    def shortages(self, specs: Sequence[Spec]) -> Sequence[str]:
        """One call for each limit that matters; what runs is known from `list`."""
        from runner.providers.aws import quotas

        first = [next(iter(self._tries(spec)), None) for spec in specs]
        return quotas.shortages(self._quotas, [one for one in first if one], self._running)

    def checks(self) -> Sequence[Check]:
        """The tool; where files or settings name AWS, also the credentials and what they may in every region in use."""
        from runner.providers.aws import doctor

        ssh = shutil.which("ssh")
        tool = Check("ssh", bool(ssh), ssh or "not found", "" if ssh else "install openssh-client")
        used = self._context.hints or self._context.settings  # else the keys of a person are none of our business
        return (tool, *doctor.checks(self._api, self._account.regions() if used else ()))

    def _ended(self, found: Sequence[Seen]) -> Iterator[Resource]:
        gone = sorted((one for one in found if not one.there), key=lambda one: one.deployment)
        for _, group in groupby(gone, key=lambda one: one.deployment):
            yield views.ended(list(group), self.name, datetime.now(UTC))
