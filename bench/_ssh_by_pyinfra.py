"""What bench/ssh_by_hand.sh does, as a deploy of pyinfra: its own operations wherever it has one.

Run by pyinfra, never imported: `pyinfra INVENTORY bench/_ssh_by_pyinfra.py --data image=… --data port=… --data rules=…`
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from pyinfra import host
from pyinfra.operations import apt, files, server, systemd

SCRIPT = Path(__file__).with_name("ssh_by_hand.sh").read_text()
DAEMON = SCRIPT.partition("daemon.json <<'END'; then restart=yes; fi\n")[2].partition("END\n")[0]
UPDATES = SCRIPT.partition("52by-hand <<'END' || true\n")[2].partition("END\n")[0]
UNIT = SCRIPT.partition("by-hand-rules.service <<'END' || true\n")[2].partition("END\n")[0]
CONTAINER = SCRIPT[SCRIPT.index("docker image inspect") :]
NAMES = f"name=by-hand image={host.data.image} port={host.data.port}"


def put(text: str, path: str) -> Any:
    """A file of root's."""
    return files.put(name=path, src=io.StringIO(text), dest=path, mode="644", _sudo=True)


settings = put(DAEMON, "/etc/docker/daemon.json")
apt.packages(
    name="packages",
    packages=["ca-certificates", "curl", "unattended-upgrades", "docker.io", "apparmor", "nftables"],
    update=True,
    cache_time=86400,
    no_recommends=True,
    _sudo=True,
)
put(UPDATES, "/etc/apt/apt.conf.d/52by-hand")
systemd.service(name="docker again", service="docker", restarted=True, _sudo=True, _if=settings.did_change)
systemd.service(name="docker", service="docker", running=True, enabled=True, _sudo=True)
rules = put(base64.b64decode(host.data.rules).decode(), "/etc/by-hand.nft")
unit = put(UNIT, "/etc/systemd/system/by-hand-rules.service")
systemd.daemon_reload(name="units", _sudo=True, _if=unit.did_change)
systemd.service(name="rules again", service="by-hand-rules", restarted=True, _sudo=True, _if=rules.did_change)
systemd.service(name="rules", service="by-hand-rules", running=True, enabled=True, _sudo=True)
server.shell(name="container", commands=[f"{NAMES}\n{CONTAINER}"], _sudo=True, _shell_executable="/bin/bash")
