"""What can go wrong with one deployment: it is named, it stops nobody else, and it heals once its cause is gone."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.world import World, ask, processes, refuses

HASTY = "timeout_s: 3"
KNOWN_BEFORE = {"taken", "secretless"}
"""What the plan says, and so nobody begins."""
NAMES = ("good", "taken", "ending", "unwell", "bare", "secretless")


class Foreigner(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not here."""


@pytest.fixture(scope="module")
def ports(port: Callable[[], int]) -> dict[str, int]:
    return {name: port() for name in NAMES}


@pytest.fixture(scope="module")
def foreigner(ports: dict[str, int]) -> Iterator[http.server.ThreadingHTTPServer]:
    """Somebody else's service on the port of `taken`. It would even pass the health check."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", ports["taken"]), Foreigner)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def hasty(shared: World) -> World:
    """With a template that does not wait long, and one that asks for a package that nobody has."""
    text = (shared.root / "templates" / "beacon.yaml").read_text()
    shared.template("hasty", text.replace("timeout_s: 20", HASTY))
    shared.template(
        "bare",
        text[: text.index("    packages:")]
        + "    packages: [slipway-no-such-package==1.0]\n"
        + text[text.index("    command:") :],
    )
    return shared


def results(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What became of each: what the plan blocked was not begun."""
    blocked = [action for action in document["plan"]["actions"] if action["action"] == "blocked"]
    told = {one["deployment"]: {**one, "result": "blocked", "error": one["reason"]} for one in blocked}
    return told | {row["deployment"]: row for row in document["results"]}


@pytest.fixture(scope="module")
def failed(hasty: World, ports: dict[str, int], foreigner: object) -> dict[str, dict[str, Any]]:
    """One reconcile of one that works and five that do not."""
    hasty.beacon("good", ports["good"])
    hasty.beacon("taken", ports["taken"])
    hasty.beacon("ending", ports["ending"], "env: {BEACON_ENDS: no more oil}\n")
    hasty.beacon("unwell", ports["unwell"], "env: {BEACON_STATUS: 500}\n")
    hasty.beacon("bare", ports["bare"])
    hasty.beacon("secretless", ports["secretless"], "secrets: {NEEDED: env:SLIPWAY_TEST_NEEDED}\n")
    for name, template in (("ending", "hasty"), ("unwell", "hasty"), ("bare", "bare")):
        file = hasty.root / "deployments" / f"{name}.yaml"
        file.write_text(file.read_text().replace("template: beacon", f"template: {template}"))
    return results(hasty.json("reconcile", "--yes", code=1))


def test_one_run_and_the_good_one_works(hasty: World, ports: dict[str, int], failed: dict[str, Any]) -> None:
    assert len(hasty.runs()) == 1
    assert failed["good"]["result"] == "changed"
    assert ask(ports["good"])["env"]["WORD"] == "hello"
    assert hasty.actions("good", code=0) == {"good": "none"}
    assert hasty.leftovers() == []


@pytest.mark.parametrize(
    ("name", "code", "cause", "advice"),
    [
        ("taken", "port-taken", "port {port} (web) of this machine is used by {program} (pid {pid})", "ports: {{web: "),
        ("ending", "unhealthy", "no more oil", "runner logs ending"),
        ("unwell", "unhealthy", "GET / answered 500 instead of 200", "runner logs unwell"),
        ("bare", "packages", "slipway-no-such-package", "the packages of its template"),
        (
            "secretless",
            "missing-secret-value",
            "the secret NEEDED (env:SLIPWAY_TEST_NEEDED) has no value",
            "export SLIPWAY_TEST_NEEDED",
        ),
    ],
)
def test_failure_has_its_cause_and_a_next_step(  # noqa: PLR0913, PLR0917 - a row of the table
    name: str, code: str, cause: str, advice: str, ports: dict[str, int], failed: dict[str, Any]
) -> None:
    row = failed[name]
    program = Path("/proc/self/comm").read_text().strip()
    assert (row["result"], row["code"]) == ("blocked" if name in KNOWN_BEFORE else "failed", code)
    assert cause.format(port=ports[name], program=program, pid=os.getpid()) in row["error"] + row.get("log", "")
    assert advice.format() in row["hint"]


def test_failed_creates_leave_nothing_running(hasty: World, ports: dict[str, int], failed: dict[str, Any]) -> None:
    left = [name for name in NAMES if processes(f"{hasty.home}/services/{name}/")]
    assert left == ["good"]
    assert all(refuses(ports[name]) for name in NAMES if name not in ("good", "taken"))
    actions = hasty.actions(code=4)
    assert set(actions.values()) == {"none", "update", "blocked"}
    assert {name for name, action in actions.items() if action == "blocked"} == KNOWN_BEFORE


@pytest.fixture(scope="module")
def cleared(hasty: World, failed: dict[str, Any]) -> World:
    """Two of those that failed are no longer wanted."""
    for name in ("bare", "unwell"):
        (hasty.root / "deployments" / f"{name}.yaml").unlink()
    hasty.ok("reconcile", "bare", "unwell", "--yes", "--allow-destroy")
    return hasty


def test_failed_create_whose_file_is_deleted_goes_without_a_trace(cleared: World) -> None:
    assert (cleared.traces("bare"), cleared.traces("unwell")) == ([], [])


@pytest.fixture(scope="module")
def healed(cleared: World, ports: dict[str, int]) -> World:
    """The rest has its cause removed: a port of its own, a command that stays, the missing secret."""
    cleared.beacon("taken", ports["unwell"])
    cleared.beacon("ending", ports["ending"])
    done = cleared.json("reconcile", "--yes", env={"SLIPWAY_TEST_NEEDED": "here it is"})
    assert {row["result"] for row in done["results"]} == {"changed"}
    return cleared


def test_converges_once_the_causes_are_gone(healed: World, ports: dict[str, int]) -> None:
    assert set(healed.actions(code=0).values()) == {"none"}
    assert ask(ports["secretless"])["env"]["NEEDED"] == "here it is"
    assert [ask(ports[name])["env"]["WORD"] for name in ("unwell", "ending")] == ["hello", "hello"]
    assert healed.leftovers() == []


def test_failed_update_puts_the_previous_version_back(healed: World, ports: dict[str, int], foreigner: object) -> None:
    file = healed.beacon("good", ports["good"], "params: {word: worse}\nenv: {BEACON_STATUS: 503}\n")
    file.write_text(file.read_text().replace("template: beacon", "template: hasty"))
    healed.beacon("ending", ports["taken"], "params: {word: elsewhere}\n")  # the foreigner's port
    rows = results(healed.json("reconcile", "good", "ending", "--yes", code=1))
    assert "503" in rows["good"]["error"]
    assert "The previous version was put back" in rows["good"]["error"]
    assert rows["ending"]["code"] == "port-taken"
    for name in ("good", "ending"):
        assert ask(ports[name])["env"]["WORD"] == "hello"
        assert len(healed.environments(name)) == 1
    assert healed.actions("good", "ending", code=4) == {"good": "update", "ending": "blocked"}


def test_two_services_swap_their_ports_in_one_run(healed: World, ports: dict[str, int]) -> None:
    healed.beacon("good", ports["ending"], "params: {word: good}\n")
    healed.beacon("ending", ports["good"], "params: {word: ending}\n")
    healed.ok("reconcile", "good", "ending", "--yes")
    assert healed.actions("good", "ending", code=0) == {"good": "none", "ending": "none"}
    assert ask(ports["ending"])["env"]["WORD"] == "good"
    assert ask(ports["good"])["env"]["WORD"] == "ending"
