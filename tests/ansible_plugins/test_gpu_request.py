"""Containers get GPUs by CDI where the engine has it, because systemd takes those of NVIDIA's runtime away. What
engines say is from the documentation of Docker 20.10 to 29; no test here has a GPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.ansible_plugins.module_utils import gpu_request

UUID = "GPU-0b5c0de0-0000-0000-0000-000000000000"
BY_RUNTIME = {"Driver": "nvidia", "Capabilities": [["gpu"]]}
SPEC = f"""---
cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: "0"
- name: {UUID}
- name: all
containerEdits:
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
"""
OLD: dict[str, Any] = {"Runtimes": {"nvidia": {}}}
FOLDERS = {"CDISpecDirs": ["/etc/cdi", "/var/run/cdi"]}
NEW = {
    **FOLDERS,
    "DiscoveredDevices": [
        {"Source": "cdi", "ID": "nvidia.com/gpu=0"},
        {"Source": "cdi", "ID": "nvidia.com/gpu=all"},
        {"Source": "cdi", "ID": "vendor.example/nic=1"},
    ],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "var/run/cdi"
    folder.mkdir(parents=True)
    (folder / "nvidia.yaml").write_text(SPEC)
    (folder / "nic.yaml").write_text("kind: vendor.example/nic\ndevices:\n- name: '7'\n")
    (folder / "half.yaml.part").write_text(SPEC.replace('"0"', '"9"'))
    return tmp_path


@pytest.mark.parametrize(
    ("info", "known"),
    [
        (OLD, set()),  # 20.10: no CDI
        ({**OLD, "CDISpecDirs": []}, set()),  # 25: switched off
        ({**OLD, "CDISpecDirs": None}, set()),
        ({**OLD, **FOLDERS}, {"0", UUID, "all"}),  # 25 to 28.1: on, and does not list them
        ({**OLD, **NEW}, {"0", "all"}),  # 28.2
        ({**FOLDERS, "CDISpecDirs": ["/nowhere"]}, set()),  # on, and nobody has described any
    ],
)
def test_what_the_engine_can_give(root: Path, info: dict[str, Any], known: set[str]) -> None:
    assert gpu_request.described(info, str(root)) == known


@pytest.mark.parametrize(
    ("wanted", "known", "request_"),
    [
        ("none", {"all"}, None),
        ("all", {"0", "all"}, [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=all"]}]),
        (["0"], {"0", "all"}, [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=0"]}]),
        ([UUID], {UUID}, [{"Driver": "cdi", "DeviceIDs": [f"nvidia.com/gpu={UUID}"]}]),
        ([UUID], {"0", "all"}, [{**BY_RUNTIME, "DeviceIDs": [UUID]}]),
        (["0", "1"], {"0"}, [{**BY_RUNTIME, "DeviceIDs": ["0", "1"]}]),
        ("all", set(), [{**BY_RUNTIME, "Count": -1}]),
    ],
)
def test_cdi_where_all_of_them_are_described(wanted: Any, known: set[str], request_: Any) -> None:
    found = gpu_request.requests(wanted, known)
    assert found == request_
    assert gpu_request.asked({"DeviceRequests": found}) == wanted


def test_both_ways_are_no_difference() -> None:
    """An update of the engine makes no container anew."""
    ways = [gpu_request.requests("all", known) for known in (set(), {"all"})]
    assert ways[0] != ways[1]
    assert {str(gpu_request.asked({"DeviceRequests": way})) for way in ways} == {"all"}
