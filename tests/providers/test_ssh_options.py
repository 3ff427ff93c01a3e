"""What may be written about SSH hosts, and the faults of what may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from runner.faults import of_model
from runner.providers.ssh.options import Options, SshSettings
from runner.providers.ssh.provider import Provider
from tests import factories
from tests.small import APP, Small, told

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY3"
POOL = "id: test\nproviders:\n  ssh:\n    hosts:\n      gpu-1: {address: 192.0.2.10, gpu: L4, gpus: 1, vram_gb: 24}\n"


def faults(model: Any, data: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return [(".".join(map(str, fault.path)), fault.message) for fault in of_model(caught.value, model, data)]


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ({"host": "gpu-1", "address": "192.0.2.10"}, "", "names both host and address; give one of them"),
        ({"host": "gpu-1", "key": "~/.ssh/id"}, "", "says how to log in but names no address"),
        ({"become_password": "env:X"}, "", "says how to log in but names no address"),
        ({"jump": "door"}, "", "says how to log in but names no address"),
        ({"host_key": KEY}, "", "says how to log in but names no address"),
        ({"address": "-oProxyCommand=sh"}, "address", "address must be"),
        ({"address": "a b"}, "address", "address must be"),
        ({"address": "a$(id)"}, "address", "address must be"),
        ({"address": "x", "user": "-l"}, "user", "user must be"),
        ({"address": "x", "user": "a;b"}, "user", "user must be"),
        ({"address": "x", "jump": "-oProxyCommand=sh"}, "jump", "jump must be"),
        ({"address": "x", "jump": "a b"}, "jump", "jump must be"),
        ({"address": "me@gpu.example.com"}, "address", "names a user too; write it as user:"),
        ({"address": "192.0.2.10:2222"}, "address", "names a port too; write it as port:"),
        ({"address": "[2001:db8::1]"}, "address", "must be without brackets"),
        ({"address": "[2001:db8::1]:22"}, "address", "must be without brackets"),
        ({"address": "fe80::1%eth0"}, "address", "names an interface of this machine"),
        ({"address": "2001:db8::g"}, "address", "address must be a name or an address"),
        ({"address": "x", "jump": "a,b"}, "jump", "names several hosts; put them into providers.ssh.hosts"),
        ({"address": "x", "jump": "2001:db8::1:x"}, "jump", "an IPv6 address with a port needs brackets"),
        ({"address": "x", "key": "~/.ssh/id_ed25519.pub"}, "key", "is the public half; name the file without .pub"),
        ({"address": "x", "host_key": "bla"}, "host_key", "must be a public key in one line"),
        ({"address": "x", "host_key": "ssh-ed25519 garbage"}, "host_key", "must be a public key in one line"),
        ({"address": "x", "host_key": KEY.replace("ed25519", "rsa")}, "host_key", "must be a public key"),
        ({"address": "x", "host_key": f"gpu.example.com {KEY}"}, "host_key", "must be a public key"),
        ({"address": "x", "host_key": f"{KEY}\n* {KEY}"}, "host_key", "must be a public key in one line"),
        ({"address": "x", "host_key": "SHA256:abc"}, "host_key", "runner trust HOST --fingerprint"),
        ({"host": "Gpu_1"}, "host", "host must match"),
        ({"address": "x", "port": 0}, "port", "port must"),
        ({"address": "x", "port": 65536}, "port", "port must"),
        ({"address": "x", "become_password": "hunter2"}, "become_password", "never the secret itself"),
        ({"address": "x", "become_password": "generate"}, "become_password", "the host does not know"),
        ({"gpus": -1}, "gpus", "gpus must be greater than or equal to 0"),
        ({"adress": "x"}, "adress", "adress is not a known field"),
    ],
)
def test_machine_that_cannot_be_meant(data: dict[str, Any], field: str, message: str) -> None:
    [(where, said)] = faults(Options, data)
    assert where == field
    assert message in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("host", "field"),
    [
        ({}, "address"),
        ({"address": "--help"}, "address"),
        ({"address": "x", "user": "CORP\\\\ada"}, "user"),
        ({"address": "x", "become_password": "hunter2"}, "become_password"),
        ({"address": "x", "password": "hunter2"}, "password"),
        ({"address": "x", "gpus": 1.5}, "gpus"),
        ({"address": "x", "vram_gb": -1}, "vram_gb"),
    ],
)
def test_host_of_the_pool_that_cannot_be_meant(host: dict[str, Any], field: str) -> None:
    [(where, said)] = faults(SshSettings, {"hosts": {"gpu-1": host}})
    assert where == f"hosts.gpu-1.{field}"
    assert "hunter2" not in said


@pytest.mark.parametrize("name", ["", "GPU", "a b", "-a", "../x", "x" * 70])
def test_host_has_a_name_that_can_be_a_file(name: str) -> None:
    assert faults(SshSettings, {"hosts": {name: {"address": "x"}}})


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"host": "gpu-1"},
        {"host": "gpu-1", "gpus": 2},
        {"gpu": "L4", "vram_gb": 24, "ram_gb": 16, "disk_gb": 100},
        {"address": "gpu.example.com"},
        {"address": "::1", "user": "ada.l@corp.example", "jump": "[2001:db8::7]:2222", "host_key": f"{KEY} root@x"},
        {"address": "2001:db8::1", "port": 2222, "user": "ubuntu", "key": "~/.ssh/id", "jump": "me@door:2222"},
        {"address": "192.0.2.10", "become_password": "env:SUDO", "host_key": KEY, "user": "ubuntu"},
    ],
)
def test_machine_that_can_be_meant(data: dict[str, Any]) -> None:
    assert Options.model_validate(data).model_dump(exclude_unset=True) == data


def test_only_where_it_is_forces_a_replacement() -> None:
    fixed = {
        name
        for name, field in Options.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("in_place") is False
    }
    assert fixed == {"host", "address", "port"}


@pytest.fixture
def small(tmp_path: Path) -> Small:
    small = Small(tmp_path / "repo")
    small.write("runner.yaml", POOL)
    return small


@pytest.mark.parametrize(
    ("machine", "fixed"),
    [
        ("host: gpu-1", {"machine.host", "machine.address", "machine.port"}),
        ("address: 192.0.2.9", {"machine.address", "machine.port"}),
        ("gpu: L4", {"machine.address", "machine.port"}),  # it was named before: where it is, it may stay
    ],
)
def test_host_that_is_no_longer_named_stays_chosen(small: Small, machine: str, fixed: set[str]) -> None:
    small.deployment("web", f"template: app\nprovider: ssh\nmachine: {{{machine}}}\n")
    assert set(small.load().desired["web"].fixed) == fixed


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        ("host: gpu-2", "ssh: gpu-2 is not in providers.ssh.hosts (known: gpu-1)"),
        ("gpu: A100", "ssh: no host of the pool fits: gpu-1 has L4, not A100"),
        ("host: gpu-1, gpus: 2", "ssh: gpu-1 has 1 of 1 GPUs free, not 2"),
        ("vram_gb: 48", "ssh: no host of the pool fits: gpu-1 has 24 GB of GPU memory, not 48"),
    ],
)
def test_what_can_never_be_is_a_fault_of_the_file(small: Small, machine: str, message: str) -> None:
    small.deployment("web", f"template: app\nprovider: ssh\nmachine: {{{machine}}}\n")
    [(where, code, field, said, _)] = told(small.load().problems)
    assert (where, code, field, said) == ("deployments/web.yaml:3", "does-not-fit", "machine", message)


def test_second_on_the_only_gpu_is_a_fault_of_its_file(small: Small) -> None:
    small.write(
        "templates/gpu.yaml", APP.replace("category: custom", "category: custom\nrequirements: {gpu: required}")
    )
    for number, name in enumerate(("one", "two", "gone")):
        state = "state: absent\n" if name == "gone" else ""
        ports = f"ports: {{web: {9000 + number}, api: {9100 + number}}}\n"
        small.deployment(name, f"template: gpu\nprovider: ssh\nmachine: {{host: gpu-1}}\n{ports}{state}")
    for _ in range(2):  # the second time from the cache
        loaded = small.load(use_cache=True)
        assert told(loaded.problems) == [
            (
                *("deployments/two.yaml:3", "does-not-fit", "machine"),
                "gpu-1 has 0 of 1 GPUs free, not 1; taken by: one",
                "name another host, or take no GPU: machine: {gpu: none}",
            )
        ]


@pytest.mark.parametrize(
    ("machine", "seen"),
    [
        ("host: gpu-1", "L4 24"),
        ("host: gpu-1, gpu: none", " 24"),
        ("gpu: L4", "L4 0"),
        ("address: 192.0.2.9, gpu: T4", "T4 0"),
        ("address: 192.0.2.9", " 0"),
    ],
)
def test_template_sees_the_gpu_of_the_host_that_is_named(small: Small, machine: str, seen: str) -> None:
    show = 'env: {SEEN: "{{ machine.gpu }} {{ machine.vram_gb | int }}", '
    small.write("templates/app.yaml", APP.replace("env: {", show, 1))
    small.deployment("web", f"template: app\nprovider: ssh\nmachine: {{{machine}}}\n")
    assert small.load().desired["web"].spec["service"]["env"]["SEEN"] == seen


@pytest.mark.parametrize(
    ("uses", "machine", "asked"),
    [
        ("optional", "host: gpu-1", "auto"),
        ("optional", "host: gpu-1, gpu: none", "none"),
        ("optional", "address: 192.0.2.9, gpu: none", "none"),
        ("none", "host: gpu-1", "none"),
        ("required", "host: gpu-1", "all"),
    ],
)
def test_gpu_that_is_for_others_is_not_asked_for(small: Small, uses: str, machine: str, asked: str) -> None:
    """Neither given to the container, nor is a driver for it installed."""
    small.write(
        "templates/app.yaml", APP.replace("category: custom", f"category: custom\nrequirements: {{gpu: {uses}}}")
    )
    small.deployment("web", f"template: app\nprovider: ssh\nmachine: {{{machine}}}\n")
    assert small.load().desired["web"].spec["service"]["gpus"] == asked


def test_empty_pool_says_what_to_do(small: Small) -> None:
    small.write("runner.yaml", "id: test\n")
    small.deployment("web", "template: app\nprovider: ssh\n")
    [(*_, said, _)] = told(small.load().problems)
    assert "providers.ssh.hosts of runner.yaml is empty; name an address, or add hosts" in said


def test_two_on_one_host_cannot_have_one_port(small: Small) -> None:
    for name in ("one", "two"):
        small.deployment(name, "template: app\nprovider: ssh\nmachine: {host: gpu-1}\n")
    problems = told(small.load().problems)
    assert {row[1:3] for row in problems} == {("port-conflict", "ports.web"), ("port-conflict", "ports.api")}
    assert "is also used by one on the same machine" in problems[0][3]


def test_place_is_known_where_the_host_is_named() -> None:
    assert Provider.place({"host": "gpu-1", "port": 22}) == "ssh:gpu-1"
    assert Provider.place({"address": "192.0.2.10", "port": 2222}) == "ssh:192.0.2.10:2222"
    assert Provider.place({"gpu": "L4", "port": 22}) == ""


def test_pool_tells_templates_of_the_named_host_only() -> None:
    settings = {"hosts": {"gpu-1": {"address": "x", "gpu": "L4", "gpus": 1, "vram_gb": 24, "ram_gb": 0}}}
    assert Provider.known({"host": "gpu-1"}, settings) == {"gpu": "L4", "vram_gb": 24}
    assert Provider.known({}, settings) == Provider.known({"host": "other"}, settings) == {}


def test_own_hardware_is_free() -> None:
    assert Provider.price({}) == {"hourly": 0.0, "currency": "USD", "source": "own hardware", "as_of": ""}


def test_address_is_taken_as_it_is() -> None:
    spec = factories.spec(machine={"address": "192.0.2.10", "gpus": 8})
    assert Provider.misfit(spec, {}) == ""
