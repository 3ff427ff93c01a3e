"""Takes everything of a deployment away, and is done when AWS says gone. Each step may be repeated."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from runner.errors import GoneError, ProviderError
from runner.providers.aws import seen
from runner.providers.aws.api import Api
from runner.providers.aws.seen import Seen
from runner.providers.base import Mark

LIMIT_S = 900.0
PAUSE_S = 2.0
REQUEST, GROUP = "spot-instances-request", "security-group"
_REMOVED = (("volume", "delete_volume", "VolumeId"), (GROUP, "delete_security_group", "GroupId"))
STILL_USED = {"dependency-violation", "volume-in-use", "incorrect-state"}


def everything(api: Api, region: str, mark: Mark, pause: Callable[[float], None] = time.sleep) -> None:
    """Requests first, or AWS would answer the end of a machine with a new one; then machines, volumes and group."""
    for request in seen.parts(api, region, REQUEST, seen.marked(mark.repo, mark.deployment)):
        api.call(region, "cancel_spot_instance_requests", SpotInstanceRequestIds=[request.id])
    found = seen.machines(api, region, mark.repo, mark.deployment)
    if requests := sorted({one.spot_request for one in found if one.there and one.spot_request}):
        _quietly(api, region, "cancel_spot_instance_requests", SpotInstanceRequestIds=requests)
    if alive := [one.id for one in found if one.there]:
        _quietly(api, region, "terminate_instances", InstanceIds=alive)
    until(lambda: not _unfinished(api, region, mark), f"the end of {', '.join(alive)} in {region}", pause)
    for kind, operation, name in _REMOVED:
        for part in seen.parts(api, region, kind, seen.marked(mark.repo, mark.deployment)):
            until(partial(_removed, api, region, operation, **{name: part.id}), f"the end of {part.id}", pause)


def group(api: Api, region: str, mark: Mark) -> None:
    """The group of a machine that was never made there. Left to the next run where something still uses it."""
    for one in seen.parts(api, region, GROUP, seen.marked(mark.repo, mark.deployment)):
        _removed(api, region, "delete_security_group", GroupId=one.id)


def until(done: Callable[[], bool], what: str, pause: Callable[[float], None], limit_s: float = LIMIT_S) -> None:
    """Wait for AWS's word. Raises ProviderError when it does not come."""
    deadline = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > deadline:
            hint = "run it again: it goes on waiting"
            raise ProviderError(f"AWS has not reported {what} within {limit_s:.0f} s", code="not-gone", hint=hint)
        pause(PAUSE_S)


def _unfinished(api: Api, region: str, mark: Mark) -> list[Seen]:
    found = seen.machines(api, region, mark.repo, mark.deployment)
    return [one for one in found if one.state != "terminated"]


def _removed(api: Api, region: str, operation: str, **arguments: Any) -> bool:
    """Whether it is gone now; not while something still uses it."""
    try:
        api.call(region, operation, **arguments)
    except GoneError:
        return True
    except ProviderError as error:
        if error.code in STILL_USED:
            return False
        raise
    return True


def _quietly(api: Api, region: str, operation: str, **arguments: Any) -> None:
    """What is gone already is what was wanted."""
    try:
        api.call(region, operation, **arguments)
    except GoneError:
        return
