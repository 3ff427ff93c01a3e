"""Volumes that stay when their containers are gone are found by their mark, and only by it."""

from __future__ import annotations

from typing import Any

from runner import look_fields
from runner.engines import docker


def volume(name: str, deployment: str, **more: Any) -> dict[str, Any]:
    labels = {"managed-by": "slipway", "slipway-repo": "r", "slipway-deployment": deployment}
    return {"Name": name, "Labels": labels, "CreatedAt": "2026-06-01T10:00:00Z", "Driver": "local", **more}


def test_volumes_without_a_container_are_one_thing_for_each_deployment() -> None:
    volumes = [volume("r-gone-b", "gone"), volume("r-gone-a", "gone", CreatedAt="2026-05-01T10:00:00Z")]
    volumes += [volume("r-here-a", "here"), {"Name": "odd", "Labels": None, "CreatedAt": ""}]
    assert look_fields.VOLUMES(volumes) is None
    odd, gone = docker.left_behind(volumes, {"here"}, "ssh", {"host": "gpu-1"})
    assert (gone.deployment, gone.id, gone.leftover, gone.since) == (
        "gone",
        "volume:r-gone-a",
        True,
        "2026-05-01T10:00:00Z",
    )
    assert gone.detail == "without a container: r-gone-a, r-gone-b"
    assert gone.facts == {"engine": "docker", "host": "gpu-1"}
    assert odd.deployment == "?"
