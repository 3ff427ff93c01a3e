"""What `host_facts` says of hosts that no lab has: a usual one, and what is different about others."""

from __future__ import annotations

from typing import Any

DEBIAN = {"family": "debian", "id": "debian", "version": "12", "codename": "bookworm", "name": "Debian GNU/Linux 12"}
UBUNTU = {"family": "debian", "id": "ubuntu", "version": "24.04", "codename": "noble", "name": "Ubuntu 24.04"}
MINT = {"family": "debian", "id": "linuxmint", "version": "22", "codename": "noble", "name": "Linux Mint 22"}
TRIXIE = {**DEBIAN, "version": "13", "codename": "trixie"}
ROCKY = {"family": "redhat", "id": "rocky", "version": "9.4", "codename": "", "name": "Rocky Linux 9.4"}
ARCH = {"family": "other", "id": "arch", "version": "", "codename": "", "name": "Arch Linux"}
UPDATES, AUTOMATIC = "/etc/apt/apt.conf.d/52slipway-updates", "/etc/dnf/automatic.conf"
RULES, UNIT = "/etc/slipway/firewall.nft", "/etc/systemd/system/slipway-firewall.service"
GUARD = {"/etc/slipway/docker.nft": "", "/etc/systemd/system/slipway-docker.service": ""}
ENGINE = {
    "answers": True,
    "engine": "Engine",
    "version": "28.2.2",
    "api": "1.50",
    "installed": "/usr/bin/dockerd",
    "at_boot": True,
    "guard": GUARD,
}
SETTINGS = {
    "live-restore": True,
    "log-driver": "json-file",
    "log-opts": {"max-size": "20m", "max-file": "3"},
    "default-address-pools": [{"base": "172.20.0.0/14", "size": 24}],
}
COMMON: dict[str, Any] = {
    "asked": {},
    "os": {**DEBIAN, "arch": "amd64", "machine": "x86_64", "kernel": "6.1.0-26-amd64"},
    "systemd": True,
    "container": "",
    "packages": {"manager": "apt", "missing": [], "busy": ""},
    "services": {"active": ["chrony"], "enabled": ["slipway-cdi"]},
    "swaps": [],
    "nft": True,
    "tables": [],
    "files": {UPDATES: "", AUTOMATIC: "", RULES: "", UNIT: ""},
    "user_exists": False,
    "ssh_ports": [22],
    "docker": {
        "answers": False,
        "engine": "",
        "version": "",
        "api": "",
        "installed": "",
        "at_boot": False,
        "swarm": False,
        "runtimes": [],
        "cdi": True,
        "members": [],
        "guard": GUARD,
        "settings": {},
        "settings_error": "",
        "root_dir": "/var/lib/docker",
    },
    "gpu": {
        "trouble": "absent",
        "reason": "",
        "present": False,
        "works": False,
        "vendors": [],
        "cards": [],
        "driver": "",
        "nouveau": False,
        "secure_boot": False,
        "toolkit": "",
        "cdi": [],
        "proof": {},
    },
}
WORKS = {
    "trouble": "",
    "present": True,
    "works": True,
    "cards": [{"name": "NVIDIA L4"}],
    "driver": "580.95.05",
    "toolkit": "/usr/bin/nvidia-ctk",
    "cdi": ["580.95.05"],
}
OLD_ENGINE = {**ENGINE, "version": "20.10.24+dfsg1", "settings": SETTINGS}
GUARD_SHOWN = dict.fromkeys(GUARD, "another")
GUARD_LOADED = {"tables": ["ip nat", "inet slipway-docker"], "services": {"enabled": ["slipway-docker"]}}
PROOF = {"driver": "580.95.05", "cards": 1, "engine": "28.2.2"}
GPU_ENGINE = {**ENGINE, "settings": SETTINGS, "runtimes": ["nvidia", "runc"]}
