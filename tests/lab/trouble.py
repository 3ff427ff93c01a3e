"""What goes wrong with machines, on purpose. `hosts.reset` undoes everything; a reboot undoes what says so here."""

from __future__ import annotations

from typing import Literal

from tests.lab import network
from tests.lab.host import run
from tests.lab.machine import console, container

DOCKER_FOLDER = "/var/lib/docker"

HOLD_LOCKS = """
import fcntl, sys, time
files = [open(path, "w") for path in ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock")]
for file in files:
    fcntl.lockf(file, fcntl.LOCK_EX)
open("/run/lab-apt-lock", "w").close()
time.sleep(float(sys.argv[1]))
"""


def change_host_key(name: str) -> str:
    """Other host keys, as after a new installation or in the hands of somebody else; the new public line."""
    console(name, "sh", "-c", "rm /etc/ssh/ssh_host_*; ssh-keygen -A && systemctl restart ssh")
    return " ".join(console(name, "cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2])


def pause(name: str) -> None:
    """Hang: the kernel still accepts connections, nothing ever answers. Until `unpause` or a reboot."""
    run("docker", "pause", container(name))


def unpause(name: str) -> None:
    """Go on after `pause`."""
    run("docker", "unpause", container(name))


def cut(name: str) -> None:
    """No answer to this machine, not even to a connection; other hosts still reach it. Until `uncut` or a reboot."""
    console(name, "ip", "route", "replace", "blackhole", network.gateway(network.ensure()))


def uncut(name: str) -> None:
    """Answer again after `cut`."""
    console(name, "ip", "route", "delete", "blackhole", network.gateway(network.ensure()))


def fill_disk(name: str, *, free_mb: int = 16, folder: str = DOCKER_FOLDER) -> None:
    """Leave a folder little room: it becomes a small disk of its own, with what it held. Until `free_disk` or a reboot.

    The folder of Docker makes Docker restart. Nothing is written to the disk of the machine that runs the tests.
    """
    script = """
        set -e
        mkdir -p "$1" /run/lab-disk
        engine=$(systemctl is-active docker || true)
        if [ "$engine" = active ]; then systemctl stop docker.socket docker; fi
        held=$(du -sxm "$1" | cut -f1)
        mount -t tmpfs -o "size=$((held + $2))m,mode=0$(stat -c %a "$1")" tmpfs /run/lab-disk
        cp -a "$1/." /run/lab-disk/
        mount --move /run/lab-disk "$1"
        if [ "$engine" = active ]; then systemctl start docker; fi
    """
    console(name, "sh", "-c", script, "sh", folder, str(free_mb))


def free_disk(name: str, *, folder: str = DOCKER_FOLDER) -> None:
    """Undo `fill_disk`; what was written in between is gone."""
    script = """
        set -e
        engine=$(systemctl is-active docker || true)
        if [ "$engine" = active ]; then systemctl stop docker.socket docker; fi
        umount -l "$1"
        if [ "$engine" = active ]; then systemctl start docker; fi
    """
    console(name, "sh", "-c", script, "sh", folder)


def hold_apt_lock(name: str, seconds: float = 60) -> None:
    """Keep apt and dpkg busy for some time, as the updates of a machine's first minutes do. A reboot ends it."""
    release_apt_lock(name)
    run_it = ["systemd-run", "--quiet", "--collect", "--unit=lab-apt-lock", "python3", "-c", HOLD_LOCKS, str(seconds)]
    console(name, *run_it)
    console(name, "timeout", "10", "sh", "-c", "until [ -e /run/lab-apt-lock ]; do sleep 0.05; done")


def release_apt_lock(name: str) -> None:
    """End `hold_apt_lock` before its time."""
    console(name, "sh", "-c", "systemctl stop lab-apt-lock 2>/dev/null; rm -f /run/lab-apt-lock")


def break_docker(name: str, how: Literal["stopped", "config", "disabled"] = "config") -> None:
    """Docker does not answer. `disabled`: nor after a reboot; `config`: nor when started, its settings are no JSON."""
    script = {
        "stopped": "systemctl stop docker.socket docker",
        "disabled": "systemctl disable --now docker.socket docker",
        "config": "mkdir -p /etc/docker && echo '{\"storage-driver\": ' > /etc/docker/daemon.json; "
        "systemctl stop docker.socket docker; systemctl start docker; ! systemctl is-active docker",
    }[how]
    console(name, "sh", "-c", script)
