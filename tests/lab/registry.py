"""A registry with a name, https and the lab's images, so that hosts pull as they would outside."""

from __future__ import annotations

import json
import ssl
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.lab import engine, images, network
from tests.lab.host import LabError, cache, locked, need, run

HOSTNAME = "registry.lab"
PORT = 5000
CONTAINER = "slipway-lab-registry"  # the name of its volume as well
PATIENCE_S = 20


def ensure(*names: str) -> list[str]:
    """The registry runs and has these images of the lab; what hosts call them. Both are made when missing."""
    with locked():
        engine.start()
        images.ensure("registry")
        _start()
        for name in names:
            images.ensure(name)
            _push(name)
    return [reference(name) for name in names]


def reference(name: str) -> str:
    """What a host writes after `image:` to pull an image of the lab."""
    return f"{HOSTNAME}:{PORT}/{images.reference(name)}"


def remove() -> str:
    """Remove the registry; what was done, as a sentence. The volume stays, so that nothing is pushed twice."""
    if not _state():
        return "there is no registry"
    run("docker", "rm", "--force", CONTAINER)
    return "registry removed"


def certificate() -> Path:
    """The certificate of the registry, which is its own authority. Hosts trust it. Made once, kept in the cache."""
    public, private = cache() / "registry.crt", cache() / "registry.key"
    if not public.exists() or not private.exists():
        need("openssl")
        subject = ["-subj", f"/CN={HOSTNAME}", "-addext", f"subjectAltName=DNS:{HOSTNAME},IP:127.0.0.1"]
        algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"]
        run("openssl", "req", "-x509", "-batch", *algorithm, *subject, "-keyout", private, "-out", public)
    return public


def _state() -> str:
    return run("docker", "ps", "--all", "--filter", f"name=^{CONTAINER}$", "--format", "{{.State}}").strip()


def _start() -> None:
    state = _state()
    if not state:
        _create()
    if state != "running":
        run("docker", "start", CONTAINER)
        _wait()


def _create() -> None:
    subnet = network.ensure()
    run(
        *("docker", "create", "--name", CONTAINER, "--restart=unless-stopped"),
        *("--network", network.NAME, "--ip", network.registry(subnet), "--network-alias", HOSTNAME),
        *("--volume", f"{CONTAINER}:/data", "--publish", f"127.0.0.1::{PORT}"),
        *("--env", "REGISTRY_HTTP_TLS_CERTIFICATE=/certificates/registry.crt"),
        *("--env", "REGISTRY_HTTP_TLS_KEY=/certificates/registry.key", images.reference("registry")),
    )
    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for file in (certificate(), certificate().with_suffix(".key")):
                tar.add(file, f"certificates/{file.name}")
        archive.seek(0)
        run("docker", "cp", "-", f"{CONTAINER}:/", stdin=archive)


def _push(name: str) -> None:
    image = run("docker", "image", "inspect", "--format", "{{.Id}}", images.reference(name)).strip()
    if _has(name) == image:
        return
    here = f"{_address()}/{images.reference(name)}"  # on the loopback address, Docker asks for no trust
    run("docker", "tag", images.reference(name), here)
    run("docker", "push", "--quiet", here)
    run("docker", "rmi", here)


def _has(name: str) -> str:
    """The id of the image that the registry has under this name; empty when it has none."""
    repository, _, tag = images.reference(name).partition(":")
    try:
        manifest: dict[str, dict[str, str]] = json.loads(_get(f"{repository}/manifests/{tag}"))
    except urllib.error.HTTPError:
        return ""
    return manifest["config"]["digest"]


def _wait() -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            _get("")
        except OSError as error:
            if time.monotonic() > deadline:
                raise LabError(f"the registry does not come up: {error}; see `docker logs {CONTAINER}`") from error
            time.sleep(0.1)
        else:
            return


def _get(path: str) -> bytes:
    request = urllib.request.Request(f"https://{_address()}/v2/{path}")
    request.add_header("Accept", "application/vnd.docker.distribution.manifest.v2+json")
    context = ssl.create_default_context(cafile=certificate())
    with urllib.request.urlopen(request, timeout=5, context=context) as answer:
        content: bytes = answer.read()
    return content


def _address() -> str:
    """Where this machine reaches the registry."""
    return run("docker", "port", CONTAINER, f"{PORT}/tcp").split()[0]
