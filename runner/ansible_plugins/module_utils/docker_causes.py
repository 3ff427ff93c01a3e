"""Says what a failure of a Docker engine means and what to do about it. Pure: texts in, texts out."""

from __future__ import annotations

import re
from typing import NamedTuple

from .docker_socket import DockerError, DockerUnreachable

PORT_TAKEN = re.compile(r":(\d+)(?:/\w+)?\b.*(?:port is already allocated|address already in use)", re.DOTALL)
GPU = ("could not select device driver", "nvidia-container-cli", "unresolvable CDI devices", "runtime name: nvidia")
NO_IMAGE = ("no such image", "manifest unknown", "manifest for", "failed to resolve reference", "does not exist")
THROTTLED = ("toomanyrequests", "too many requests")
DENIED = ("unauthorized", "authentication required", "denied: requested access", "no basic auth credentials")
UNREACHABLE = (
    "no such host",
    "connection refused",
    "i/o timeout",
    "deadline exceeded",
    "x509:",
    "network is unreachable",
)


class Cause(NamedTuple):
    """Why it failed."""

    code: str
    """Stable, kebab-case: for branching."""
    message: str
    """For readers: what, and what to do."""
    hint: str = ""
    """A command of the runner that tells more."""


def explain(error: DockerError, image: str = "") -> Cause:
    """What is behind an error that came while a container or its image was being prepared; first match wins."""
    said = error.message
    if isinstance(error, DockerUnreachable):
        return Cause("engine-unreachable", said)
    port = PORT_TAKEN.search(said)
    if port:
        fix = "choose another host port, or stop what uses it"
        return Cause("port-taken", f"port {port.group(1)} of this host is already taken; {fix}")
    if any(text in said for text in GPU):
        fix = "install the NVIDIA driver and the NVIDIA container toolkit, then restart Docker; or ask for no GPU"
        return Cause("gpu-runtime-missing", f"this Docker engine cannot give GPUs to containers ({said}); {fix}")
    if "no space left on device" in said:
        fix = "free some (docker system df shows what takes it), or give the machine a larger disk"
        return Cause("disk-full", f"the disk of this host is full ({said}); {fix}")
    return _about_image(said, image) or Cause("engine-failed", f"the Docker engine refused: {said}")


def _about_image(said: str, image: str) -> Cause | None:
    lower = said.lower()
    if any(text in lower for text in THROTTLED):
        fix = "wait, or log in to it on this host (docker login)"
        return Cause("registry-throttled", f"the registry of image {image} allows no more downloads now; {fix}")
    if any(text in lower for text in UNREACHABLE):
        fix = "check this host's network, DNS and proxy"
        return Cause("registry-unreachable", f"the registry of image {image} cannot be reached ({said}); {fix}")
    if any(text in lower for text in DENIED):
        fix = "check the name, or log in to the registry on this host (docker login)"
        return Cause("registry-denied", f"the registry does not give image {image} ({said}); {fix}")
    if any(text in lower for text in NO_IMAGE):
        fix = "check its name and tag; a private one needs docker login on this host"
        return Cause("image-not-found", f"image {image} was not found ({said}); {fix}")
    return None
