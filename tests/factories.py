"""The nouns of `runner.domain`, ready made: a test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runner import locks
from runner.digest import digest
from runner.domain import Desired, Observation, Record, Resource
from runner.locks import Lease

TODAY = "2026-06-15"
PRICE = {"hourly": 0.5, "currency": "USD", "source": "list", "as_of": "2026-06-01"}


def spec(**overrides: Any) -> dict[str, Any]:
    """A small spec with every key of a real one."""
    return {
        "template": "jupyter",
        "provider": ["local"],
        "machine": {"engine": "auto"},
        "params": {"model": "small"},
        "env": {},
        "secrets": {"password": "generate"},
        "ports": {"web": 8888},
        "access": {"expose": "tunnel", "auth": "token"},
        "owner": "team",
        "labels": {},
        "role": "service",
        "service": {
            "image": "example/app:1",
            "command": ["serve"],
            "env": {"TOKEN": {"secret_parts": ["Bearer ", {"secret": "password"}]}},
            "ports": {"web": {"bind": "127.0.0.1", "host": 8888, "container": 80, "protocol": "http"}},
            "health": {"port": "web", "path": "/", "status": 200, "timeout_s": 60},
        },
        **overrides,
    }


def desired(name: str = "web", **overrides: Any) -> Desired:
    """A running deployment on `local`. The digest follows from the spec unless it is given."""
    wanted = overrides.pop("spec", None) or spec()
    return Desired(
        **{
            "name": name,
            "file": f"deployments/{name}.yaml",
            "state": "running",
            "providers": tuple(wanted["provider"]),
            "spec": wanted,
            "digest": digest(wanted),
            "fixed": ("machine.engine",),
            "place": "local",
            "price": PRICE,
            **overrides,
        }
    )


def record(want: Desired | None = None, **overrides: Any) -> Record:
    """The record after `want` was applied."""
    want = want or desired()
    finished = Record(
        deployment=want.name,
        provider=want.providers[0],
        state="running",
        digest=want.digest,
        spec=want.spec,
        machine={"id": "process", "address": "127.0.0.1", "engine": "process"},
        endpoints={"web": {"url": "http://127.0.0.1:8888", "host": "127.0.0.1", "port": 8888, "protocol": "http"}},
        protect=want.protect,
        price=want.price,
        owner=want.owner,
        file=want.file,
        repo="test",
    )
    return replace(finished, **overrides)


def resource(want: Desired | None = None, **overrides: Any) -> Resource:
    """The running resource of `want`."""
    want = want or desired()
    marked = Resource(want.name, want.providers[0], f"id-{want.name}", "running", want.digest)
    found = replace(marked, facts={"engine": "process"}, since="2026-06-14")
    return replace(found, **overrides)


def seen(
    want: Desired | None = None,
    *,
    health: Any = "healthy",
    said: str = "",
    rotated: tuple[str, ...] = (),
    **overrides: Any,
) -> Observation:
    """One resource of `want`, healthy unless told otherwise."""
    found = resource(want, **overrides)
    return Observation(found.deployment, (found,), health=health, health_detail=said, rotated=rotated)


def nothing(name: str = "web") -> Observation:
    """Looked for, and proven absent."""
    return Observation(name)


def lease(name: str = "web", run: str = "mine", **overrides: Any) -> Lease:
    """A lease of this process."""
    return replace(locks.new(name, run=run, purpose="runner reconcile"), **overrides)
