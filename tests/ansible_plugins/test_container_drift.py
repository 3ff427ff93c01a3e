"""The module `container` against a real engine: what somebody changed by hand is seen, shown and undone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ansible_plugins.box import CANARY, Box
from tests.ansible_plugins.box import box as make_box

pytestmark = pytest.mark.docker

SECRETS: dict[str, Any] = {"secret_env": ["TOKEN"]}
Made = dict[str, Any]


@pytest.fixture
def running() -> Iterator[Box]:
    with make_box() as made:
        assert made.call(**SECRETS)["changed"]
        yield made


def docker(*words: str) -> None:
    subprocess.run(["docker", *words], check=True, capture_output=True)


def made_anew(box: Box, by_hand: Callable[[Made], object]) -> None:
    """The same container with the same labels, but for what somebody does to the request. It is not started: the lab
    cannot start a privileged one.
    """
    made = box.docker.inspect(box.name)
    assert made
    body = {**made["Config"], "HostConfig": made["HostConfig"], "Hostname": ""}
    by_hand(body)
    box.docker.remove(box.name, force=True)
    box.docker.create(box.name, body)


def seen_and_undone(box: Box, *expected: tuple[str, Any, Any]) -> None:
    """A look says what differs and touches nothing; a run undoes it; the next one finds nothing."""
    rows = [{"field": field, "before": before, "after": after} for field, before, after in expected]
    before = box.id()
    look = box.call(check=True, **SECRETS)
    assert (look["differences"], look["changed"], box.id()) == (rows, True, before)
    assert box.call(**SECRETS)["differences"] == rows
    again = box.call(**SECRETS)
    assert (again["changed"], again["differences"]) == (False, [])


@pytest.mark.parametrize(
    ("words", "field", "before", "after"),
    [
        (("--restart=no",), "restart", "never", "unless-stopped"),
        (("--restart=on-failure:3",), "restart", "on-failure, 3 times", "unless-stopped"),
        (("--memory=64m", "--memory-swap=64m"), "memory", "64 MB", None),
        (("--cpus=0.5",), "cpus", 0.5, None),
        (("--cpu-shares=512",), "cpu_shares", 512, None),
        (("--pids-limit=100",), "pids_limit", 100, None),
    ],
    ids=str,
)
def test_update_by_hand_is_seen(running: Box, words: tuple[str, ...], field: str, before: Any, after: Any) -> None:
    docker("update", *words, running.name)
    seen_and_undone(running, (field, before, after))


def test_network_joined_by_hand_is_seen(running: Box) -> None:
    network = f"{running.name}-net"
    docker("network", "create", network)
    try:
        docker("network", "connect", network, running.name)
        seen_and_undone(running, ("network", f"bridge, {network}", ""))
    finally:
        docker("network", "rm", network)


@pytest.mark.parametrize(
    ("by_hand", "field", "before", "after"),
    [
        (lambda made: made["HostConfig"].update(Privileged=True), "privileged", True, None),
        (lambda made: made["HostConfig"].update(CapAdd=["NET_ADMIN"]), "cap_add", ["NET_ADMIN"], None),
        (lambda made: made.update(Entrypoint=["/bin/env"]), "entrypoint", ["/bin/env"], None),
        (lambda made: made.update(User="1000"), "user", "1000", ""),
        (lambda made: made["HostConfig"].update(Binds=["/srv:/host"]), "volumes./srv", "/host", None),
        (lambda made: made["Labels"].update({"slipway-digest": "x"}), "labels.slipway-digest", "x", "d1"),
        (lambda made: made["Env"].append("MORE=unknown-to-us"), "env.MORE", "********", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_container_made_anew_by_hand_is_seen(
    running: Box, by_hand: Callable[[Made], object], field: str, before: Any, after: Any
) -> None:
    made_anew(running, by_hand)
    seen_and_undone(running, (field, before, after))


def test_open_port_lost_volume_and_other_command_are_seen(running: Box) -> None:
    port, command = running.wanted["ports"][0]["host"], ["sleep", "1000"]

    def by_hand(made: Made) -> None:
        made["HostConfig"]["PortBindings"]["8080/tcp"][0]["HostIp"] = "0.0.0.0"
        made["HostConfig"]["Mounts"] = []
        made["Cmd"] = command

    made_anew(running, by_hand)
    seen_and_undone(
        running,
        ("command", command, running.wanted["command"]),
        ("ports", [f"0.0.0.0:{port}:8080/tcp"], [f"127.0.0.1:{port}:8080/tcp"]),
        (f"volumes.{running.volume}", None, "/data"),
    )


def test_variables_are_shown_unless_they_are_secret(running: Box) -> None:
    def by_hand(made: Made) -> None:
        made["Env"] = ["TOKEN=another-secret-of-somebody", "COLOUR=green", "DEBUG=true"]

    made_anew(running, by_hand)
    answer = running.call(check=True, **SECRETS)
    assert answer["differences"] == [
        {"field": "env.COLOUR", "before": "green", "after": "red"},
        {"field": "env.LEVEL", "before": None, "after": "1"},
        {"field": "env.TOKEN", "before": "********", "after": "******** (another value)"},
    ]
    hidden = running.call(check=True)  # nobody says what is secret: all of it
    assert {row["before"] for row in hidden["differences"]} == {"********", None}
    assert "another-secret" not in running.said
    assert CANARY not in running.said


def test_image_that_is_gone_leaves_the_rest_comparable(running: Box) -> None:
    """An engine drops the old image by force, or after its tag has moved."""
    from runner.ansible_plugins.module_utils.container_seen import differences
    from runner.ansible_plugins.module_utils.container_spec import ContainerSpec

    container = running.docker.inspect(running.name)
    assert container
    options = {"shm_gb": 0, "user": "", "gpus": "none", "restart": "unless-stopped", "network": ""}
    ports = [{"bind": "127.0.0.1", "protocol": "tcp", **running.wanted["ports"][0]}]
    spec = ContainerSpec({**options, **running.wanted, "ports": ports})
    assert differences(spec, container, None) == {"before": {}, "after": {}}
