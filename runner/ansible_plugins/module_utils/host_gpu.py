"""NVIDIA GPUs of a host: what there is, whether it works, and if not, why. Standard library only.

`trouble` is for branching, `reason` for readers:

    absent      there is no GPU of NVIDIA's
    missing     no driver is installed
    nouveau     the kernel's own driver holds the GPU
    mismatch    the driver was updated, the kernel still runs the old one
    refused     Secure Boot keeps the kernel from loading the driver
    unloaded    the driver is installed, the kernel has not loaded it
    incomplete  the kernel has the driver, its programs are missing
    broken      anything else; `reason` has nvidia-smi's own words
"""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
from typing import Any, Dict, List, NamedTuple

from .host_os import read

NVIDIA = "10de"
DISPLAY = "03"
"""PCI class of display and 3D controllers; the sound and USB functions of a card are others."""
SMI_FOLDERS = ("/usr/lib/wsl/lib", "/usr/local/nvidia/bin")
QUERIED = ("index", "name", "uuid", "memory.total", "driver_version")
TIMEOUT_S = 60
"""Without persistence mode every call brings the driver up, some seconds for each GPU."""
NO_EXIT = -1
SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
CDI = ("etc/cdi", "var/run/cdi", "run/cdi")
PROOF = "var/lib/slipway/gpu.json"


class Smi(NamedTuple):
    """What nvidia-smi answered."""

    path: str
    """Empty when there is none."""
    code: int
    output: str


def facts(root: str = "/") -> Dict[str, Any]:
    """Everything about the GPUs. Asks nvidia-smi only where there is one."""
    return assess(look(root), ask(root))


def look(root: str = "/") -> Dict[str, Any]:
    """What files say: no program is run."""
    devices = _display_devices(root)
    modules = {line.split()[0] for line in read(root, "proc/modules").splitlines() if line}
    version = re.search(r"Kernel Module(?: for \S+)?\s+(\d[\d.]+)", read(root, "proc/driver/nvidia/version"))
    toolkit = shutil.which("nvidia-ctk", path=_path(root)) or ""
    return {
        "vendors": sorted(set(devices)),
        "count": devices.count(NVIDIA),
        "driver": version.group(1) if version else read(root, "sys/module/nvidia/version").strip(),
        "nouveau": "nouveau" in modules,
        "secure_boot": _secure_boot(root),
        "toolkit": toolkit,
        "cdi": _cdi(root),
        "proof": _proof(root),
    }


def ask(root: str = "/") -> Smi:
    """Ask nvidia-smi, wherever distributions and cloud images put it."""
    program = shutil.which("nvidia-smi", path=_path(root))
    if not program:
        return Smi("", NO_EXIT, "")
    try:
        done = subprocess.run(
            [program, "--query-gpu=" + ",".join(QUERIED), "--format=csv,noheader,nounits"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Smi(program, NO_EXIT, "nvidia-smi did not answer within %d s" % TIMEOUT_S)
    except OSError as error:
        return Smi(program, NO_EXIT, "nvidia-smi cannot be run: %s" % error)
    return Smi(program, done.returncode, done.stdout.decode("utf-8", "replace").strip())


def assess(seen: Dict[str, Any], smi: Smi) -> Dict[str, Any]:
    """What files and nvidia-smi say, put together; `works` when nothing is in the way of using the GPUs."""
    cards = _cards(smi.output) if smi.code == 0 else []
    trouble, reason = ("", "") if cards else _trouble(seen, smi)
    return {
        **seen,
        "present": bool(seen["count"] or cards),
        "works": bool(cards),
        "cards": cards,
        "driver": cards[0]["driver"] if cards else seen["driver"],
        "smi": smi.path,
        "said": smi.output,
        "trouble": trouble,
        "reason": reason,
    }


def _trouble(seen: Dict[str, Any], smi: Smi) -> Any:
    """First match wins."""
    said = smi.output.replace("\n", " ")
    if "version mismatch" in said.lower():
        library = re.search(r"library version:? ([\d.]+)", said)
        new = " and its libraries are %s" % library.group(1) if library else " and its libraries are others"
        return "mismatch", "the driver was updated: the kernel runs %s%s" % (seen["driver"] or "the old one", new)
    if not seen["count"] and not seen["driver"]:
        return "absent", "there is no NVIDIA GPU"
    if seen["nouveau"]:
        return "nouveau", "the kernel's own driver nouveau holds the GPU"
    if not seen["driver"] and not smi.path:
        return "missing", "no NVIDIA driver is installed"
    if not seen["driver"] and seen["secure_boot"]:
        return "refused", "Secure Boot is on, and the kernel has not loaded the NVIDIA driver: its module is not signed"
    if not seen["driver"]:
        return "unloaded", "the NVIDIA driver is installed, but the kernel has not loaded it"
    if not smi.path:
        return "incomplete", "the kernel has the NVIDIA driver %s, but nvidia-smi is missing" % seen["driver"]
    return "broken", said or "nvidia-smi ended with %d" % smi.code


def _cards(output: str) -> List[Dict[str, Any]]:
    found = []
    for line in output.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == len(QUERIED) and fields[0].isdigit():
            memory = round(int(fields[3]) / 1024, 1) if fields[3].isdigit() else 0
            found.append({"name": fields[1], "uuid": fields[2], "memory_gb": memory, "driver": fields[4]})
    return found


def _display_devices(root: str) -> List[str]:
    """Vendor of each display or 3D controller."""
    folders = sorted(glob.glob(os.path.join(root, "sys/bus/pci/devices/*")))
    return [
        read(folder, "vendor").strip()[2:].lower()
        for folder in folders
        if read(folder, "class").strip()[2:4] == DISPLAY
    ]


def _secure_boot(root: str) -> bool:
    """Four bytes of attributes, then the value."""
    try:
        with open(os.path.join(root, SECURE_BOOT), "rb") as file:
            return file.read()[-1:] == b"\x01"
    except OSError:
        return False


def _cdi(root: str) -> List[str]:
    """Driver versions that the descriptions of GPUs for containers speak of; empty when there is none."""
    found = set()
    for folder in CDI:
        for path in glob.glob(os.path.join(root, folder, "*")):
            text = read("", path)
            if "nvidia.com/gpu" in text:
                found |= set(re.findall(r"libcuda\.so\.(\d[\d.]+\d)", text)) or {"unknown"}
    return sorted(found)


def _proof(root: str) -> Dict[str, Any]:
    """What the role `nvidia` has proven with a container, and with which versions."""
    try:
        return dict(json.loads(read(root, PROOF)))
    except (ValueError, TypeError):
        return {}


def _path(root: str) -> str:
    if root != "/":
        return os.path.join(root, "usr/bin")
    return os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/bin", "/usr/bin", *SMI_FOLDERS))
