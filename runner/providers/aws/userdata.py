"""What a new machine is told at its first boot: cloud-init's user data. Pure but for reading the scripts beside this.

Whoever may call ec2:DescribeInstanceAttribute can read it, so it holds no secret but the machine's own host key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIMIT_BYTES = 16384
"""AWS takes no more."""
SETTLED = "/var/lib/slipway/settled"
"""The file that says that the machine was finished once: from then on only its ttl ends it."""
GUARD = "/etc/slipway/guard"
"""The times that the machine ends itself by."""
NOTICE_UNIT = "slipway-notice.service"
_SCRIPTS = Path(__file__).parent / "machine"


@dataclass(frozen=True, slots=True)
class FirstBoot:
    """What differs from machine to machine."""

    user: str
    authorized_keys: tuple[str, ...]
    host_key_private: str
    host_key_public: str
    setup_limit_s: int
    """How long it may run without being finished."""
    ttl_s: int = 0
    """How long it may live at all; 0: for ever."""
    spot: bool = False


def cloud_config(boot: FirstBoot) -> str:
    """The user data. Host keys and users come before sshd starts, and the guard is armed before both."""
    data = {
        "bootcmd": [["sh", "-c", _arming(), "arm", *_numbers(boot), NOTICE_UNIT if boot.spot else ""]],
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": boot.host_key_private, "ed25519_public": boot.host_key_public},
        "users": [
            "default",
            {
                "name": boot.user,
                "shell": "/bin/bash",
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "lock_passwd": True,
                "ssh_authorized_keys": list(boot.authorized_keys),
            },
        ],
    }
    return "#cloud-config\n" + json.dumps(data, indent=1) + "\n"


def settle_command(ttl_s: int) -> str:
    """For a root shell on the machine: it is finished, and this is how long it may live. Fails when it cannot be noted:
    a machine that knows another ttl ends at the wrong time.
    """
    return f"sh -c '{_noting(ttl_s)} && {{ test -e {SETTLED} || : > {SETTLED}; }}'"


def ttl_command(ttl_s: int) -> str:
    """Likewise, before it is finished: one that was started again after its time must not end while it is worked on."""
    return f"sh -c '{_noting(ttl_s)}'"


def _noting(ttl_s: int) -> str:
    return f"sed -i s/^TTL_S=.*/TTL_S={int(ttl_s)}/ {GUARD}"


def _numbers(boot: FirstBoot) -> tuple[str, str]:
    return str(boot.setup_limit_s), str(boot.ttl_s)


@cache
def _arming() -> str:
    script = (_SCRIPTS / "arm.sh").read_text(encoding="utf-8")
    for name in ("guard.sh", "notice.py"):
        script = script.replace(f"@{name}@\n", (_SCRIPTS / name).read_text(encoding="utf-8"))
    return script
