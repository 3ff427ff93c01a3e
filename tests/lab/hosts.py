"""Hosts that behave like rented machines: systemd, sshd with keys of their own, sudo, an address that stays.

`ensure` gives them; the other functions do what a provider's console does, or what goes wrong with machines.
"""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.lab import delivery, engine, images, network, registry
from tests.lab.host import LabError, locked, run
from tests.lab.machine import Host, console, container, key
from tests.lab.trouble import (
    break_docker,
    change_host_key,
    cut,
    fill_disk,
    free_disk,
    hold_apt_lock,
    pause,
    release_apt_lock,
    uncut,
    unpause,
)

__all__ = [
    "Flavour",
    "Host",
    "break_docker",
    "change_host_key",
    "console",
    "cut",
    "ensure",
    "existing",
    "fill_disk",
    "free_disk",
    "hold_apt_lock",
    "pause",
    "release_apt_lock",
    "remove",
    "reset",
    "restart",
    "status",
    "stop",
    "uncut",
    "unpause",
]

Flavour = Literal["host", "host-docker"]  # the images
LABEL = "slipway-lab-host"
PATIENCE_S = 120
WATCHES = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH_WATCHES = 1024

# --privileged is refused where CAP_SYS_RESOURCE is missing; this is enough for systemd and for an engine inside.
RIGHTS = (
    *("--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--security-opt=seccomp=unconfined"),
    *("--security-opt=apparmor=unconfined", "--security-opt=systempaths=unconfined"),
    *("--tmpfs=/run", "--tmpfs=/tmp", "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw"),
)


@dataclass(frozen=True)
class _Made:
    """A host's container, running or not."""

    name: str
    flavour: str
    source: str
    address: str
    state: str


def ensure(names: Sequence[str], flavour: Flavour = "host") -> list[Host]:
    """Hosts that run, in the order of `names`: made, started or left as they are.

    One of the other flavour, or of an image that has changed since, is made anew.
    """
    with locked():
        engine.start()
        _let_many_boot()
        made, source, subnet = _made(), images.source(flavour), network.ensure()
        if missing := [name for name in names if name not in made or made[name].source != source]:
            images.ensure(flavour)
        for name in missing:
            address = made[name].address if name in made else network.free(subnet, [m.address for m in made.values()])
            _replace(name, flavour, address)
            made[name] = _Made(name, flavour, source, address, "running")
        for name in names:
            if made[name].state == "paused":
                run("docker", "unpause", container(name))
            elif made[name].state != "running":
                run("docker", "start", container(name))
    return _ready([made[name] for name in names])


def reset(name: str, flavour: Flavour | None = None) -> Host:
    """A new machine at the same address: nothing of the old one is left, the host key is another."""
    with locked():
        old = _existing(name)
        images.ensure(flavour or old.flavour)
        _replace(name, flavour or old.flavour, old.address)
    return _ready([old])[0]


def restart(name: str) -> Host:
    """Reboot, and wait until it is back. `sudo reboot` on the host does the same."""
    run("docker", "restart", "--time", "20", container(name))
    return _ready([_existing(name)])[0]


def stop(name: str) -> None:
    """Power off. `ensure` starts it again."""
    run("docker", "stop", "--time", "20", container(name))


def remove(*names: str) -> list[str]:
    """Remove hosts, all of them when none is named; the names of those that were there."""
    with locked():
        gone = sorted(_made().keys() & set(names or _made()))
        for name in gone:
            _remove(name)
        if old := _volumes(*gone):
            run("docker", "volume", "rm", "--force", *old)
    return gone


def existing() -> list[Host]:
    """The hosts that run, of whichever flavour."""
    return _ready([host for _, host in sorted(_made().items()) if host.state == "running"])


def status() -> Iterator[str]:
    """One line per host."""
    for host in sorted(_made().values(), key=lambda host: host.name):
        yield f"{host.flavour} {host.address} is {host.name}, {host.state}"


def _let_many_boot() -> None:
    """Every systemd takes some watches of the kernel that all share; where they run out, a host never finishes booting.

    Without the right to change that, a few hosts still boot.
    """
    if int(WATCHES.read_text()) < ENOUGH_WATCHES:
        with contextlib.suppress(OSError):
            WATCHES.write_text(f"{ENOUGH_WATCHES}\n")


def _made() -> dict[str, _Made]:
    labels = (LABEL, *(f"{LABEL}-{name}" for name in ("flavour", "source", "address")))
    form = ",".join(f'{{{{.Label "{label}"}}}}' for label in labels) + ",{{.State}}"
    lines = run("docker", "ps", "--all", "--filter", f"label={LABEL}", "--format", form).splitlines()
    return {line.partition(",")[0]: _Made(*line.split(",")) for line in lines}


def _existing(name: str) -> _Made:
    if found := _made().get(name):
        return found
    raise LabError(f"there is no host {name!r}; `ensure` makes it")


def _replace(name: str, flavour: str, address: str) -> None:
    """Nobody waits for the old volume to go: with some images in it, that takes longer than all the rest."""
    _remove(name)
    old = _volumes(name)
    _create(name, flavour, address)
    if old:
        rest = subprocess.Popen(["docker", "volume", "rm", *old], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rest.returncode = 0  # it outlives this process on purpose; what it leaves, `remove` finds


def _create(name: str, flavour: str, address: str) -> None:
    volume = f"{container(name)}-{uuid.uuid4().hex[:8]}"
    run("docker", "volume", "create", "--label", f"{LABEL}={name}", volume)
    labels = {"": name, "-flavour": flavour, "-source": images.source(flavour), "-address": address}
    run(
        *("docker", "create", "--name", container(name), "--hostname", name, *RIGHTS, "--restart=unless-stopped"),
        *(f"--label={LABEL}{label}={value}" for label, value in labels.items()),
        *("--network", network.NAME, "--ip", address),
        *("--add-host", f"{registry.HOSTNAME}:{network.registry(network.ensure())}"),
        *("--volume", f"{volume}:/var/lib/docker", images.reference(flavour)),
    )
    with delivery.archive() as archive:
        run("docker", "cp", "-", f"{container(name)}:/", stdin=archive)
    run("docker", "start", container(name))


def _remove(name: str) -> None:
    run("docker", "rm", "--force", "--volumes", container(name))


def _volumes(*names: str) -> list[str]:
    """Those that hosts of these names have or had."""
    every = (run("docker", "volume", "ls", "--quiet", "--filter", f"label={LABEL}={name}") for name in names)
    return " ".join(every).split()


def _ready(made: Sequence[_Made]) -> list[Host]:
    """Wait until they have booted and their sshd answers."""
    if not made:
        return []
    private, deadline = key(), time.monotonic() + PATIENCE_S
    with ThreadPoolExecutor(max_workers=len(made)) as pool:
        keys = pool.map(lambda host: _booted(host, deadline), made)
        return [Host(host.name, host.address, host_key, private) for host, host_key in zip(made, keys, strict=True)]


def _booted(host: _Made, deadline: float) -> str:
    """Its public host key, read beside SSH."""
    question = "cat /etc/ssh/ssh_host_ed25519_key.pub && systemctl is-system-running"
    while True:
        done = subprocess.run(
            ["docker", "exec", container(host.name), "sh", "-c", question], capture_output=True, text=True, check=False
        )
        if re.search(r"^(running|degraded)$", done.stdout, re.MULTILINE) and _answers(host.address):
            return " ".join(done.stdout.split()[:2])
        if time.monotonic() > deadline:
            raise LabError(f"{host.name} does not come up: {(done.stdout + done.stderr).strip()}")
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
