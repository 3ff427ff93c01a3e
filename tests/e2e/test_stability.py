"""A script that ends right after its first answer, on a host of its own: rolled back, and told as what it was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import world as look
from tests.e2e.world import World
from tests.lab import hosts, ready
from tests.lab.host import LabError
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]
NAME = "stable-1"
GOOD = 'exec python3 -m http.server --bind 127.0.0.1 --directory "$DATA" "$PORT"\n'
ENDS = (
    'python3 -m http.server --bind 127.0.0.1 --directory "$DATA" "$PORT" & sleep 2.5; kill %1\n'
    "python3 -c 'raise RuntimeError(\"out of oil\")'\n"
)


@pytest.fixture(scope="module")
def host() -> Host:
    ready.hosts(NAME)
    return hosts.reset(NAME, "host")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[World]:
    repository = look.build(Path(tmp_path_factory.mktemp("stable")))
    repository.add(host)
    yield repository
    look.end(repository, [host])


def script(repository: World, text: str) -> None:
    (repository.root / "board.sh").write_text(text)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    repository.deployment(
        "board",
        "template: custom-script\nprovider: ssh\nports: {web: 8091}\n"
        f"params: {{script: board.sh, sha256: {checksum}}}\nservice: {{health: {{path: /}}}}\n",
    )


def answers(host: Host) -> bool:
    try:
        return "Directory listing" in look.ask(host, 8091)
    except LabError:
        return False


def test_version_that_ends_after_its_first_answer_is_rolled_back(made: World, host: Host) -> None:
    script(made, GOOD)
    assert made.reconcile()["board"]["result"] == "changed"
    script(made, ENDS)
    row = made.reconcile(code=1)["board"]
    assert (row["result"], row["code"], row["rolled_back"]) == ("failed", "unhealthy", True)
    assert "but did not stay: the script ended by itself with status 1: RuntimeError: out of oil" in row["error"]
    assert look.until(lambda: answers(host))
    seen = made.json("status", "board")
    assert (seen["sync"], seen["health"]) == ("drifted", "healthy")
    assert seen["last_failure"]["rolled_back"]


def test_later_restarts_are_seen(made: World, host: Host) -> None:
    script(made, GOOD)
    assert made.reconcile()["board"]["result"] in ("ok", "changed")
    assert made.json("status", "board")["last_failure"] is None
    unit = f"slipway-{made.id}-board.service"
    for _ in range(3):
        hosts.console(host.name, "systemctl", "kill", "--kill-who=main", "--signal=KILL", unit)
        look.until(lambda: answers(host))
    seen = made.json("status", "board")
    assert (seen["health"], seen["health_reason"]) == ("degraded", "restarted 3 times in 10 minutes; see its log")
    assert made.actions(code=2) == {"board": "update"}
    made.reconcile()
    assert made.actions(code=0) == {"board": "none"}
