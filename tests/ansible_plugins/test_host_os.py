"""What a host says of itself, from files of real ones."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from runner.ansible_plugins.module_utils import host_docker, host_os

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
UBUNTU = 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n'
MINT = "ID=linuxmint\nID_LIKE='ubuntu debian'\nVERSION_ID=\"22\"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n"
ROCKY = 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n'
AMAZON = 'ID="amzn"\nID_LIKE="fedora"\nVERSION_ID="2023"\n'
ARCH = "ID=arch\n"


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("release", "family", "version", "codename"),
    [
        (DEBIAN, "debian", "12", "bookworm"),
        (UBUNTU, "debian", "24.04", "noble"),
        (MINT, "debian", "22", "noble"),
        (ROCKY, "redhat", "9.4", ""),
        (AMAZON, "redhat", "2023", ""),
        (ARCH, "other", "", ""),
        ("", "other", "", ""),
    ],
)
def test_families(tmp_path: Path, release: str, family: str, version: str, codename: str) -> None:
    put(tmp_path, "etc/os-release", release)
    found = host_os.describe(str(tmp_path))
    assert (found["family"], found["version"], found["codename"]) == (family, version, codename)


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("run/systemd/container", "lxc\n", "lxc"),
        (".dockerenv", "", "docker"),
        ("proc/1/environ", "HOME=/\0container=podman\0", "podman"),
        ("proc/1/environ", "HOME=/\0", ""),
    ],
)
def test_containers(tmp_path: Path, path: str, text: str, kind: str) -> None:
    put(tmp_path, path, text)
    assert host_os.container(str(tmp_path)) == kind


def test_login_port_is_found_above_sudo(tmp_path: Path) -> None:
    for pid, parent, environment in (
        (40, 30, "SUDO_USER=ubuntu\0"),
        (30, 20, "SSH_CONNECTION=10.0.0.9 51000 10.0.0.2 2222\0HOME=/\0"),
        (20, 1, "SSH_CONNECTION=10.0.0.9 51000 10.0.0.2 22\0"),
    ):
        put(tmp_path, f"proc/{pid}/environ", environment)
        put(tmp_path, f"proc/{pid}/status", f"Name:\tx\nPPid:\t{parent}\n")
    assert host_os.login_port(str(tmp_path), 40) == 2222


def test_login_port_of_a_local_run_is_none(tmp_path: Path) -> None:
    assert host_os.login_port(str(tmp_path), os.getpid()) == 0


def test_reboot_reasons(tmp_path: Path) -> None:
    assert host_os.reboot_reasons(str(tmp_path)) == []
    put(tmp_path, "run/reboot-required", "*** System restart required ***\n")
    assert host_os.reboot_reasons(str(tmp_path)) == [""]
    put(tmp_path, "run/reboot-required.pkgs", "linux-image-6.8\nlibc6\nlibc6\n")
    assert host_os.reboot_reasons(str(tmp_path)) == ["libc6", "linux-image-6.8"]


def test_files_that_are_missing_have_no_fingerprint(tmp_path: Path) -> None:
    put(tmp_path, "etc/x", "")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert host_os.fingerprints(["/etc/x", "/etc/y"], str(tmp_path)) == {"/etc/x": empty, "/etc/y": ""}


def test_settings_of_the_engine_are_told_without_secrets(tmp_path: Path) -> None:
    text = """{"proxies": {"http-proxy": "http://me:canary@proxy"}, "live-restore": true,
               "registry-mirrors": ["https://me:canary@mirror.example"], "log-opts": {"x": "https://me:canary@log"}}"""
    put(tmp_path, "etc/docker/daemon.json", text)
    found = host_docker.facts(str(tmp_path / "no.sock"), str(tmp_path))
    assert "canary" not in str(found)
    assert found["settings"]["live-restore"] is True
    assert (found["answers"], found["installed"], found["settings_error"]) == (False, "", "")
    assert "no Docker engine here" in found["reason"]


@pytest.mark.parametrize("text", ["{", "[]", "1"])
def test_broken_settings_are_told(tmp_path: Path, text: str) -> None:
    put(tmp_path, "etc/docker/daemon.json", text)
    assert "/etc/docker/daemon.json" in host_docker.facts(str(tmp_path / "no.sock"), str(tmp_path))["settings_error"]


def test_members_of_the_group_and_start_at_boot(tmp_path: Path) -> None:
    put(tmp_path, "etc/group", "docker-users:x:1:eve\ndocker:x:998:ubuntu,ada\n")
    put(tmp_path, "etc/systemd/system/sockets.target.wants/docker.socket", "")
    (tmp_path / "etc" / "slipway").mkdir()
    (tmp_path / "etc" / "slipway" / "docker.nft").write_text("")
    found = host_docker.facts(str(tmp_path / "no.sock"), str(tmp_path))
    assert list(found["guard"].values()) == [hashlib.sha256(b"").hexdigest(), ""]
    assert (found["members"], found["at_boot"]) == (["ubuntu", "ada"], True)
