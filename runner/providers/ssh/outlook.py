"""Which host of the pool each deployment of a plan gets, and what it meets there: as `create` will decide. Pure but for
looks that were taken already.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from runner.domain import Record, Resource, Spec
from runner.errors import CapacityError, ProviderError
from runner.providers.outlook import Outlook
from runner.providers.ssh import pool
from runner.providers.ssh.fleet import Fleet, inline_name

NO_HOST = "free one, or add one"


class Outlooks:
    """The deployments of one plan, one after the other: each sees what those before it will take."""

    def __init__(self, fleet: Fleet, neighbours: Collection[Record], leaving: Collection[str]) -> None:
        self._fleet = fleet
        self._leaving = leaving
        self._used = {record.deployment: record for record in neighbours}
        self._pool = {name: fleet.hosts[name] for name in fleet.pool if fleet.blindness(name) is None}

    def of(self, name: str, spec: Spec, there: Resource | None) -> Outlook:
        """Where it will be; from then on that is taken."""
        own = self._used.pop(name, None)
        current = str((there.facts.get("host") if there else "") or (own.machine.get("host", "") if own else ""))
        host, chosen, obstacle, warning = self._host(spec, current)
        if not host or obstacle is not None:
            return Outlook(obstacle=obstacle, host=host, place=f"host {host}" if host else "")
        had = own.machine.get("gpu_ids", ()) if own is not None and own.machine.get("host") == host else ()
        gpus = pool.gpu_ids(host, self._fleet.hosts[host], spec, self._used.values(), had)
        self._used[name] = Record(name, "ssh", "running", "", spec, {"host": host, "gpu_ids": list(gpus)})
        engine = "systemd" if spec["service"].get("script") else "docker"
        silent = self._fleet.silence(host) is not None
        return Outlook(
            place=f"host {host}",
            host=host,
            engine=engine,
            gpus=_gpus(self._fleet.hosts[host], spec, gpus),
            prepared=True,
            adopts=bool(self._fleet.hosts[host].get("adopt_engine")),
            chosen=chosen,
            warning=warning,
            sight={} if silent else self._fleet.seen(host).get("sight") or {},
        )

    def _host(self, spec: Spec, current: str) -> tuple[str, bool, ProviderError | None, str]:
        """(host, whether it is one of several, why it cannot be, what may keep it)."""
        machine = spec["machine"]
        if named := str(machine.get("host") or (inline_name(machine) if machine.get("address") else "")):
            return self._named(named, spec)
        if current in self._fleet.hosts and current not in self._pool:
            return current, False, None, ""
        taken, staying = [*self._used.values()], [r for n, r in self._used.items() if n not in self._leaving]
        name, reasons = pool.choose(self._pool, spec, taken, current)
        if name:
            return name, name != current and len(self._pool) > 1, None, ""
        later, _ = pool.choose(self._pool, spec, staying, current)
        why = "; ".join(f"{host} {reason}" for host, reason in sorted(reasons.items()) if reason)
        if later:
            return later, True, None, f"fits on {later} only once what this plan removes is gone"
        if len(self._pool) < len(self._fleet.pool):  # one that does not answer now may do so later
            return "", False, None, ""
        return "", False, CapacityError(f"no host of the pool fits: {why}", code="no-host", hint=NO_HOST), ""

    def _named(self, name: str, spec: Spec) -> tuple[str, bool, ProviderError | None, str]:
        if name not in self._fleet.pool:
            return name, False, None, ""
        host, used = self._fleet.hosts[name], self._used
        reason = pool.misfit(name, host, spec, used.values())
        if not reason:
            return name, False, None, ""
        if not pool.misfit(name, host, spec, [r for n, r in used.items() if n not in self._leaving]):
            return name, False, None, f"fits on {name} only once what this plan removes is gone"
        hint = "free it, or name another host"
        return name, False, CapacityError(f"{name} {reason}", code="host-full", hint=hint), ""


def _gpus(host: Mapping[str, Any], spec: Spec, ids: Collection[str]) -> str:
    count = pool.gpus_of(spec, host)
    which = f" (number {', '.join(ids)})" if ids else ""
    return f"{count} × {host.get('gpu') or 'GPU'}{which}" if count else ""
