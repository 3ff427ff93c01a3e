"""`runner tunnel`: which ports here lead where. No ssh is run: the commands are only printed."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from runner import records
from tests import factories as make
from tests.cli.shell import Shell

POOL = "id: test\nproviders: {ssh: {hosts: {box: {address: 192.0.2.1}, den: {address: 192.0.2.2}}}}\n"


@pytest.fixture
def there(shell: Shell, free_port: Callable[[], int]) -> tuple[Shell, int]:
    """Two deployments at the same port of two hosts, and one on this machine."""
    port = free_port()
    shell.small.write("runner.yaml", POOL)
    for name, host in (("chat", "box"), ("talk", "den"), ("near", "")):
        where = f"provider: ssh\nmachine: {{host: {host}}}\n" if host else ""
        shell.small.deployment(name, f"template: app\n{where}ports: {{web: {port}, api: {port + 1}}}\n")
        want = shell.small.load().desired[name]
        machine = {"id": host, "host": host, "address": "192.0.2.1", "tunnel": True} if host else {"id": "x"}
        records.write(shell.small.repo, make.record(want, machine=machine))
        (shell.small.root / "deployments" / f"{name}.yaml").unlink()
    return shell, port


def forwards(command: list[str]) -> list[str]:
    return [command[index + 1] for index, word in enumerate(command) if word == "-L"]


def test_tunnel_takes_the_ports_of_the_service(there: tuple[Shell, int]) -> None:
    shell, port = there
    shown = shell("tunnel", "chat", "--json").json
    assert forwards(shown["command"]) == [f"127.0.0.1:{p}:127.0.0.1:{p}" for p in (port + 1, port)]
    assert sorted(shown["urls"]) == [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"]


def test_another_port_here_can_be_asked_for(there: tuple[Shell, int], free_port: Callable[[], int]) -> None:
    shell, port = there
    here = free_port()
    shown = shell("tunnel", "chat", "--port", f"web={here}", "--json").json
    assert f"127.0.0.1:{here}:127.0.0.1:{port}" in forwards(shown["command"])
    assert f"http://127.0.0.1:{here}" in shown["urls"]


def test_port_that_is_taken_here_moves_up_unless_it_was_asked_for(there: tuple[Shell, int]) -> None:
    shell, port = there
    with socket.create_server(("127.0.0.1", port)):
        shown = shell("tunnel", "chat", "--json").json
        assert f"127.0.0.1:{port}:127.0.0.1:{port}" not in forwards(shown["command"])
        assert any(word.endswith(f":127.0.0.1:{port}") for word in forwards(shown["command"]))
        answer = shell("tunnel", "chat", "--port", f"web={port}", "--json")
        assert (answer.code, answer.error) == (3, "port-taken")


def test_all_forwards_every_deployment_to_ports_of_its_own(there: tuple[Shell, int]) -> None:
    shell, _ = there
    shown = shell("tunnel", "--all", "--json").json["tunnels"]
    assert [row["name"] for row in shown] == ["chat", "talk"]
    here = [word.split(":")[1] for row in shown for word in forwards(row["command"])]
    assert len(here) == len({*here}) == 4


def test_what_runs_on_this_machine_needs_no_tunnel(there: tuple[Shell, int]) -> None:
    answer = there[0]("tunnel", "near")
    assert (answer.code, "near runs on this machine: http://127.0.0.1:" in answer.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "usage"),
        (("--all", "chat"), "usage"),
        (("chat", "talk", "--port", "1"), "usage"),
        (("chat", "--port", "9000"), "unknown-port"),
        (("chat", "--port", "wbe=9000"), "unknown-port"),
        (("chat", "--port", "web=0"), "bad-port"),
        (("chat", "--port", "web=99999999999999999999"), "bad-port"),
        (("chat", "--port", "web=-oX"), "bad-port"),
        (("nobody",), "unknown-deployment"),
    ],
)
def test_wrong_words_are_told(there: tuple[Shell, int], words: tuple[str, ...], code: str) -> None:
    answer = there[0]("tunnel", *words, "--json")
    assert (answer.code, answer.error) == (3, code)
