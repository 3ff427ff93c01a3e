"""Looks at one host from inside: containers and scripts that carry the mark, and the health of their services.

Sent over SSH as text and run with the host's own Python; prints one JSON document. Standard library only.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

from .docker_api import Docker
from .docker_socket import DockerError
from .health_probe import HEALTHY, STARTING, UNHEALTHY, probe
from .systemd_units import units

HEALTH_LABEL = "slipway-health"
COMPANION = "slipway-companion"
WORST = (UNHEALTHY, STARTING, HEALTHY)
TIMEOUT_S = 3.0
NOTICE = "/run/slipway/notice"


def observe(labels):
    """{"docker": "" or why it does not answer, "missing": no engine at all, "containers": [...], "units": [...],
    "health": {...}, "notice": what the machine has been told of its end, or "", "exposed": deployments that callers
    from outside reach}.
    """
    found = {"docker": "", "missing": False, "containers": [], "units": units(labels["slipway-repo"])}
    found["exposed"] = _exposed(labels["slipway-repo"] + ".")
    try:
        found["containers"] = Docker().containers(labels)
    except DockerError as error:
        found.update(docker=str(error), missing=shutil.which("dockerd") is None)
    return dict(found, health=_health(found["containers"], found["units"]), notice=_notice())


def _notice():
    try:
        with open(NOTICE) as file:
            return file.read().strip()
    except OSError:
        return ""


def _exposed(prefix):
    """The names of the proxy's sites are those of the role expose."""
    paths = glob.glob("/etc/slipway/expose/*/%s*.json" % prefix)
    return sorted({os.path.basename(path)[len(prefix) : -len(".json")] for path in paths})


def _health(containers, scripts):
    """Deployment → (state, detail), of the worst of its containers."""
    checks = [(one["deployment"], "", one["health"]) for one in scripts if one["state"] == "running" and one["health"]]
    for container in containers:
        labels = container["Labels"]
        if labels.get(HEALTH_LABEL) and container["State"] == "running":
            checks.append((labels["slipway-deployment"], labels.get(COMPANION, ""), json.loads(labels[HEALTH_LABEL])))
    if not checks:
        return {}
    with ThreadPoolExecutor(max_workers=min(16, len(checks))) as pool:
        answers = list(pool.map(lambda check: probe(check[2], TIMEOUT_S), checks))
    found = {}
    for (deployment, companion, _), (state, detail) in sorted(
        zip(checks, answers), key=lambda pair: (WORST.index(pair[1][0]), pair[0][1])
    ):
        if deployment not in found:
            found[deployment] = (state, f"{companion}: {detail}" if companion else detail)
    return found
