"""For tests: the lab, or a skip that says why there is none here."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from runner.ansible_plugins.module_utils.docker_api import Docker
from tests.lab import engine, images, registry
from tests.lab.host import LabError, locked
from tests.lab.hosts import Flavour, ensure
from tests.lab.machine import Host


def image(name: str) -> str:
    """The reference of a lab image that is there, on an engine that answers; both are made when missing."""
    try:
        with locked():
            engine.start()
            images.ensure(name)
    except LabError as error:
        pytest.skip(f"no lab: {error}")
    return images.reference(name)


def hosts(*names: str, flavour: Flavour = "host") -> list[Host]:
    """Hosts that run; they are made when missing, and stay for the next test that asks for them."""
    try:
        return ensure(names, flavour)
    except LabError as error:
        pytest.skip(f"no lab: {error}")


def pullable(*names: str) -> list[str]:
    """References by which hosts pull these images of the lab from its registry."""
    try:
        return registry.ensure(*names)
    except LabError as error:
        pytest.skip(f"no lab: {error}")


@contextlib.contextmanager
def mark() -> Iterator[dict[str, Any]]:
    """Labels that nobody else has; what carries them is removed at the end."""
    labels = {
        "managed-by": "slipway",
        "slipway-repo": f"lab-{uuid.uuid4().hex[:8]}",
        "slipway-deployment": "web",
        "slipway-digest": "d1",
    }
    try:
        yield labels
    finally:
        docker, mine = Docker(), {"slipway-repo": labels["slipway-repo"]}
        for container in docker.containers(mine):
            docker.remove(container["Id"], force=True, volumes=True)
        for volume in docker.volumes(mine):
            docker.remove_volume(volume["Name"])
