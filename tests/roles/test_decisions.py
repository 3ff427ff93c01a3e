"""What the roles base, docker and nvidia decide to do, for hosts that no lab has. Ansible evaluates the real variables
of the roles; only the look at the host is made up.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from tests.roles.seen import (
    ARCH,
    COMMON,
    ENGINE,
    GPU_ENGINE,
    GUARD_LOADED,
    GUARD_SHOWN,
    MINT,
    OLD_ENGINE,
    PROOF,
    ROCKY,
    RULES,
    SETTINGS,
    TRIXIE,
    UBUNTU,
    UNIT,
    WORKS,
)

ROOT = Path(__file__).resolve().parents[2]


class Case(NamedTuple):
    """A host, and what a role decides for it. `shown` is compared with the variable `show`, where that is named."""

    name: str
    role: str
    saw: dict[str, Any]
    topics: list[str]
    set: dict[str, Any] | None = None
    show: str = ""
    shown: Any = ""


def missing(trouble: str, **more: Any) -> dict[str, Any]:
    return {"gpu": {"trouble": trouble, "present": True, **more}}


CASES = [
    # --- base
    Case("bare", "base", {"packages": {"missing": ["curl", "unattended-upgrades"]}}, ["packages", "updates"]),
    Case("others-missing", "base", {"packages": {"missing": ["dnf-automatic"]}}, ["updates"]),
    Case("no-clock", "base", {"services": {"active": ["docker"]}}, ["clock", "updates"]),
    Case("no-clock-container", "base", {"services": {"active": []}, "container": "lxc"}, ["updates"]),
    Case("no-clock-wanted", "base", {"services": {"active": []}}, ["updates"], {"base_time_sync": False}),
    Case("no-updates", "base", {}, [], {"base_updates": False}),
    Case("firewall", "base", {}, ["updates", "firewall"], {"base_firewall": True}),
    Case(
        "firewall-package",
        "base",
        {"packages": {"missing": ["nftables"]}},
        ["packages", "updates", "firewall"],
        {"base_firewall": True},
    ),
    Case("firewall-off", "base", {"files": {UNIT: "abc"}}, ["updates", "no_firewall"]),
    Case("swap", "base", {}, ["updates", "swap"], {"base_swap_gb": 4}),
    Case("swap-there", "base", {"swaps": ["/swapfile"]}, ["updates"], {"base_swap_gb": 4}),
    Case("user", "base", {}, ["updates", "user"], {"base_user": "services"}),
    Case("user-there", "base", {"user_exists": True}, ["updates"], {"base_user": "services"}),
    Case("rocky", "base", {"os": ROCKY, "packages": {"missing": ["dnf-automatic"]}}, ["packages", "updates"]),
    Case("arch", "base", {"os": ARCH}, ["distribution", "updates"]),
    Case(
        "kernels-wait-with-a-gpu",
        "base",
        {"gpu": {"present": True}},
        ["updates"],
        {"base_updates_exclude": ["nvidia-"]},
        "__base_updates_exclude",
        ["nvidia-", "linux-", "kernel"],
    ),
    # --- docker
    Case("none", "docker", {}, ["settings", "install", "service", "proof", "guard"]),
    Case("none-arch", "docker", {"os": ARCH}, ["distribution", "settings", "install", "service", "proof", "guard"]),
    Case("adopted-arch", "docker", {"os": ARCH, "docker": {**ENGINE, "settings": SETTINGS}}, []),
    Case("as-wanted", "docker", {"docker": {**ENGINE, "settings": {**SETTINGS, "labels": ["x"]}}}, []),
    Case("other-settings", "docker", {"docker": ENGINE}, ["settings", "proof"]),
    Case("others-use-it", "docker", {"docker": {**ENGINE, "foreign": ["grafana"]}}, []),
    Case(
        "others-use-it-and-agree",
        "docker",
        {"docker": {**ENGINE, "foreign": ["grafana"]}},
        ["settings", "proof"],
        {"docker_adopt": True},
    ),
    Case("settings-are-theirs", "docker", {"docker": ENGINE}, [], {"docker_configure": False}),
    Case(
        "broken-settings",
        "docker",
        {"docker": {**ENGINE, "settings": SETTINGS, "settings_error": "no JSON"}},
        ["settings", "proof"],
    ),
    Case(
        "stopped",
        "docker",
        {"docker": {"installed": "/usr/bin/dockerd", "settings": SETTINGS}},
        ["service", "proof", "guard"],
    ),
    Case("old-engine", "docker", {"docker": OLD_ENGINE}, ["guard"]),
    Case("old-engine-unguarded", "docker", {"docker": OLD_ENGINE}, [], {"docker_guard": False}),
    Case("old-engine-no-systemd", "docker", {"systemd": False, "docker": OLD_ENGINE}, []),
    Case("old-podman", "docker", {"docker": {**OLD_ENGINE, "engine": "Podman Engine", "version": "4.3.1"}}, []),
    Case(
        "old-engine-with-other-rules",
        "docker",
        {"docker": {**OLD_ENGINE, "guard": GUARD_SHOWN}, **GUARD_LOADED},
        ["guard"],
    ),
    Case("updated-engine", "docker", {"docker": {**ENGINE, "settings": SETTINGS, "guard": GUARD_SHOWN}}, ["guard"]),
    Case("not-at-boot", "docker", {"docker": {**ENGINE, "settings": SETTINGS, "at_boot": False}}, ["service", "proof"]),
    Case("no-systemd", "docker", {"systemd": False, "docker": {**ENGINE, "at_boot": False}}, []),
    Case("rootless-or-snap", "docker", {"docker": {**ENGINE, "installed": "", "at_boot": False}}, []),
    Case(
        "new-user",
        "docker",
        {"docker": {**ENGINE, "settings": SETTINGS, "members": ["ada"]}},
        ["users", "proof"],
        {"docker_users": ["ada", "eve"]},
    ),
    Case(
        "swarm",
        "docker",
        {"docker": {**ENGINE, "swarm": True, "settings": {**SETTINGS, "live-restore": False}}},
        [],
    ),
    Case(
        "nothing-set",
        "docker",
        {"docker": ENGINE},
        ["settings", "proof"],
        {"docker_log_driver": "", "docker_address_pools": [], "docker_registry_mirrors": ["https://m"]},
        "__docker_settings",
        {"live-restore": True, "registry-mirrors": ["https://m"]},
    ),
    Case(
        "mint",
        "docker",
        {"os": MINT},
        ["settings", "install", "service", "proof", "guard"],
        {},
        "__docker_repository",
        "https://download.docker.com/linux/ubuntu",
    ),
    Case(
        "rocky-repository",
        "docker",
        {"os": ROCKY},
        ["settings", "install", "service", "proof", "guard"],
        {},
        "__docker_repository",
        "https://download.docker.com/linux/centos",
    ),
    Case(
        "trixie",
        "docker",
        {"os": TRIXIE},
        ["settings", "install", "service", "proof", "guard"],
        {},
        "__docker_own_cli",
        True,
    ),
    # --- nvidia
    Case("no-gpu", "nvidia", {"docker": ENGINE}, ["absent"]),
    Case("works", "nvidia", {"docker": GPU_ENGINE, "gpu": {**WORKS, "proof": PROOF}}, []),
    Case("cloud-image", "nvidia", {"docker": GPU_ENGINE, "gpu": WORKS}, ["proof"]),
    Case("works-without-docker", "nvidia", {"gpu": WORKS}, []),
    Case(
        "engine-was-updated",
        "nvidia",
        {"docker": {**GPU_ENGINE, "version": "29.0.1"}, "gpu": {**WORKS, "proof": PROOF}},
        ["proof"],
    ),
    Case("no-proof-wanted", "nvidia", {"docker": GPU_ENGINE, "gpu": WORKS}, [], {"nvidia_proof_image": ""}),
    Case(
        "driver-only",
        "nvidia",
        {"docker": ENGINE, "gpu": {**WORKS, "toolkit": "", "cdi": []}},
        ["toolkit", "runtime", "cdi", "proof"],
    ),
    Case(
        "cdi-switched-off",
        "nvidia",
        {"docker": {**GPU_ENGINE, "api": "1.44", "cdi": False}, "gpu": {**WORKS, "proof": PROOF}},
        ["runtime"],
    ),
    Case(
        "engine-before-cdi",
        "nvidia",
        {"docker": {**GPU_ENGINE, "api": "1.43", "cdi": False}, "gpu": {**WORKS, "proof": PROOF}},
        [],
    ),
    Case(
        "cdi-not-at-boot",
        "nvidia",
        {"docker": GPU_ENGINE, "gpu": {**WORKS, "proof": PROOF}, "services": {"enabled": []}},
        ["cdi"],
    ),
    Case("old-cdi", "nvidia", {"docker": GPU_ENGINE, "gpu": {**WORKS, "cdi": ["570.1"], "proof": PROOF}}, ["cdi"]),
    Case(
        "cdi-without-version",
        "nvidia",
        {"docker": GPU_ENGINE, "gpu": {**WORKS, "cdi": ["unknown"], "proof": PROOF}},
        [],
    ),
    Case("mismatch", "nvidia", missing("mismatch", driver="570.1"), ["reboot"]),
    Case("broken-gpu", "nvidia", missing("broken", driver="580.1"), ["broken"]),
    Case(
        "bare-gpu", "nvidia", {**missing("missing"), "docker": ENGINE}, ["driver", "toolkit", "runtime", "cdi", "proof"]
    ),
    Case(
        "debian-packages",
        "nvidia",
        missing("missing"),
        ["driver"],
        {},
        "__nvidia_packages",
        ["linux-headers-6.1.0-26-amd64", "nvidia-open"],
    ),
    Case(
        "ubuntu-packages",
        "nvidia",
        {**missing("missing"), "os": {**UBUNTU, "kernel": "6.8.0-1015-aws"}},
        ["driver"],
        {},
        "__nvidia_packages",
        [
            "linux-modules-nvidia-580-server-open-6.8.0-1015-aws",
            "nvidia-headless-no-dkms-580-server-open",
            "nvidia-utils-580-server",
            "libnvidia-gl-580-server",
            "libnvidia-encode-580-server",
            "libnvidia-decode-580-server",
        ],
    ),
    Case(
        "old-card",
        "nvidia",
        {**missing("missing"), "os": ROCKY},
        ["driver"],
        {"nvidia_driver_open": False},
        "__nvidia_packages",
        ["kernel-devel-6.1.0-26-amd64", "cuda-drivers"],
    ),
    Case(
        "own-packages",
        "nvidia",
        missing("missing"),
        ["driver"],
        {"nvidia_driver_packages": ["my-driver"]},
        "__nvidia_packages",
        ["my-driver"],
    ),
    Case(
        "debian-repository",
        "nvidia",
        missing("missing"),
        ["driver"],
        {},
        "__nvidia_repository",
        "https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64",
    ),
    Case(
        "rocky-driver-repository",
        "nvidia",
        {**missing("missing"), "os": {**ROCKY, "machine": "aarch64"}},
        ["driver"],
        {},
        "__nvidia_repository",
        "https://developer.download.nvidia.com/compute/cuda/repos/rhel9/sbsa",
    ),
]


def evaluate(case: Case, variable: str) -> Any:
    """A variable of the role, as a task of it would see it."""
    role = ROOT / "roles" / case.role
    loader = DataLoader()
    known: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        known |= loader.load_from_file(str(role / part / "main.yml"), trusted_as_template=True)
    seen = {"slipway_host": combined(COMMON, case.saw)}
    search = {"ansible_search_path": [str(role)], "role_path": str(role)}
    return Templar(loader, {**known, **(case.set or {}), **search, "ansible_facts": seen}).template(
        trust_as_template(f"{{{{ {variable} }}}}")
    )


def topics(case: Case) -> list[str]:
    """What the role has to do."""
    return [topic for topic, needed in evaluate(case, f"__{case.role}_topics").items() if needed]


def combined(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Objects are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict) and key != "settings"
        merged[key] = combined(merged[key], value) if both else value
    return merged


def test_rules_that_stand_are_left_alone() -> None:
    saw = {"docker": OLD_ENGINE, **GUARD_LOADED}
    case = Case("", "docker", saw, [])
    written = {"__docker_guard_file": "__docker_guard_text", "__docker_guard_unit": "__docker_guard_unit_text"}
    seen = {
        evaluate(case, path): hashlib.sha256(evaluate(case, text).encode()).hexdigest()
        for path, text in written.items()
    }
    standing = {**saw, "docker": {**OLD_ENGINE, "guard": seen}}
    assert topics(Case("", "docker", standing, [])) == []
    assert topics(Case("", "docker", {**standing, "tables": []}, [])) == ["guard"]


def test_firewall_that_stands_is_left_alone_until_its_table_goes() -> None:
    saw = {"services": {"active": ["slipway-firewall"]}, "tables": ["inet slipway"]}
    case = Case("", "base", saw, [], {"base_firewall": True, "base_updates": False})
    written = {RULES: "__base_firewall_text", UNIT: "__base_firewall_unit_text"}
    files = {path: hashlib.sha256(evaluate(case, text).encode()).hexdigest() for path, text in written.items()}
    standing = case._replace(saw={**saw, "files": files})
    assert "firewall" not in topics(standing)
    assert "firewall" in topics(standing._replace(saw={**standing.saw, "tables": []}))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.role}-{case.name}")
def test_role_decides(case: Case) -> None:
    assert topics(case) == case.topics
    assert all((ROOT / "roles" / case.role / "tasks" / f"{topic}.yml").is_file() for topic in case.topics)
    if case.show:
        assert evaluate(case, case.show) == case.shown
