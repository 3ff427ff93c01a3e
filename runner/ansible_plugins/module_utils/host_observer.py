"""Looks at one host from inside: containers that carry the mark, and the health of their services.

Sent over SSH as text and run with the host's own Python; prints one JSON document. Standard library only.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

from .docker_api import Docker
from .docker_socket import DockerError
from .health_probe import probe

HEALTH_LABEL = "slipway-health"
TIMEOUT_S = 3.0
NOTICE = "/run/slipway/notice"


def observe(labels):
    """{"docker": "" or why it does not answer, "missing": no engine at all, "containers": [...], "health": {...},
    "notice": what the machine has been told of its end, or ""}.
    """
    found = {"docker": "", "missing": False, "containers": [], "health": {}, "notice": _notice()}
    try:
        containers = Docker().containers(labels)
    except DockerError as error:
        return dict(found, docker=str(error), missing=shutil.which("dockerd") is None)
    return dict(found, containers=containers, health=_health(containers))


def _notice():
    try:
        with open(NOTICE) as file:
            return file.read().strip()
    except OSError:
        return ""


def _health(containers):
    checks = {}
    for container in containers:
        label = container["Labels"].get(HEALTH_LABEL)
        if label and container["State"] == "running":
            checks[container["Labels"]["slipway-deployment"]] = json.loads(label)
    if not checks:
        return {}
    with ThreadPoolExecutor(max_workers=min(16, len(checks))) as pool:
        answers = pool.map(lambda check: probe(check, TIMEOUT_S), checks.values())
        return dict(zip(checks, answers))
