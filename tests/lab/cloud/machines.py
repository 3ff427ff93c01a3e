"""The hosts behind the cloud's machines: containers with systemd, sshd and cloud-init."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.lab import delivery, images, network, registry
from tests.lab.host import LabError, run
from tests.lab.hosts import RIGHTS

LABEL = "slipway-lab-cloud"
REBOOT, POWER_OFF = 129, 130
"""How the first process of a container ends when the system inside does: killed by SIGHUP, by SIGINT."""


@dataclass(frozen=True)
class Wanted:
    """What is known of a machine before it boots."""

    id: str
    address: str
    image: str
    """Of the lab."""
    user_data: str
    region: str
    zone: str
    kind: str
    keys: tuple[str, ...] = ()
    spot: bool = False
    tags: dict[str, str] = field(default_factory=dict)


def name(machine: str) -> str:
    """Of its container."""
    return f"slipway-lab-cloud-{machine}"


def boot(wanted: Wanted, part: int) -> None:
    """Make and start it."""
    hostname = f"ip-{wanted.address.replace('.', '-')}"
    images.ensure(wanted.image)
    run(
        *("docker", "create", "--name", name(wanted.id), "--hostname", hostname, *RIGHTS),
        *("--label", f"{LABEL}={part}", "--label", f"{LABEL}-machine={wanted.id}"),
        *("--network", network.NAME, "--ip", wanted.address, "--volume", "/var/lib/docker"),
        *("--add-host", f"{registry.HOSTNAME}:{network.registry(network.ensure())}"),
        images.reference(wanted.image),
    )
    with delivery.archive(_files(wanted), login=False) as archive:
        run("docker", "cp", "-", f"{name(wanted.id)}:/", stdin=archive)
    start(wanted.id)


def start(machine: str) -> None:
    """Power on."""
    run("docker", "start", name(machine))


def stop(machine: str) -> None:
    """Power off, with what is inside given time to end."""
    run("docker", "stop", "--time", "20", name(machine))


def remove(*machines: str) -> None:
    """With their disks."""
    if machines:
        run("docker", "rm", "--force", "--volumes", *map(name, machines))


def of_part(part: int) -> list[str]:
    """The machines that a cloud with this part of the addresses has, or that one left behind."""
    form = f'{{{{.Label "{LABEL}-machine"}}}}'
    return run("docker", "ps", "--all", "--filter", f"label={LABEL}={part}", "--format", form).split()


def console(machine: str, *command: str, stdin: str = "") -> str:
    """A command as root beside SSH; its standard output."""
    done = subprocess.run(
        ["docker", "exec", "-i", name(machine), *command], input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise LabError(f"{machine}: {' '.join(command)} ended with {done.returncode}: {said}")
    return done.stdout


def announce(machine: str, path: str, text: str) -> None:
    """Let the metadata service say it."""
    script = 'mkdir -p "$(dirname "$1")" && cat > "$1"'
    console(machine, "sh", "-c", script, "sh", f"/etc/slipway-lab/metadata/latest/meta-data/{path}", stdin=text)


def retract(machine: str, path: str) -> None:
    """The metadata service does not say it any more."""
    console(machine, "rm", "-f", f"/etc/slipway-lab/metadata/latest/meta-data/{path}")


def ends(part: int) -> subprocess.Popen[str]:
    """A process that says `ID EXIT-CODE` for each machine that ends, from now on."""
    form = f'{{{{index .Actor.Attributes "{LABEL}-machine"}}}} {{{{.Actor.Attributes.exitCode}}}}'
    filters = ("--filter", f"label={LABEL}={part}", "--filter", "event=die")
    return subprocess.Popen(["docker", "events", *filters, "--format", form], stdout=subprocess.PIPE, text=True)


def parse_end(line: str) -> tuple[str, int]:
    """Of `ends`."""
    found = re.fullmatch(r"(\S+) (\d+)\s*", line)
    return (found[1], int(found[2])) if found else ("", 0)


def _files(wanted: Wanted) -> Iterator[tuple[str, str]]:
    facts = {"instance-id": wanted.id, "local-hostname": name(wanted.id), "public-keys": list(wanted.keys)}
    yield "var/lib/cloud/seed/nocloud/meta-data", json.dumps(facts)
    yield "var/lib/cloud/seed/nocloud/user-data", wanted.user_data or "#cloud-config\n{}\n"
    metadata = {
        "ami-id": wanted.image,
        "instance-id": wanted.id,
        "instance-life-cycle": "spot" if wanted.spot else "on-demand",
        "instance-type": wanted.kind,
        "local-ipv4": wanted.address,
        "placement/availability-zone": wanted.zone,
        "placement/region": wanted.region,
        **{f"tags/instance/{key}": value for key, value in wanted.tags.items() if "/" not in key},
    }
    for path, text in metadata.items():
        yield f"etc/slipway-lab/metadata/latest/meta-data/{path}", text
    yield "etc/slipway-lab/metadata/latest/user-data", wanted.user_data
