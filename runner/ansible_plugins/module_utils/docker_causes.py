"""Says what a failure of a Docker engine means and what to do about it. Pure: texts in, texts out."""

from __future__ import annotations

import re
from typing import NamedTuple, Pattern

from .docker_socket import DockerError, DockerUnreachable

PORT_TAKEN = re.compile(r":(\d+)(?:/\w+)?\b.*(?:port is already allocated|address already in use)", re.DOTALL)
HTTPS = (
    r"(?:(?:get|head|post) \"?https?://|failed to (?:do request|resolve reference|fetch)|pinging container registry).*"
)
"""What Docker says first when it did not get through to a registry."""


class Known(NamedTuple):
    """A cause, by the words of Docker, of containerd or of NVIDIA's tools."""

    said: Pattern[str]
    code: str
    message: str
    """{image}, {said}: what was wanted, and what the engine said."""


def _known(said: str, code: str, message: str) -> Known:
    return Known(re.compile(said, re.IGNORECASE | re.DOTALL), code, message)


KNOWN = (
    _known(
        'could not select device driver "(?:nvidia)?"|invalid runtime name:? "?nvidia'
        '|nvidia-container-runtime(?:-hook)?"?: executable file not found',
        "gpu-runtime-missing",
        "this Docker engine cannot give GPUs to containers ({said}); install the NVIDIA driver and the NVIDIA "
        "container toolkit, then restart Docker; or ask for no GPU",
    ),
    _known(
        "unresolvable CDI devices|CDI device injection failed",
        "gpu-not-described",
        "this host has no description of the GPU that is asked for ({said}); nvidia-ctk cdi list shows those it has, "
        "and nvidia-ctk cdi generate --output=/var/run/cdi/nvidia.yaml writes them anew",
    ),
    _known(
        "nvidia-container-cli: requirement error: unsatisfied condition",
        "driver-too-old",
        (
            "the NVIDIA driver of this host is too old for image {image} ({said}); update the driver, or take an older "
            "image"
        ),
    ),
    _known(
        "nvidia-container-cli: (?:initialization error: )?(?:nvml error: |load library failed: )",
        "gpu-driver",
        "the NVIDIA driver of this host is not loaded, or does not fit its libraries ({said}); nvidia-smi says more, "
        "and after an update of the driver a reboot is needed",
    ),
    _known(
        "nvidia-container-cli: device error: .*unknown device",
        "gpu-absent",
        "this host does not have the GPU that is asked for ({said}); nvidia-smi -L lists those it has",
    ),
    _known(
        "no space left on device",
        "disk-full",
        "the disk of this host is full ({said}); free some (docker system df shows what takes it), or give the machine "
        "a larger disk",
    ),
    _known(
        "toomanyrequests|too many requests",
        "registry-throttled",
        "the registry of image {image} allows no more downloads now ({said}); wait, or give it a login under "
        "registries: in runner.yaml: with an account it allows more",
    ),
    _known(
        "x509: certificate has expired or is not yet valid",
        "registry-certificate",
        "the certificate of the registry of image {image} has expired, or the clock of this host is wrong ({said}); "
        "timedatectl shows the clock",
    ),
    _known(
        "x509:|tls: failed to verify certificate",
        "registry-certificate",
        "this host does not trust the certificate of the registry of image {image} ({said}); put its authority into "
        "/etc/docker/certs.d/HOST/ca.crt there, or the one of the proxy in between into the host's own authorities",
    ),
    _known(
        "server gave HTTP response to HTTPS client",
        "registry-certificate",
        "the registry of image {image} has no TLS ({said}); name it in docker_insecure_registries if that is meant",
    ),
    _known(
        HTTPS
        + "(?:no such host|connection refused|i/o timeout|deadline exceeded|network is unreachable|no route to host"
        "|connection reset|temporary failure in name resolution|proxyconnect|server misbehaving|eof$)",
        "registry-unreachable",
        "the registry of image {image} cannot be reached ({said}); check this host's network, DNS and proxy",
    ),
    _known(
        "no matching manifest for|does not match the specified platform",
        "image-other-machine",
        "image {image} is not made for machines of this kind ({said}); take another image, or another machine",
    ),
    _known(
        "unauthorized|authentication required|denied: requested access|no basic auth credentials|pull access denied"
        "|insufficient_scope|denied: permission_denied|(?:401|403) (?:unauthorized|forbidden)",
        "registry-denied",
        "the registry does not give image {image} ({said}); check the name, and its login under registries: "
        "in runner.yaml; docker login on the host does not count",
    ),
    _known(
        "no such image|manifest unknown|manifest for .* not found|name unknown|repository name not known to registry"
        "|failed to resolve reference .*: not found",
        "image-not-found",
        "image {image} was not found ({said}); check its name and tag",
    ),
    _known(
        "invalid reference format|repository name must be lowercase",
        "image-name",
        "{image} is no name of an image ({said})",
    ),
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
    for known in KNOWN:
        if known.said.search(said):
            return Cause(known.code, known.message.format(image=image or "that was asked for", said=said))
    return Cause("engine-failed", f"the Docker engine refused: {said}")
