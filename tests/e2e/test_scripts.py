"""A script of the repository on a host without rights, another one from a URL, and what is not let through."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e import world as look
from tests.e2e.proofs import CHECKSUM, SCRIPT
from tests.e2e.world import World
from tests.lab import hosts
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

CANARY = "canary-5up3r-s3cret"
HEAD = "template: custom-script\nprovider: ssh\n"


@pytest.fixture(scope="module")
def host(machines: list[Host]) -> Host:
    return machines[2]


@pytest.fixture(scope="module")
def board(repository: World, host: Host) -> World:
    """One script, running."""
    repository.add(host)
    shutil.copy(Path(__file__).parent / SCRIPT, repository.root)
    repository.env["WORD"] = CANARY
    wanted = f"params: {{script: {SCRIPT}, sha256: {CHECKSUM}}}\nsecrets: {{WORD: env:WORD}}\n"
    repository.deployment("board", HEAD + wanted)
    assert repository.reconcile()["board"]["result"] == "changed"
    return repository


def test_script_has_no_rights(board: World, host: Host) -> None:
    page = look.ask(host, 8091)
    assert "NoNewPrivs:\t1" in page
    assert "CapEff:\t0000000000000000" in page
    assert "user 0\n" not in page
    written = {line.removeprefix("writes ") for line in page.splitlines() if line.startswith("writes ")}
    assert written == {f"/var/lib/slipway-{board.id}-board/x", "/tmp/x"}
    assert "docker.sock" not in page


def test_secret_is_known_to_the_script_only(board: World, host: Host) -> None:
    assert CANARY in look.ask(host, 8091)
    assert look.processes(CANARY) == []
    found = hosts.console(
        host.name, "sh", "-c",
        f"grep -rl {CANARY} /etc/systemd /var/lib/slipway; grep -al {CANARY} /proc/[0-9]*/cmdline; true",
    )  # fmt: skip
    files = [line for line in found.split() if not line.startswith("/proc")]
    assert files == [f"/var/lib/slipway/units/{board.id}-board/environment"]
    assert hosts.console(host.name, "stat", "-c", "%a %U", files[0]) == "600 root\n"
    assert not [path for path, content in board.written() if CANARY.encode() in content]


def test_it_comes_back_with_the_machine(board: World, host: Host) -> None:
    asked = ("systemctl", "is-enabled", f"slipway-{board.id}-board.service")
    assert hosts.console(host.name, *asked) == "enabled\n"


def test_script_comes_from_a_url(board: World, host: Host) -> None:
    source = "http://127.0.0.1:8091/itself.sh"  # the one that runs serves its own text
    more = "service: {ports: {web: 8092}, command: [unused]}\n"
    board.deployment("fetched", f"{HEAD}params: {{script: {source!r}, sha256: {CHECKSUM}}}\n{more}")
    assert board.reconcile("fetched")["fetched"]["result"] == "changed"
    assert "word none" in look.ask(host, 8092)
    assert board.actions(code=0) == {"board": "none", "fetched": "none"}


def test_other_script_behind_the_url_does_not_run(board: World) -> None:
    wrong = f"{HEAD}params: {{script: 'http://127.0.0.1:8091/starts', sha256: {CHECKSUM}}}\nports: {{web: 8093}}\n"
    board.deployment("wrong", wrong)
    row = board.reconcile("wrong", code=1)["wrong"]
    assert row["result"] == "failed"
    assert "checksum" in row["error"]
    board.ok("destroy", "wrong", "--yes")


def test_version_that_listens_to_the_outside_is_taken_back(board: World, host: Host) -> None:
    file = board.root / "deployments" / "board.yaml"
    kept = file.read_text()
    file.write_text(kept + "env: {BIND: 0.0.0.0}\n")
    row = board.reconcile("board", code=1)["board"]
    assert "it listens on 0.0.0.0:8091, where everybody can reach it. The previous version was put back" in row["error"]
    assert look.listening(host.name)[8091] == {"127.0.0.1"}
    file.write_text(kept)
    assert board.reconcile("board")["board"]["result"] == "changed"


def test_deep_look_finds_what_was_changed_by_hand(board: World, host: Host) -> None:
    assert board.json("drift", "--deep")["deployments"] == []
    unit = f"/etc/systemd/system/slipway-{board.id}-board.service"
    hosts.console(host.name, "sed", "-i", "s/NoNewPrivileges=yes/NoNewPrivileges=no/", unit)
    [row] = board.json("drift", "--deep", code=2)["deployments"]
    assert row["name"] == "board"
    assert row["changes"] == [{"field": "unit.NoNewPrivileges", "before": "no", "after": "yes"}]
    board.ok("restart", "board")
    assert "NoNewPrivs:\t1" in look.ask(host, 8091)


def test_destroyed_scripts_leave_nothing(board: World, host: Host) -> None:
    for name in ("board", "fetched"):
        board.ok("destroy", name, "--yes")
    left = hosts.console(
        host.name, "sh", "-c", "ls /var/lib/slipway/units /var/lib/private /etc/systemd/system /var/lib"
    )
    assert board.id not in left
    assert look.listening(host.name).keys().isdisjoint({8091, 8092})
