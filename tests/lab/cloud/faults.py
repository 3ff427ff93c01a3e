"""Which calls go wrong, and how; and what was called."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LOST = "lost"
"""The connection closes without an answer."""
SILENCE = "silence"
"""Nothing is ever said, until the client gives up."""

STATUS = {
    "InsufficientInstanceCapacity": 500,
    "RequestLimitExceeded": 503,
    "Unavailable": 503,
    "InternalError": 500,
    "AuthFailure": 401,
    "UnauthorizedOperation": 403,
    "AccessDenied": 403,
    "AccessDeniedException": 400,
}
"""HTTP status by error code, as AWS has it; 400 for all others."""
MESSAGES = {
    "InsufficientInstanceCapacity": "We currently do not have sufficient capacity in the Availability Zone.",
    "VcpuLimitExceeded": "You have requested more vCPU capacity than your current vCPU limit of 0 allows.",
    "MaxSpotInstanceCountExceeded": "Max spot instance count exceeded",
    "RequestLimitExceeded": "Request limit exceeded.",
    "AuthFailure": "AWS was not able to validate the provided access credentials",
    "UnauthorizedOperation": "You are not authorized to perform this operation.",
    "AccessDeniedException": "User is not authorized to perform this operation",
    "ExpiredToken": "The security token included in the request is expired",
}


@dataclass(frozen=True)
class Call:
    """One request that came in, and what it was answered."""

    service: str
    """As in the signature: ec2, sts, ssm, servicequotas, pricing."""
    action: str
    region: str
    params: Mapping[str, str]
    """As sent: `InstanceType`, `TagSpecification.1.Tag.1.Key`; the top level of JSON bodies."""
    status: int = 0
    """HTTP status; 0: no answer."""
    error: str = ""
    """Code of the error; empty when it worked."""


class Calls(list[Call]):
    """In the order in which they were answered."""

    def of(self, action: str, *, region: str = "") -> list[Call]:
        """Those of one action."""
        return [call for call in list(self) if call.action == action and region in ("", call.region)]

    def actions(self) -> set[str]:
        """`ec2:RunInstances`, …"""
        return {f"{call.service}:{call.action}" for call in list(self)}


@dataclass
class Fault:
    """One rule; the first that matches is used."""

    action: str
    code: str
    times: int | None
    after_success: bool
    message: str
    service: str = ""
    match: Mapping[str, str] = field(default_factory=dict)

    def fits(self, call: Call) -> bool:
        """Parameters that the rule does not name may be anything; `region` is one of them."""
        params = {**call.params, "region": call.region}
        return (
            self.times != 0
            and self.action in ("*", call.action)
            and self.service in ("", call.service)
            and all(params.get(name) == value for name, value in self.match.items())
        )


class Faults:
    """What goes wrong, until it is used up or cleared."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._lock = threading.Lock()

    def add(  # noqa: PLR0913 - each has a name at the call
        self,
        action: str,
        code: str,
        *,
        times: int | None = 1,
        after_success: bool = False,
        match: Mapping[str, str] | None = None,
        message: str = "",
        service: str = "",
    ) -> None:
        """The next `times` calls (None: all) of an action (`*`: any) end with this code, LOST or SILENCE.

        `after_success`: what was asked for is done first. `match`: only where these parameters are sent, or `region`.
        """
        text = message or MESSAGES.get(code, f"{code}, because a test asked for it")
        with self._lock:
            self._rules.append(Fault(action, code, times, after_success, text, service, dict(match or {})))

    def deny(self, *permissions: str) -> None:
        """Take permissions away, e.g. `ec2:RunInstances`."""
        for permission in permissions:
            service, _, action = permission.partition(":")
            code = "UnauthorizedOperation" if service == "ec2" else "AccessDeniedException"
            message = f"You are not authorized to perform: {permission}"
            self.add(action, code, times=None, message=message, service=service)

    def clear(self, actions: Iterable[str] = ()) -> None:
        """Everything works again, or these actions do."""
        with self._lock:
            kept = set(actions)
            self._rules = [rule for rule in self._rules if kept and rule.action not in kept]

    def take(self, call: Call) -> Fault | None:
        """The rule for this call; one of its times is used up."""
        with self._lock:
            rule = next((rule for rule in self._rules if rule.fits(call)), None)
            if rule is not None and rule.times is not None:
                rule.times -= 1
            return rule
