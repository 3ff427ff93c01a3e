"""What keeps a deployment safe, and which of it a change lowers. Pure.

A guard that is lowered has a line of its own in every plan, whatever else changes and even when nothing else does.
Before is what was applied, or what the repository had agreed on (see `committed`) and nobody has applied yet.
"""

from __future__ import annotations

from collections.abc import Iterable

from runner import timing
from runner.domain import Committed, Desired, Guard, Record

NOTHING = Committed()


def lowered(want: Desired | None, record: Record | None, committed: Committed | None, today: str) -> tuple[Guard, ...]:
    """The guards that protect less from now on. `today` is an ISO date, UTC. Who may reach it is told apart: see
    `domain.Exposure`.
    """
    agreed = committed or NOTHING
    return (*_protect(want, record, agreed), *_hold(want, agreed, today), *_ttl(want, record, agreed))


def protected(want: Desired | None, record: Record | None, committed: Committed | None) -> bool:
    """Whether it must not be destroyed. A file that is there decides; of one that was deleted, all that was known."""
    if want is not None:
        return want.protect
    return (record is not None and record.protect) or (committed or NOTHING).protect


def _protect(want: Desired | None, record: Record | None, agreed: Committed) -> Iterable[Guard]:
    if want is not None and not want.protect and protected(None, record, agreed):
        yield Guard("protect", "true", "false")


def _hold(want: Desired | None, agreed: Committed, today: str) -> Iterable[Guard]:
    until = want.hold.until if want is not None and want.hold else ""
    if today < agreed.hold_until and until < agreed.hold_until:
        yield Guard("hold", f"until {agreed.hold_until}", f"until {until}" if until else "none")


def _ttl(want: Desired | None, record: Record | None, agreed: Committed) -> Iterable[Guard]:
    if want is None:
        return
    applied = str(record.spec.get("lifecycle", {}).get("ttl") or "") if record is not None else ""
    after = str(want.spec.get("lifecycle", {}).get("ttl") or "")
    for before in (applied, agreed.ttl):
        if before and before != after and (not after or _longer(after, before)):
            yield Guard("lifecycle.ttl", before, after or "none")
            return


def _longer(one: str, other: str) -> bool:
    return timing.seconds(one) > timing.seconds(other)
