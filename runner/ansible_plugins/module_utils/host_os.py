"""What a Linux host says of itself, read from files. Standard library only. `root` is the folder that holds its file
system, so that tests can bring one of their own. Nothing here raises when a file is missing: it is then not known.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from typing import Any, Dict, List

FAMILIES = (("debian", {"debian", "ubuntu"}), ("redhat", {"rhel", "fedora", "centos", "amzn", "rocky", "almalinux"}))
"""Family, and the ids (or relatives) in /etc/os-release that belong to it."""
GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
KB_PER_GB = 1024**2
BYTES_PER_GB = 1024**3


def read(root: str, path: str) -> str:
    """Text of a file; empty when it cannot be read."""
    try:
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def describe(root: str = "/") -> Dict[str, Any]:
    """Family, id, version, codename, name, arch (as packages call it), machine (as the kernel does), kernel."""
    release = _release(read(root, "etc/os-release") or read(root, "usr/lib/os-release"))
    relatives = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    machine = platform.machine()
    return {
        "family": next((family for family, ids in FAMILIES if ids & relatives), "other"),
        "id": release.get("ID", ""),
        "version": release.get("VERSION_ID", ""),
        "codename": release.get("UBUNTU_CODENAME") or release.get("VERSION_CODENAME", ""),
        "name": release.get("PRETTY_NAME", ""),
        "arch": GO_ARCHITECTURES.get(machine, machine),
        "machine": machine,
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def container(root: str = "/") -> str:
    """What kind of container this host is itself: docker, lxc, …; empty for a real or virtual machine."""
    found = read(root, "run/systemd/container").strip()
    if found:
        return found
    if os.path.exists(os.path.join(root, ".dockerenv")):
        return "docker"
    for entry in read(root, "proc/1/environ").split("\0"):
        if entry.startswith("container="):
            return entry.partition("=")[2]
    return ""


def has_systemd(root: str = "/") -> bool:
    """As sd_booted(3) decides it."""
    return os.path.isdir(os.path.join(root, "run/systemd/system"))


def resources(root: str = "/", folder: str = "/") -> Dict[str, float]:
    """Memory, swap, and what is free on the disk of `folder`."""
    memory = {
        name: int(kb) for name, kb in re.findall(r"^(\w+):\s+(\d+) kB$", read(root, "proc/meminfo"), re.MULTILINE)
    }
    try:
        disk = os.statvfs(os.path.join(root, folder.lstrip("/")))
        free = disk.f_bavail * disk.f_frsize
    except OSError:
        free = 0
    return {
        "memory_gb": round(memory.get("MemTotal", 0) / KB_PER_GB, 1),
        "memory_free_gb": round(memory.get("MemAvailable", 0) / KB_PER_GB, 1),
        "swap_gb": round(memory.get("SwapTotal", 0) / KB_PER_GB, 1),
        "disk_free_gb": round(free / BYTES_PER_GB, 1),
    }


def swaps(root: str = "/") -> List[str]:
    """Files and devices in use as swap."""
    return [line.split()[0] for line in read(root, "proc/swaps").splitlines()[1:] if line.strip()]


def reboot_reasons(root: str = "/") -> List[str]:
    """Packages that ask for a reboot since they were updated; one empty name when nobody says which."""
    if not os.path.exists(os.path.join(root, "run/reboot-required")):
        return []
    return sorted(set(read(root, "run/reboot-required.pkgs").split())) or [""]


def fingerprints(paths: List[str], root: str = "/") -> Dict[str, str]:
    """SHA-256 of each file; empty for one that is not there."""
    return {path: _sha256(os.path.join(root, path.lstrip("/"))) for path in paths}


def login_port(root: str = "/", pid: int = 0) -> int:
    """The port of this host through which we are logged in; 0 when that is not by SSH. sudo drops the variable that
    says it, so the processes above this one are asked. Needs root for those of another user.
    """
    pid = pid or os.getpid()
    while pid > 1:
        for entry in read(root, "proc/%d/environ" % pid).split("\0"):
            port = re.match(r"SSH_CONNECTION=\S+ \d+ \S+ (\d+)$", entry)
            if port:
                return int(port.group(1))
        parent = re.search(r"^PPid:\s+(\d+)$", read(root, "proc/%d/status" % pid), re.MULTILINE)
        pid = int(parent.group(1)) if parent else 0
    return 0


def ufw_enabled(root: str = "/") -> bool:
    """Its unit is active in either case."""
    return bool(re.search(r"^ENABLED=yes$", read(root, "etc/ufw/ufw.conf"), re.MULTILINE | re.IGNORECASE))


def _sha256(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def _release(text: str) -> Dict[str, str]:
    found = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not key.startswith("#"):
            found[key.strip()] = value.strip().strip("\"'")
    return found
