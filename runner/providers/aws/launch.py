"""Makes one machine: tries what fits, cheapest first, until AWS has one. Never leaves two, never leaves half of one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.errors import CapacityError, ProviderError, QuotaError, ThrottledError
from runner.providers.aws import causes, images, keys, network, remove, seen, userdata
from runner.providers.aws.api import Api
from runner.providers.aws.images import Image
from runner.providers.aws.network import Place
from runner.providers.aws.seen import Seen
from runner.providers.aws.wanted import Wanted, tokens
from runner.providers.market import Offer

PATIENCE_S = 20.0
"""How long a machine may take to show up after AWS has said that there is one."""
TRIES = 5
"""Of one request that AWS throttles or leaves unclear."""
MISMATCH = "idempotent-parameter-mismatch"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that was tried in vain."""

    region: str
    zone: str
    type: str
    market: str
    code: str


def table(attempts: Sequence[Attempt]) -> str:
    """One line for all zones of a region where the same happened."""
    rows: dict[tuple[str, str, str, str], list[str]] = {}
    for one in attempts:
        rows.setdefault((one.type, one.market, one.region, one.code), []).append(one.zone.removeprefix(one.region))
    return ";".join(
        f"\n  {type_} {market} in {region}{' ' if any(zones) else ''}{' '.join(zones)}: {code}"
        for (type_, market, region, code), zones in rows.items()
    )


@dataclass
class Launch:
    """One search for a machine."""

    api: Api
    wanted: Wanted
    attempts: list[Attempt] = field(default_factory=list)
    pause: Callable[[float], None] = time.sleep
    _images: dict[tuple[str, str, bool], Image] = field(default_factory=dict)
    _host_key: tuple[str, str] | None = None

    def run(self) -> Seen:
        """The new machine. Raises CapacityError or QuotaError with the table of attempts when nobody has one."""
        failure: ProviderError | None = None
        for market in self.wanted.markets:
            for offer in self.wanted.offers:
                try:
                    made = self._offered(offer, market)
                except (CapacityError, QuotaError) as error:
                    failure = error
                else:
                    self._tidy(besides=offer.region)
                    return made
        self._tidy()
        raise self._in_vain(failure)

    def _tidy(self, besides: str = "") -> None:
        """Remove the groups where nothing was to be had. What cannot be removed shows as left over: a machine that was
        made elsewhere, or why there is none, matters more.
        """
        for region in dict.fromkeys(attempt.region for attempt in self.attempts if attempt.region != besides):
            with contextlib.suppress(ProviderError):
                remove.group(self.api, region, self.wanted.mark)

    def _in_vain(self, failure: ProviderError | None) -> ProviderError:
        if failure is None:
            return CapacityError("AWS has nothing that fits", code="no-capacity", hint="see: runner offers")
        kind = QuotaError if isinstance(failure, QuotaError) else CapacityError
        return kind(f"AWS has no machine for it. Tried:{table(self.attempts)}", code=failure.code, hint=failure.hint)

    def _offered(self, offer: Offer, market: str) -> Seen:
        """One type in one region: its zones one after the other."""
        failure: ProviderError = CapacityError("", code="no-capacity")
        try:
            places = network.places(
                self.api, offer.region, offer.type, subnet=self.wanted.subnet, zone=self.wanted.zone
            )
        except CapacityError as error:
            self._note(offer, "", market, error)
            raise
        for place in places:
            try:
                return self._placed(offer, place, market)
            except QuotaError as error:  # holds for the whole region
                self._note(offer, place.zone, market, error)
                raise
            except CapacityError as error:
                self._note(offer, place.zone, market, error)
                failure = error
        raise failure

    def _note(self, offer: Offer, zone: str, market: str, error: ProviderError) -> None:
        self.attempts.append(Attempt(offer.region, zone, offer.type, market, error.code))

    def _placed(self, offer: Offer, place: Place, market: str) -> Seen:
        request = self._request(offer, place, market)
        for token in tokens(self.wanted, place.zone, offer.type, market):
            made = self._asked(offer.region, {**request, "ClientToken": token})
            if made is not None and made.there:
                return made
        raise ProviderError("AWS only answers with machines that ended", code=causes.UNCLEAR, hint="wait an hour")

    def _asked(self, region: str, request: Mapping[str, Any]) -> Seen | None:
        """Ask until the answer is clear. After an unclear one look first: AWS may have done it. None: this token is
        spent on a machine with another first boot, of which nothing is left.
        """
        failure: ProviderError | None = None
        for attempt in range(TRIES):
            try:
                answer = self.api.call(region, "run_instances", attempts=1, **request)
            except ThrottledError as error:
                failure = error
                self.pause(2.0**attempt)
            except ProviderError as error:
                if error.code not in {*causes.MAY_BE_DONE, MISMATCH}:
                    raise
                failure = error
                made = self._made(
                    region, request["ClientToken"], PATIENCE_S if error.code == MISMATCH else 2.0**attempt
                )
                if made is not None:
                    return made
                if error.code == MISMATCH:
                    return None
            else:
                return seen.from_answer(answer["Instances"][0], region)
        raise failure or ProviderError("AWS was not asked", code=causes.UNCLEAR)

    def _made(self, region: str, token: str, patience_s: float) -> Seen | None:
        """The machine that an earlier request with this token has made."""
        mark, waited = self.wanted.mark, 0.0
        while True:
            found = [one for one in seen.machines(self.api, region, mark.repo, mark.deployment) if one.token == token]
            if found or waited >= patience_s:
                return found[0] if found else None
            self.pause(1.0)
            waited += 1.0

    def _request(self, offer: Offer, place: Place, market: str) -> dict[str, Any]:
        """What RunInstances is asked, but for the token."""
        wanted = self.wanted
        image = self._image(offer)
        disk = _disk(image, wanted.disk_gb)
        cidrs = wanted.cidrs or (
            network.callers_address("" if wanted.public else network.inside(place), wanted.checkip),
        )
        doors = network.ways_in(cidrs, wanted.doors)
        group = network.group(self.api, offer.region, wanted.mark, place, doors)
        persistent = market == "spot" and wanted.spot is not None and wanted.spot["type"] == "persistent"
        return {
            "ImageId": image.id,
            "InstanceType": offer.type,
            "MinCount": 1,
            "MaxCount": 1,
            "UserData": self._user_data(spot=market == "spot"),
            # A persistent request would answer a terminated machine with a new one, so that machine only stops itself.
            "InstanceInitiatedShutdownBehavior": "stop" if persistent else "terminate",
            "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "NetworkInterfaces": [
                {
                    "DeviceIndex": 0,
                    "SubnetId": place.subnet,
                    "Groups": [group],
                    "AssociatePublicIpAddress": wanted.public,
                    "DeleteOnTermination": True,
                }
            ],
            "BlockDeviceMappings": [disk],
            "TagSpecifications": list(self._tagged(market, persistent=persistent, disk_gb=disk["Ebs"]["VolumeSize"])),
            **({"InstanceMarketOptions": _spot(wanted.spot)} if market == "spot" and wanted.spot else {}),
        }

    def _image(self, offer: Offer) -> Image:
        key = (offer.region, offer.arch, bool(offer.gpu))
        if key not in self._images:
            self._images[key] = images.image(
                self.api, offer.region, offer.arch, gpu=bool(offer.gpu), ami=self.wanted.ami
            )
        return self._images[key]

    def _keys(self) -> tuple[str, str]:
        if self._host_key is None:
            self._host_key = keys.new_host_key()
        return self._host_key

    def _user_data(self, *, spot: bool) -> str:
        private, public = self._keys()
        wanted = self.wanted
        return userdata.cloud_config(
            userdata.FirstBoot(
                user=wanted.user,
                authorized_keys=(keys.public_half(wanted.key),),
                host_key_private=private,
                host_key_public=public,
                setup_limit_s=wanted.setup_limit_s,
                ttl_s=wanted.ttl_s,
                spot=spot,
            )
        )

    def _tagged(self, market: str, *, persistent: bool, disk_gb: int) -> Iterator[dict[str, Any]]:
        """The host key is among the tags: whoever finds the machine, from whichever clone, knows what to expect."""
        own = {
            seen.HOST_KEY: self._keys()[1],
            seen.USER: self.wanted.user,
            seen.DISK: str(disk_gb),
            seen.ADDRESS: "public" if self.wanted.public else "private",
            seen.MADE_FOR: self.wanted.mark.digest,
        }
        spot = {"slipway-spot": "persistent" if persistent else "one-time"} if market == "spot" else {}
        kinds = ["instance", "volume", "network-interface", *(["spot-instances-request"] if spot else [])]
        for kind in kinds:
            more = {**own, **spot} if kind == "instance" else {}
            yield {"ResourceType": kind, "Tags": seen.tags(self.wanted.mark, **more)}


def _disk(image: Image, size_gb: int) -> dict[str, Any]:
    return {
        "DeviceName": image.root_device,
        "Ebs": {
            "VolumeSize": max(size_gb, image.smallest_gb),
            "VolumeType": "gp3",
            "Encrypted": True,
            "DeleteOnTermination": True,
        },
    }


def _spot(spot: Mapping[str, Any]) -> dict[str, Any]:
    persistent = spot["type"] == "persistent"
    options = {
        "SpotInstanceType": spot["type"],
        "InstanceInterruptionBehavior": "stop" if persistent else "terminate",
        **({"MaxPrice": f"{spot['max_price']:.6f}"} if spot.get("max_price") else {}),
    }
    return {"MarketType": "spot", "SpotOptions": options}
