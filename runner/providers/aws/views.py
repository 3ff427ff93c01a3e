"""Turns what AWS and the machines say into resources. Pure, but for what the clock is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from runner.domain import Resource
from runner.engines import docker
from runner.errors import ProviderError
from runner.providers.aws import catalogue
from runner.providers.aws.seen import ADDRESS, DIGEST, DISK, MADE_FOR, USER, Part, Seen

TAKEN = ("Server.SpotInstanceTermination", "Server.SpotInstanceShutdown")
ENDED_ITSELF = "Client.InstanceInitiatedShutdown"
FIRST_WAIT = timedelta(minutes=2)
LONGEST_WAIT = timedelta(minutes=30)
NO_STOP = "a one-time spot machine can only be terminated; spot: {type: persistent} can be stopped"
Answer = Mapping[str, Any] | ProviderError | None
"""What a machine says of itself, why it does not, or None where nobody asked."""


def resource(seen: Seen, provider: str, answer: Answer) -> Resource:
    """A machine that is there, with the service on it."""
    base = Resource(
        *(seen.deployment, provider, seen.id, "pending"),
        facts=facts(seen),
        since=seen.launched,
        detail="it is starting",
        stopped_price=_stopped_price(seen),
    )
    if seen.state in ("stopping", "stopped"):
        return replace(base, state="stopped", digest=seen.tags.get(DIGEST, ""), detail=_stopped(seen))
    if seen.state != "running" or answer is None:
        return base
    if isinstance(answer, ProviderError):
        said = f"the machine runs, but does not answer: {answer}"
        digest = seen.tags.get(DIGEST, "")
        return replace(base, state="running", digest=digest, detail=said, health="unhealthy", health_detail=said)
    if answer["docker"] and not answer["missing"]:
        digest = seen.tags.get(DIGEST, "")
        return replace(base, state="failed", digest=digest, detail=f"Docker on it does not answer: {answer['docker']}")
    return _of_service(base, seen, answer)


def _of_service(base: Resource, seen: Seen, answer: Mapping[str, Any]) -> Resource:
    found = docker.resources(answer["containers"], base.provider, health=answer["health"])
    service = next((r for r in found if r.deployment == seen.deployment), None)
    notice = answer.get("notice", "")
    if service is None:
        return replace(base, detail=notice or "the machine runs, its service was not made yet")
    state = "failed" if service.state == "stopped" else service.state
    detail = "the machine runs, but its service is stopped" if service.state == "stopped" else service.detail
    return replace(
        service,
        id=base.id,
        state=state,
        facts={**service.facts, **base.facts},
        detail=notice or detail,
        health="unhealthy" if notice else service.health,
        health_detail=notice or service.health_detail,
        stopped_price=base.stopped_price,
    )


def _is_number(tag: str) -> bool:
    """Anybody may write tags, and Python takes more for digits than it reads."""
    return tag.isascii() and tag.isdigit() and len(tag) < 7  # noqa: PLR2004 - GB


def _stopped_price(seen: Seen) -> dict[str, Any] | None:
    """Its disk, which is paid for until it is removed."""
    size = seen.tags.get(DISK, "")
    return catalogue.stopped({"region": seen.region}, float(size)) if _is_number(size) else None


def facts(seen: Seen) -> dict[str, Any]:
    """What plan, status and prices want to know; under the names of the options, so that one that spells out what is
    there replaces nothing.
    """
    size = seen.tags.get(DISK, "")
    found = {
        "engine": "docker",
        "type": seen.type,
        "region": seen.region,
        "zone": seen.zone,
        "address": seen.tags.get(ADDRESS, ""),
        "user": seen.tags.get(USER, ""),
        "disk_gb": int(size) if _is_number(size) else 0,
        "made_for": seen.tags.get(MADE_FOR, ""),
        "machine_runs": seen.state in ("pending", "running", "stopping"),
    }
    if not seen.spot:
        return found
    persistent = bool(seen.tags.get("slipway-spot") == "persistent")
    kind = "persistent" if persistent else "one-time"
    return {**found, "spot": {"type": kind}, **({} if persistent else {"cannot_stop": NO_STOP})}


def ended(seen: Sequence[Seen], provider: str, now: datetime) -> Resource:
    """Machines of one deployment that ended by themselves within the last hour: why, and when to try again."""
    last = max(seen, key=lambda one: one.launched)
    taken = [one for one in seen if one.reason_code in TAKEN]
    found = Resource(last.deployment, provider, last.id, "gone", detail=_why_ended(last), since=last.launched)
    if len(taken) < 2:  # noqa: PLR2004 - once is bad luck, and nobody waits for that
        return found
    wait = min(FIRST_WAIT * 2 ** (len(taken) - 2), LONGEST_WAIT)
    due = max(map(_ended_at, taken)) + wait
    often = f"{found.detail}, {len(taken)} times within the hour"
    until = f"the next try is at {due:%H:%M} UTC" if due > now else ""
    return replace(found, detail=often, facts={"wait": until})


def end(seen: Seen, ttl_s: int) -> str:
    """When its ttl is over, as ISO time; empty when it has none."""
    if not ttl_s:
        return ""
    return (datetime.fromisoformat(seen.born) + timedelta(seconds=ttl_s)).isoformat(timespec="seconds")


def lifetime_s(seen: Seen, ends: str) -> int:
    """Its ttl, from what `end` said; 0 when it has none."""
    return int((datetime.fromisoformat(ends) - datetime.fromisoformat(seen.born)).total_seconds()) if ends else 0


def leftover(part: Part, provider: str) -> Resource:
    """A part whose machine is not there."""
    detail = f"a {part.kind.replace('-', ' ')} without its machine"
    return Resource(
        *(part.deployment, provider, part.id, "stopped"),
        facts={"region": part.region},
        detail=detail,
        leftover=True,
        stopped_price=None if part.kind == "volume" else {"hourly": 0.0},  # its size is not known
    )


def _stopped(seen: Seen) -> str:
    if seen.state == "stopping":
        return "it is stopping"
    return f"AWS stopped it: {seen.reason}" if seen.reason_code.startswith("Server.") else ""


def _why_ended(seen: Seen) -> str:
    if seen.reason_code in TAKEN:
        return f"AWS took the spot machine {seen.id} back"
    if seen.reason_code == ENDED_ITSELF:
        return f"{seen.id} ended itself: its time was over, it was not finished in time, or somebody switched it off"
    return f"{seen.id} ended: {seen.reason or 'AWS gives no reason'}"


def _ended_at(seen: Seen) -> datetime:
    """AWS puts the moment into a text, `… (2026-06-15 10:11:12 GMT)`; where it does not, the launch must do."""
    _, _, stamp = seen.since.rpartition("(")
    try:
        return datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S GMT)").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromisoformat(seen.launched)
