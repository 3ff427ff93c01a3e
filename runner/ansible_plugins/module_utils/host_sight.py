"""What a new or changed service would meet on this host: who has its ports, GPUs, disk, memory, and whether its image
can be had. Read-only and bounded. Standard library only.
"""

from __future__ import annotations

import os

from . import host_docker, host_gpu, host_os, listeners
from .docker_causes import explain
from .docker_socket import DockerError, fetch

IMAGES = 24
"""More than these are not asked for; what was not asked is not known."""
IMAGE_S = 6.0
"""For the engine to ask a registry."""
HERE, PULLABLE, LOGIN, MISSING, UNKNOWN = "here", "pullable", "login", "missing", "unknown"
ENGINE = (
    *("answers", "engine", "version", "api", "settings", "settings_error", "swarm", "installed"),
    *("runtimes", "cdi", "foreign"),
)
REPOSITORY = "slipway-repo"
NOT_FOUND = 404


def sight(wanted, repo="", engine="", ours=()):
    """`wanted`: {"ports": [[number, address]], "images": [reference], "gpu": bool}. `engine`: the socket of one that
    answers. `ours`: as `listeners.taken` takes it.

    {"memory_gb", "disk_free_gb", "gpu": {} or facts of host_gpu, "images": {reference: how it can be had}, "taken":
    [{"port", "program", "pid", "container", "free"}], "engine": {} or how the engine is set up that others use too}.
    """
    containers = _containers(engine) if engine else []
    resources = host_os.resources(folder=_root(engine))
    return {
        "memory_gb": resources["memory_gb"],
        "disk_free_gb": resources["disk_free_gb"],
        "gpu": host_gpu.facts() if wanted.get("gpu") else {},
        "images": _images(engine, wanted.get("images", ())[:IMAGES]) if engine else {},
        "taken": _taken(wanted.get("ports", ()), containers, repo, ours),
        "engine": _engine(engine) if engine and host_docker.foreign(containers) else {},
    }


def _engine(socket):
    found = host_docker.facts(socket)
    return dict({key: found[key] for key in ENGINE}, systemd=host_os.has_systemd())


def _taken(ports, containers, repo, ours):
    """Ports of containers count as theirs, whatever program holds them for the engine."""
    found = []
    published = {
        port["PublicPort"]: one for one in containers for port in one.get("Ports") or () if port.get("PublicPort")
    }
    for held in listeners.taken(ports, ours):
        container = published.get(held["port"])
        labels = (container.get("Labels") or {}) if container else {}
        if container is None or labels.get(REPOSITORY) != repo or not repo:
            found.append(dict(held, container=_name(container) if container else ""))
    return found


def _containers(engine):
    """Those that run, of everybody."""
    try:
        return fetch(engine, "/containers/json")
    except DockerError:
        return []


def _name(container):
    return str((container.get("Names") or ["?"])[0]).lstrip("/")


def _root(engine):
    """Where images go; its disk is what counts."""
    folder = "/var/lib/docker"
    return folder if engine and os.path.isdir(folder) else "/"


def _images(engine, references):
    if not references:
        return {}
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=8) as workers:
        return dict(zip(references, workers.map(lambda one: _image(engine, one), references)))


def _image(engine, reference):
    """How an image can be had: asked as the pull will ask. What is no clear answer is unknown."""
    target = _quoted(reference)
    refused = _asked(engine, "/images/%s/json" % target)
    if refused is None:
        return HERE
    if refused.status != NOT_FOUND:
        return UNKNOWN
    refused = _asked(engine, "/distribution/%s/json" % target)
    return PULLABLE if refused is None else _refusal(refused)


def _asked(engine, target):
    """Why not; None when there is an answer."""
    try:
        fetch(engine, target, IMAGE_S)
    except DockerError as error:
        return error
    return None


def _refusal(error):
    return {"registry-denied": LOGIN, "image-not-found": MISSING}.get(explain(error).code, UNKNOWN)


def _quoted(reference):
    from urllib.parse import quote

    return quote(reference, safe="/:@")
