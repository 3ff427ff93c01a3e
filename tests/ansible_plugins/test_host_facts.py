"""The look at a host, on this machine: complete, harmless, and one line for people."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.ansible_plugins.module_run import run_module

HOST = {
    *(
        "asked",
        "os",
        "systemd",
        "container",
        "packages",
        "services",
        "resources",
        "swaps",
        "nft",
        "tables",
        "files",
        "user_exists",
    ),
    *("login_port", "ssh_ports", "reboot", "docker", "gpu"),
}


@pytest.mark.parametrize("check", [True, False])
def test_tells_everything_and_changes_nothing(check: bool) -> None:
    answer = run_module("host_facts", check=check, packages=["surely-no-package"], files=["/etc/passwd"], user="root")
    host = answer["ansible_facts"]["slipway_host"]
    assert not answer["changed"]
    assert host.keys() == HOST
    assert host["packages"]["missing"] == ["surely-no-package"]
    assert len(host["files"]["/etc/passwd"]) == 64
    assert host["user_exists"]
    assert host["resources"]["memory_gb"] > 0
    assert host["os"]["kernel"] == os.uname().release
    assert host["os"]["name"] in answer["said"]


def test_asked_is_what_was_asked() -> None:
    asked: dict[str, Any] = {
        "packages": ["a"],
        "files": ["/b"],
        "user": "c",
        "ssh_ports": True,
        "docker_socket": "/no.sock",
    }
    host = run_module("host_facts", **asked)["ansible_facts"]["slipway_host"]
    assert host["asked"] == asked
    assert not host["docker"]["answers"]
    assert host["ssh_ports"]
