"""Waits for a machine: until it runs, until it lets us in, until it is stopped. For AWS's word, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

from runner.errors import CapacityError, ProviderError, QuotaError
from runner.providers.aws import remove, seen, userdata
from runner.providers.aws.api import Api
from runner.providers.aws.seen import Seen
from runner.providers.ssh.client import SshHost

RUN_LIMIT_S = 600.0
LOGIN_LIMIT_S = 600.0
PAUSE_S = 2.0
STARTS_BY_ITSELF = {"incorrect-spot-request-state", "incorrect-instance-state"}
"""AWS stopped a persistent spot machine and starts it again when it can, or somebody else has just done so."""
UP = (
    "sh -c 'command -v cloud-init >/dev/null || exit 0; "
    'case "$(cloud-init status 2>/dev/null)" in *running*|*"not run"*) exit 75;; esac\''
)
"""Says whether the first boot is over: until then it may still hold the lock of the package manager."""


def running(api: Api, region: str, machine: str, pause: Callable[[float], None] = time.sleep) -> Seen:
    """The machine once it runs and has an address; it is started when it is stopped.

    Raises CapacityError, QuotaError when AWS ends a new one for want of room, ProviderError when it cannot be started
    or takes too long.
    """
    deadline = time.monotonic() + RUN_LIMIT_S
    last: Seen | None = None
    while time.monotonic() < deadline:
        last = seen.one(api, region, machine) or last
        if last is not None and last.state == "running" and last.address:
            return last
        if last is not None and last.state in seen.ENDED:
            raise _ended(last)
        if last is not None and last.state == "stopped":
            _start(api, last)
        pause(PAUSE_S)
    state = last.state if last is not None else "not known to AWS"
    message = f"{machine} does not run after {RUN_LIMIT_S:.0f} s: it is {state}"
    raise ProviderError(message, code="not-running", hint="run it again: it goes on waiting")


def _start(api: Api, machine: Seen) -> None:
    """Its own error where there is no room: the machine is still there, and no other one must be made for it."""
    try:
        api.call(machine.region, "start_instances", attempts=1, InstanceIds=[machine.id])
    except (CapacityError, QuotaError) as error:
        hint = "run it again later; or destroy it and let it be made anew elsewhere, which loses its data"
        raise ProviderError(f"{machine.id} cannot be started now: {error}", code=error.code, hint=hint) from error
    except ProviderError as error:
        if error.code not in STARTS_BY_ITSELF:
            raise


def reachable(
    host: SshHost, api: Api, machine: Seen, lifetime_s: int, pause: Callable[[float], None] = time.sleep
) -> None:
    """Returns when the machine lets us in with the host key that we gave it, its first boot is over, and it knows how
    long it may live: one that is started again after its time ends within minutes.
    """
    deadline = time.monotonic() + LOGIN_LIMIT_S
    while True:
        try:
            host.run(UP, "")
        except ProviderError as error:
            failure = error
        else:
            host.run(host.as_root(userdata.ttl_command(lifetime_s), asks=False), "")
            return
        if time.monotonic() > deadline:
            break
        pause(PAUSE_S)
    now = seen.one(api, machine.region, machine.id)
    if now is None or now.state in seen.ENDED:
        raise _ended(now or machine)
    hint = f"{failure.hint} Its boot log: aws ec2 get-console-output --latest --instance-id {machine.id}"
    raise ProviderError(f"{machine.id} runs, but: {failure}", code=failure.code, hint=hint)


def stopped(api: Api, machine: Seen, pause: Callable[[float], None] = time.sleep) -> None:
    """Stop it and return when AWS says stopped, or gone."""
    if machine.state != "stopping":
        api.call(machine.region, "stop_instances", InstanceIds=[machine.id])

    def done() -> bool:
        now = seen.one(api, machine.region, machine.id)
        return now is None or now.state in ("stopped", *seen.ENDED)

    remove.until(done, f"{machine.id} as stopped", pause)


def _ended(machine: Seen) -> ProviderError:
    """Why a machine ended that was to run."""
    message = f"{machine.id} ended at once: {machine.reason_code}: {machine.reason}"
    if "Capacity" in machine.reason_code or "Spot" in machine.reason_code:
        return CapacityError(message, code="no-capacity", hint="run it again, or name more regions or types")
    if "LimitExceeded" in machine.reason_code:
        return QuotaError(message, code="quota", hint="ask AWS for more under Service Quotas")
    return ProviderError(message, code="machine-ended", hint="run it again; if it ends again, look at its boot log")
