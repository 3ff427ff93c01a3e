"""What the trouble with a GPU is: from the files that a kernel shows, and from nvidia-smi's own words. No GPU is here,
so nvidia-smi is a script that says what the real one says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from runner.ansible_plugins.module_utils import host_gpu

NO_DRIVER = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that …"
MISMATCH = "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.95"
LOST = "Unable to determine the device handle for GPU0000:01:00.0: Unknown Error"
H100 = "0, NVIDIA H100 80GB HBM3, GPU-1f2e3d4c-0000-0000-0000-000000000000, 81559, 580.95.05"
OPEN = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (builder@host)  Tue Sep 23 2025"
)
CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024"


@dataclass
class Tree:
    """A file system with the few files that are looked at."""

    devices: list[tuple[str, str]] = field(default_factory=lambda: [("0x030200", "0x10de")])
    version: str = ""
    modules: str = "nvidia 1 0 - Live 0x0\n"
    secure_boot: bool = False
    smi: tuple[int, str] | None = None

    def at(self, root: Path) -> str:
        for number, (kind, vendor) in enumerate(self.devices):
            _write(root / f"sys/bus/pci/devices/0000:00:{number:02x}.0/class", f"{kind}\n")
            _write(root / f"sys/bus/pci/devices/0000:00:{number:02x}.0/vendor", f"{vendor}\n")
        _write(root / "proc/modules", self.modules)
        if self.version:
            _write(root / "proc/driver/nvidia/version", self.version)
        efi = root / host_gpu.SECURE_BOOT
        efi.parent.mkdir(parents=True)
        efi.write_bytes(b"\x06\0\0\0" + bytes([self.secure_boot]))
        if self.smi:
            code, said = self.smi
            _write(root / "usr/bin/nvidia-smi", f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {code}\n").chmod(0o755)
        return str(root)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("tree", "trouble", "reason"),
    [
        (Tree(version=OPEN, smi=(0, H100)), "", ""),
        (Tree(devices=[]), "absent", "no NVIDIA GPU"),
        (Tree(devices=[("0x030000", "0x1002"), ("0x030000", "0x1af4")]), "absent", "no NVIDIA GPU"),
        (Tree(devices=[("0x040300", "0x10de")]), "absent", "no NVIDIA GPU"),  # only the sound of a card
        (
            Tree(devices=[], smi=(9, NO_DRIVER)),
            "absent",
            "no NVIDIA GPU",
        ),  # an image with driver, a machine without GPU
        (Tree(), "missing", "no NVIDIA driver is installed"),
        (Tree(secure_boot=True), "missing", "no NVIDIA driver is installed"),
        (Tree(modules="nouveau 1 0 - Live 0x0\n"), "nouveau", "nouveau holds the GPU"),
        (Tree(modules="nouveau 1 0 - Live 0x0\n", smi=(9, NO_DRIVER)), "nouveau", "nouveau holds the GPU"),
        (Tree(version=CLOSED, smi=(18, MISMATCH)), "mismatch", "runs 535.183.01 and its libraries are 580.95"),
        (Tree(smi=(9, NO_DRIVER), secure_boot=True), "refused", "Secure Boot"),
        (Tree(smi=(9, NO_DRIVER)), "unloaded", "the kernel has not loaded it"),
        (Tree(version=OPEN), "incomplete", "580.95.05, but nvidia-smi is missing"),
        (Tree(version=OPEN, smi=(0, "No devices were found")), "broken", "No devices were found"),
        (Tree(version=OPEN, smi=(255, LOST)), "broken", LOST),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_trouble(tmp_path: Path, tree: Tree, trouble: str, reason: str) -> None:
    found = host_gpu.facts(tree.at(tmp_path))
    assert found["trouble"] == trouble
    assert reason in found["reason"]
    assert found["works"] == (trouble == "")


def test_a_container_of_the_provider_shows_its_gpu_without_pci(tmp_path: Path) -> None:
    found = host_gpu.facts(Tree(devices=[], smi=(0, H100)).at(tmp_path))
    assert (found["works"], found["present"], found["driver"]) == (True, True, "580.95.05")


def test_cards_are_told_apart(tmp_path: Path) -> None:
    said = f"{H100}\n1, NVIDIA GB10, GPU-2, [N/A], 580.95.05\nwarning: infoROM is corrupted"
    cards = host_gpu.facts(Tree(smi=(0, said)).at(tmp_path))["cards"]
    assert [(card["name"], card["memory_gb"]) for card in cards] == [
        ("NVIDIA H100 80GB HBM3", 79.6),
        ("NVIDIA GB10", 0),
    ]


@pytest.mark.parametrize(("text", "version"), [(OPEN, "580.95.05"), (CLOSED, "535.183.01")])
def test_version_of_the_loaded_driver(tmp_path: Path, text: str, version: str) -> None:
    assert host_gpu.look(Tree(version=text).at(tmp_path))["driver"] == version


def test_cdi_tells_for_which_driver_it_was_made(tmp_path: Path) -> None:
    root = Tree().at(tmp_path)
    assert host_gpu.look(root)["cdi"] == []
    _write(tmp_path / "etc/cdi/other.yaml", "kind: vendor.example/device\n")
    _write(tmp_path / "var/run/cdi/nvidia.yaml", "kind: nvidia.com/gpu\nhostPath: /usr/lib/libcuda.so.580.95.05\n")
    assert host_gpu.look(root)["cdi"] == ["580.95.05"]


@pytest.mark.parametrize("text", ["", "not JSON", "[1]"])
def test_a_broken_proof_is_none(tmp_path: Path, text: str) -> None:
    root = Tree().at(tmp_path)
    _write(tmp_path / host_gpu.PROOF, text)
    assert host_gpu.look(root)["proof"] == {}
