"""Looks at one host from inside: containers and scripts that carry the mark, and the health of their services.

Sent over SSH as text and run with the host's own Python; prints one JSON document. Standard library only, and as little
of it as can be: on a host without load, starting Python and loading modules is most of what a look takes.
"""

from __future__ import annotations

import json
import os

from .docker_socket import DockerError, fetch, socket_path
from .health_probe import HEALTHY, STARTING, UNHEALTHY, probe
from .restarts import counted
from .systemd_units import units

HEALTH_LABEL = "slipway-health"
COMPANION = "slipway-companion"
WORST = (UNHEALTHY, STARTING, HEALTHY)
TIMEOUT_S = 3.0
NOTICE = "/run/slipway/notice"
SITES = "/etc/slipway/expose"


def observe(repo, listing, wanted=None, volumes=""):
    """What there is of a repository; `listing` is where the engine lists its containers (`docker_api.listing`),
    `wanted` what is to come here, as `host_sight` takes it, `volumes` where it lists its volumes, if they matter.

    {"docker": "" or why it does not answer, "missing": no engine at all, "containers": [...], "units": [...],
    "health": {...}, "notice": what the machine has been told of its end, or "", "exposed": deployments that callers
    from outside reach, "sight": what is to come would meet, or None when nothing is, "volumes": [...] where asked for}.
    """
    found = {"docker": "", "missing": False, "containers": [], "units": units(repo)}
    found["exposed"] = _exposed(repo + ".")
    try:
        labels = {"managed-by": "slipway", "slipway-repo": repo}
        found["volumes"] = fetch(socket_path(), volumes)["Volumes"] or [] if volumes else []
        found["containers"] = counted(socket_path(), fetch(socket_path(), listing), labels)
    except DockerError as error:
        found.update(docker=str(error), missing=not _installed("dockerd"))
    found["sight"] = _sight(wanted, repo, found) if wanted else None
    return dict(found, health=_health(found["containers"], found["units"]), notice=_notice())


def _sight(wanted, repo, found):
    from . import host_sight  # travels only where something is to come

    return host_sight.sight(wanted, repo, "" if found["docker"] else socket_path())


def _notice():
    try:
        with open(NOTICE, encoding="utf-8", errors="replace") as file:
            return file.read(10000).strip()
    except OSError:
        return ""


def _installed(program):
    folders = [*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/usr/local/sbin"]
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in folders)


def _exposed(prefix):
    """The names of the proxy's sites are those of the role expose."""
    files = [file for folder in _listed(SITES) for file in _listed(os.path.join(SITES, folder))]
    ours = [file[len(prefix) :] for file in files if file.startswith(prefix)]
    return sorted({file[: -len(".json")] for file in ours if file.endswith(".json")})


def _listed(folder):
    try:
        return os.listdir(folder)
    except OSError:  # none, or a file
        return []


def _health(containers, scripts):
    """Deployment → (state, detail), of the worst of its containers."""
    checks = [(one["deployment"], "", one["health"]) for one in scripts if one["state"] == "running" and one["health"]]
    for container in containers:
        labels = container["Labels"] or {}
        if labels.get(HEALTH_LABEL) and container["State"] == "running":
            check = _check(labels[HEALTH_LABEL])
            checks.append((labels.get("slipway-deployment", ""), labels.get(COMPANION, ""), check))
    if not checks:
        return {}
    answers = _probed([check for _, _, check in checks])
    found = {}
    for (deployment, companion, _), (state, detail) in sorted(
        zip(checks, answers), key=lambda pair: (WORST.index(pair[1][0]), pair[0][1])
    ):
        if deployment not in found:
            found[deployment] = (state, f"{companion}: {detail}" if companion else detail)
    return found


def _check(label):
    """What a label says of how to probe; anybody may have written it, and then it is no check at all."""
    try:
        found = json.loads(label)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _answer(check):
    """What a probe says; of a check that is damaged, that it is."""
    try:
        return probe(check, TIMEOUT_S)
    except (KeyError, TypeError, ValueError, AttributeError):
        return UNHEALTHY, "its mark does not say how to ask it: run runner reconcile"


def _probed(checks):
    """(state, detail) of each; at once, where there are several: a service may take seconds to answer."""
    if len(checks) == 1:
        return [_answer(checks[0])]
    import threading

    answers = {}

    def ask(number, check):
        answers[number] = _answer(check)

    threads = [threading.Thread(target=ask, args=pair) for pair in enumerate(checks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[number] for number in range(len(checks))]
