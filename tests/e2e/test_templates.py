"""Every template of the catalogue on five hosts by one reconcile, and the same behaviour of all of them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import world as look
from tests.e2e.proofs import CHECKSUM, PROOFS, SCRIPT, image
from tests.e2e.world import World, until
from tests.lab import hosts, ready, registry, usage
from tests.lab.host import LabError
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

MORE_HOSTS = ("e2e-templates-1", "e2e-templates-2")
AT_ONCE = 3
CANARY = "canary-5up3r-s3cret"
ASK = """
import json, ssl, sys, urllib.error, urllib.request
url, body, headers = json.load(sys.stdin)
content = None if body is None else json.dumps(body).encode()
request = urllib.request.Request(url, content, {**headers, "Content-Type": "application/json"})
try:
    answer = urllib.request.urlopen(request, timeout=20, context=ssl._create_unverified_context())
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode(errors="replace"))
"""
SCRIPTS = [template for template in PROOFS if not image(template)]
each_template = pytest.mark.parametrize("template", PROOFS)


@pytest.fixture(scope="module")
def machines(bare: list[Host]) -> list[Host]:
    """Five hosts; two of them have Docker from the start, and a user who has never logged in."""
    mine = hosts.ensure([host.name for host in bare])
    hosts.remove(*MORE_HOSTS)  # what a broken run has left there would hold the ports
    return [*mine, *ready.hosts(*MORE_HOSTS, flavour="host-docker")]


@pytest.fixture(scope="module")
def fleet(repository: World, machines: list[Host]) -> World:
    """What is wanted: a deployment of each template, called as the template."""
    ready.pullable(*sorted({image(template) for template in PROOFS if image(template)}))
    shutil.copy(Path(__file__).parent / SCRIPT, repository.root)
    repository.env["WORD"] = CANARY
    for host in machines:
        repository.add(host)
    for template, proof in PROOFS.items():
        file = repository.root / "templates" / f"{template}.yaml"
        file.write_text(file.read_text().replace("gpu: required", "gpu: optional"))  # no lab host has one
        head = f"template: {template}\nprovider: ssh\nmachine: {{host: {machines[proof.host].name}}}\n"
        repository.deployment(template, head + proof.text)
    return repository


@pytest.fixture(scope="module")
def applied(fleet: World) -> dict[str, dict[str, Any]]:
    """What the one reconcile said of each deployment."""
    return fleet.reconcile()


@pytest.fixture(scope="module")
def ask(fleet: World, applied: object, machines: list[Host]) -> Callable[[str], str]:
    """Ask a template's service what its proof says, on its host; status and answer."""
    keys: dict[str, dict[str, str]] = {}

    def asked(template: str) -> str:
        proof, spec = PROOFS[template], fleet.record(template)["spec"]
        if proof.key and template not in keys:
            rows = fleet.json("access", template, "--show-secrets")["secrets"]
            keys[template] = {row["name"]: row["value"] for row in rows}
        headers = {"Authorization": f"Bearer {keys[template][proof.key]}"} if proof.key else {}
        port = spec["service"]["ports"][spec["service"]["health"]["port"]]
        url = f"{port['protocol']}://127.0.0.1:{port['host']}{proof.path}"
        question = json.dumps([url, proof.body, headers])
        return hosts.console(machines[proof.host].name, "python3", "-c", ASK, stdin=question)

    return asked


def states(world: World, machines: list[Host]) -> dict[str, tuple[str, str]]:
    """Deployment → what runs (the container's id, the script's file), and when it was started."""
    found = {}
    form = "{{.Name}} {{.Id}} {{.State.StartedAt}}"
    for host in machines:
        names = list(look.containers(host.name, world.id))
        said = hosts.console(host.name, "docker", "inspect", "--format", form, *names) if names else ""
        for line in said.splitlines():
            name, container, start = line.split()
            found[name.removeprefix(f"/{world.container('')}")] = (container, start)
    for template in SCRIPTS:
        facts = properties(world, template, machines)
        file = facts["ExecStart"].partition("argv[]=")[2].partition(";")[0]
        found[template] = (file, facts["ActiveEnterTimestampMonotonic"].zfill(20))
    return found


def properties(world: World, template: str, machines: list[Host]) -> dict[str, str]:
    """What systemd says of a script."""
    asked = "ExecStart,ActiveEnterTimestampMonotonic,ActiveState"
    host = machines[PROOFS[template].host].name
    said = hosts.console(host, "systemctl", "show", "--property", asked, unit(world, template))
    return dict(line.split("=", 1) for line in said.splitlines())


def unit(world: World, template: str) -> str:
    """What systemd calls a script."""
    return f"slipway-{world.id}-{template}.service"


def stopped(world: World, machines: list[Host]) -> set[str]:
    """The deployments that are there, and do not run."""
    found = {n: state for host in machines for n, state in look.containers(host.name, world.id).items()}
    down = {name.removeprefix(world.container("")) for name, state in found.items() if state == "exited"}
    return down | {name for name in SCRIPTS if properties(world, name, machines)["ActiveState"] == "inactive"}


@each_template
def test_deploys_and_answers(applied: dict[str, Any], ask: Callable[[str], str], template: str) -> None:
    assert (applied[template]["action"], applied[template]["result"]) == ("create", "changed")
    assert PROOFS[template].says in ask(template)


def test_one_run_did_it_all(fleet: World, applied: object) -> None:
    assert len(fleet.runs()) == 1


@pytest.fixture(scope="module")
def second(fleet: World, applied: object, machines: list[Host]) -> dict[str, Any]:
    """What a second reconcile does, by the plan and by plain Ansible."""
    before = states(fleet, machines)
    return {"plan": fleet.actions(code=0), "results": fleet.reconcile(), "moved": states(fleet, machines) != before}


@each_template
def test_second_reconcile_changes_nothing(second: dict[str, Any], template: str) -> None:
    assert second["plan"][template] == "none"
    assert (second["results"], second["moved"]) == ({}, False)


@pytest.fixture(scope="module")
def logs(fleet: World, applied: object) -> dict[str, str]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(PROOFS, pool.map(lambda name: fleet.ok("logs", name, "-n", "9999"), PROOFS), strict=True))


@each_template
def test_logs_are_its_own(fleet: World, logs: dict[str, str], template: str) -> None:
    show = (
        f"journalctl -qo cat -u {unit(fleet, template)}"
        if template in SCRIPTS
        else f"docker logs {fleet.container(template)}"
    )
    command = f"{show} 2>&1 | grep . | head -n 3"
    first = hosts.console(fleet.host_of(template), "sh", "-c", command).splitlines()
    assert set(first) <= set(logs[template].splitlines())
    assert first or not logs[template]


@pytest.fixture(scope="module")
def restarted(
    fleet: World, second: object, logs: object, machines: list[Host]
) -> dict[str, tuple[tuple[str, str], tuple[str, str]]]:
    """Deployment → its container before and after `runner restart`."""
    before = states(fleet, machines)
    fleet.ok("restart", *PROOFS)
    after = states(fleet, machines)
    return {name: (before[name], after[name]) for name in PROOFS}


@each_template
def test_restarts(restarted: dict[str, Any], ask: Callable[[str], str], template: str) -> None:
    (container, start), (same_container, later) = restarted[template]
    assert container == same_container
    assert later > start
    assert PROOFS[template].says in ask(template)


@pytest.fixture(scope="module")
def stopped_and_started(fleet: World, restarted: object, machines: list[Host]) -> dict[str, Any]:
    """The states of all containers while stopped, and what the reconcile that started them said."""
    texts = {name: (fleet.root / "deployments" / f"{name}.yaml").read_text() for name in PROOFS}
    for name, text in texts.items():
        fleet.deployment(name, text + "state: stopped\n")
    fleet.reconcile()
    down, health = stopped(fleet, machines), fleet.health()
    for name, text in texts.items():
        fleet.deployment(name, text)
    return {"stopped": down, "health": health, "results": fleet.reconcile()}


@each_template
def test_stops_and_starts_again(
    fleet: World, stopped_and_started: dict[str, Any], ask: Callable[[str], str], template: str
) -> None:
    assert template in stopped_and_started["stopped"]
    assert stopped_and_started["health"][template] == "stopped"
    assert (stopped_and_started["results"][template]["action"], fleet.health()[template]) == ("start", "healthy")
    assert PROOFS[template].says in ask(template)


@pytest.fixture(scope="module")
def rolled_back(fleet: World, stopped_and_started: object, machines: list[Host]) -> Iterator[dict[str, Any]]:
    """Everything is exchanged for something that cannot do it; what the reconcile said, and what runs afterwards."""
    before = states(fleet, machines)
    useless = dict.fromkeys(usage.replacements(), registry.reference("tiny"))
    settings = Path(fleet.root / "runner.yaml").read_text()
    document = json.loads(settings)
    document["images"]["replace"] = {**useless, registry.reference("tiny"): registry.reference("vllm-stand-in")}
    fleet.settings(json.dumps(document))
    file = fleet.root / "deployments" / f"{SCRIPTS[0]}.yaml"
    kept, useless_script = file.read_text(), b"echo I cannot; exit 7\n"
    (fleet.root / "useless.sh").write_bytes(useless_script)
    worse = kept.replace(CHECKSUM, hashlib.sha256(useless_script).hexdigest()).replace(SCRIPT, "useless.sh")
    file.write_text(worse)
    results = fleet.reconcile(code=1)
    yield {"results": results, "before": before, "after": states(fleet, machines)}
    fleet.settings(settings)
    file.write_text(kept)


@each_template
def test_goes_back_when_the_new_version_fails(
    rolled_back: dict[str, Any], ask: Callable[[str], str], template: str
) -> None:
    failed = rolled_back["results"][template]
    assert failed["result"] == "failed"
    assert rolled_back["before"][template][0] == rolled_back["after"][template][0], failed
    # The previous version is put back at once, and then needs its time to listen.
    until(lambda: answers(ask, template), 90)


def answers(ask: Callable[[str], str], template: str) -> bool:
    """Whether the service says what its proof says; false while it does not listen."""
    try:
        return PROOFS[template].says in ask(template)
    except LabError:
        return False
