"""What goes wrong while hosts are worked on: each failure has a name and a next step, stops nobody else, destroys
nothing, and after the repair one more reconcile is all it takes.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e import world as look
from tests.e2e.world import World
from tests.lab import hosts, ready
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

PORTS = {"full": 8201, "patient": 8202, "engine": 8203, "imageless": 8204, "ill": 8205, "lost": 8206}
MISSING = "params: {image: 'registry.lab:5000/slipway-lab/no-such-image:1'}\n"
DEAF = "params: {listen: 9999}\n"
"""It runs, but does not listen where it should: health never comes."""
NOW_S = 180
"""How long one step of a reconcile may take on a busy machine."""
UNTIL_OPENED = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
seen = libc.inotify_init()
libc.inotify_add_watch(seen, sys.argv[1].encode(), 0x20)  # IN_OPEN
os.read(seen, 4096)
"""
"""Ends when the next process opens a file: whoever waits for a lock looks at it again and again."""


class Case:
    """Six deployments on three hosts: `full` and `patient` on the first, `lost` on the last."""

    def __init__(self, world: World, machines: list[Host]) -> None:
        self.world = world
        self.one, self.two, self.three = machines
        for host in machines:
            world.add(host)
        slow = world.root / "templates" / "slow.yaml"
        spark = (world.root / "templates" / "spark.yaml").read_text()
        slow.write_text(spark.replace("timeout_s: 4", "timeout_s: 300"))

    def host_of(self, name: str) -> Host:
        return {"full": self.one, "patient": self.one, "lost": self.three}.get(name, self.two)

    def want(self, name: str, text: str = "", template: str = "spark") -> None:
        file = self.world.spark(name, PORTS[name], f"host: {self.host_of(name).name}", text)
        file.write_text(file.read_text().replace("template: spark", f"template: {template}"))

    def begins(self, name: str, step: str) -> bool:
        """Whether the apply that runs now has come to a step of a deployment."""
        seen = {(e["deployment"], e["step"], e["status"]) for e in self.world.events()}
        return (name, step, "started") in seen and (name, step, "failed") not in seen

    def answers(self) -> dict[str, str]:
        return {name: look.ask(self.host_of(name), port).strip() for name, port in PORTS.items()}


def outcome(results: dict[str, dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {name: (row["result"], row["code"]) for name, row in results.items()}


@pytest.fixture(scope="module")
def case(empty: World, rented: list[Host]) -> Case:
    return Case(empty, rented)


# --- the first time ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first(case: Case) -> dict[str, dict[str, Any]]:
    """One reconcile: the first host has a full disk and a busy apt, the second a stopped Docker, the third dies."""
    [large] = ready.pullable("ollama-stand-in")
    case.want("full", f"params: {{image: {large!r}}}\n")
    case.want("engine")
    case.want("imageless", MISSING)
    case.want("ill", DEAF)
    case.want("lost", template="slow")
    hosts.console(case.one.name, "sh", "-c", f"docker image rm -f {large} 2>/dev/null; true")
    hosts.fill_disk(case.one.name)
    for host in (case.one, case.three):  # so that there is something to install
        hosts.console(host.name, "sh", "-c", "dpkg --purge unattended-upgrades >/dev/null 2>&1; true")
        hosts.hold_apt_lock(host.name, 900)
    hosts.break_docker(case.two.name, "stopped")
    process = case.world.start("--json", "reconcile", "--yes")
    packages = "Ensure the packages are installed"
    look.until(lambda: case.begins("full", packages) and case.begins("lost", packages), NOW_S)
    lock = "/var/lib/dpkg/lock-frontend"
    hosts.console(case.one.name, "timeout", str(NOW_S), "python3", "-c", UNTIL_OPENED, lock)
    hosts.stop(case.three.name)
    look.until(lambda: any(e["status"] == "unreachable" for e in case.world.events()), NOW_S)
    hosts.release_apt_lock(case.one.name)
    said, errors = process.communicate(timeout=2 * NOW_S)
    assert process.returncode == 1, errors
    return {row["deployment"]: row for row in json.loads(said)["results"]}


def test_every_failure_has_a_name_and_stops_nobody_else(first: dict[str, dict[str, Any]]) -> None:
    assert outcome(first) == {
        "full": ("failed", "disk-full"),
        "engine": ("changed", ""),
        "imageless": ("failed", "image-not-found"),
        "ill": ("failed", "unhealthy"),
        "lost": ("failed", "unreachable"),
    }


@pytest.mark.parametrize(
    ("name", "cause", "cure"),
    [
        ("full", "the disk of this host is full", "or give the machine a larger disk"),
        ("imageless", "no-such-image:1 was not found", "check its name and tag"),
        ("ill", "I say hello", "runner logs ill"),
        ("lost", "it went away in the middle", "the same command goes on from here"),
    ],
)
def test_failure_says_what_to_do(first: dict[str, dict[str, Any]], name: str, cause: str, cure: str) -> None:
    assert cause in first[name]["error"] + first[name]["log"]
    assert cure in first[name]["error"] + first[name]["hint"]


def test_busy_apt_is_waited_for_by_name(case: Case, first: object) -> None:
    [said] = [e["message"] for e in case.world.events() if e["deployment"] == "full" and "waited" in e["message"]]
    assert said.startswith("waited ")
    assert "python3" in said


def test_docker_that_was_stopped_runs_again(case: Case, first: object) -> None:
    assert look.ask(case.two, PORTS["engine"]) == "hello\n\n"


def test_host_that_is_gone_blocks_only_what_is_on_it(case: Case, first: object) -> None:
    plan = case.world.plan(code=4)
    assert (plan["lost"]["action"], plan["lost"]["code"]) == ("blocked", "unreachable")
    assert plan["engine"]["action"] == "none"
    assert plan["full"]["action"] in ("create", "update")


@pytest.fixture(scope="module")
def mended(case: Case, first: object) -> dict[str, dict[str, Any]]:
    """What the reconcile after the repairs did. The small disk is thrown away with what was on it."""
    hosts.free_disk(case.one.name)
    hosts.ensure([case.three.name], "host-docker")
    for name in ("full", "patient", "imageless", "ill"):
        case.want(name)
    hosts.console(case.two.name, "docker", "rm", "-f", case.world.container("engine"))  # somebody's mistake
    document = case.world.json("reconcile", "--yes")
    reasons = {action["deployment"]: action["reason"] for action in document["plan"]["actions"]}
    assert reasons["engine"] == "it was running and is gone"
    return {row["deployment"]: row for row in document["results"]}


def test_one_reconcile_after_the_repairs_is_enough(case: Case, mended: dict[str, dict[str, Any]]) -> None:
    assert outcome(mended) == dict.fromkeys(PORTS, ("changed", ""))
    assert set(case.world.actions(code=0).values()) == {"none"}
    assert case.answers() == dict.fromkeys(PORTS, "hello")


# --- what runs already ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def second(case: Case, mended: object) -> dict[str, dict[str, Any]]:
    """One reconcile: Docker of the first host cannot start, updates on the second fail, the third reboots."""
    hosts.break_docker(case.one.name, "config")
    case.want("imageless", MISSING)
    case.want("ill", DEAF)
    case.want("lost", DEAF, template="slow")
    process = case.world.start("--json", "reconcile", "--yes")
    new = case.world.container("lost")

    def replaced() -> bool:
        found = look.containers(case.three.name)
        return found.get(new) == "running" and f"{new}.previous" in found

    look.until(replaced, NOW_S)
    hosts.restart(case.three.name)
    said, errors = process.communicate(timeout=2 * NOW_S)
    assert process.returncode == 1, errors
    document = json.loads(said)
    assert {a["deployment"]: a["action"] for a in document["plan"]["actions"]} == {
        **dict.fromkeys(("full", "patient"), "start"),
        **dict.fromkeys(("ill", "lost"), "update"),
        "imageless": "blocked",  # this host's engine runs, and could ask for the image
        "engine": "none",
    }
    codes = {a["deployment"]: a["code"] for a in document["plan"]["actions"]}
    assert codes["imageless"] == "image-not-found"
    return {row["deployment"]: row for row in document["results"]}


def test_failures_of_what_runs_have_names(second: dict[str, dict[str, Any]]) -> None:
    assert outcome(second) == {
        "full": ("failed", "docker-settings"),
        "patient": ("failed", "machine-not-prepared"),
        "ill": ("failed", "unhealthy"),
        "lost": ("failed", "unreachable"),
    }
    assert "/etc/docker/daemon.json is not JSON" in second["full"]["error"]
    assert "repair it or remove it" in second["full"]["error"]
    assert "see full" in second["patient"]["error"]
    assert "The previous container runs again" in second["ill"]["error"]


def test_what_served_before_still_answers(case: Case, second: object) -> None:
    for name in ("engine", "imageless", "ill"):
        assert look.ask(case.host_of(name), PORTS[name]) == "hello\n\n"


def test_everything_converges_again(case: Case, second: object) -> None:
    hosts.console(case.one.name, "rm", "/etc/docker/daemon.json")
    case.want("imageless")
    case.want("ill")
    case.want("lost", template="slow")
    results = case.world.reconcile()
    assert {row["code"] for row in results.values()} == {""}
    assert set(case.world.actions(code=0).values()) == {"none"}
    assert case.answers() == dict.fromkeys(PORTS, "hello")
