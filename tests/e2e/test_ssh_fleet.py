"""Five services on three bare hosts by one reconcile; what a second one does, and how people get there."""

from __future__ import annotations

import json
import re
import select
import signal
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e import world as look
from tests.e2e.world import World
from tests.lab import hosts, ready
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

PORTS = {"notes": 8888, "chat": 11434, "model": 8000, "desk": 3001, "word": 8080}
MODEL = "llama3.2:3b"
CA = ssl._create_unverified_context()  # noqa: S323 - the desktop's own certificate, through the tunnel


@pytest.fixture(scope="module")
def fleet(repository: World, machines: list[Host]) -> World:
    """What is wanted: five deployments, one of them wherever the pool has room."""
    one, two, three = machines
    ready.pullable("jupyter", "ollama-stand-in", "vllm-stand-in", "desktop")
    for host in machines:
        repository.add(host)
    vllm = repository.root / "templates" / "vllm.yaml"
    vllm.write_text(vllm.read_text().replace("gpu: required", "gpu: optional"))  # the stand-in needs none
    repository.deployment("notes", f"template: jupyter\nprovider: ssh\nmachine: {{host: {one.name}}}\n")
    repository.deployment(
        "chat",
        f"template: ollama\nprovider: ssh\nmachine: {{host: {two.name}}}\n"
        f"params: {{model: {MODEL!r}}}\nenv: {{STAND_IN_PULL_S: '7'}}\n",
    )
    repository.deployment("model", f"template: vllm\nprovider: ssh\nmachine: {{host: {three.name}}}\n")
    repository.deployment("desk", f"template: desktop\nprovider: ssh\nmachine: {{host: {three.name}}}\n")
    repository.spark("word", PORTS["word"], "")
    return repository


@pytest.fixture(scope="module")
def applied(fleet: World) -> dict[str, dict[str, Any]]:
    """What the one reconcile said."""
    return fleet.reconcile()


@pytest.fixture(scope="module")
def secrets(fleet: World, applied: object) -> dict[str, dict[str, str]]:
    """Deployment → its secrets, as `access --show-secrets` shows them."""
    shown = {name: fleet.json("access", name, "--show-secrets")["secrets"] for name in ("notes", "model", "desk")}
    return {name: {row["name"]: row["value"] for row in rows} for name, rows in shown.items()}


def test_one_reconcile_brings_all_up_from_bare(fleet: World, applied: dict[str, dict[str, Any]]) -> None:
    assert {name: (row["action"], row["result"]) for name, row in applied.items()} == dict.fromkeys(
        PORTS, ("create", "changed")
    )
    assert {name: row["url"] for name, row in applied.items() if name != "desk"} == {
        name: f"http://127.0.0.1:{port}" for name, port in PORTS.items() if name != "desk"
    }
    assert len(fleet.runs()) == 1


def test_each_host_was_prepared_once(fleet: World, applied: object) -> None:
    prepared = [e for e in fleet.events() if e["step"] == "Note that the machine is prepared" and e["status"] == "ok"]
    assert len(prepared) == len({fleet.host_of(event["deployment"]) for event in prepared}) == 3


def test_every_service_is_healthy_as_seen_from_its_host(fleet: World, applied: object) -> None:
    assert fleet.health() == dict.fromkeys(PORTS, "healthy")


def test_download_of_a_model_says_how_far_it_is(fleet: World, applied: object) -> None:
    said = [e["message"] for e in fleet.events() if (e["kind"], e["deployment"]) == ("log", "chat")]
    how_far = re.compile(rf"downloading {re.escape(MODEL)}, (starting|\d{{1,2}} % of \d+\.\d GiB)")
    assert [text for text in said if how_far.fullmatch(text)], said


def test_second_reconcile_starts_no_ansible(fleet: World, applied: object) -> None:
    assert fleet.actions(code=0) == dict.fromkeys(PORTS, "none")
    assert fleet.reconcile() == {}
    assert len(fleet.runs()) == 1


def test_services_listen_on_loopback_only(fleet: World, applied: object, machines: list[Host]) -> None:
    for name, port in PORTS.items():
        host = next(host for host in machines if host.name == fleet.host_of(name))
        assert look.listening(host.name)[port] == {"127.0.0.1"}
        neighbour = next(other for other in machines if other != host)
        assert not look.reaches(neighbour, host.address, port)
        assert look.reaches(neighbour, host.address, 22)


# --- getting there ----------------------------------------------------------------------------------------------------


@contextmanager
def tunnel(world: World, name: str) -> Iterator[subprocess.Popen[str]]:
    process = world.start("tunnel", name)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)


def answer(url: str, **headers: str) -> tuple[int, str]:
    """(status, text) through a tunnel that may still be opening."""
    request = urllib.request.Request(url, headers=headers)

    def ask() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(request, timeout=5, context=CA if url.startswith("https") else None) as said:
                return said.status, said.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    found: tuple[int, str] = look.until(ask)
    return found


def test_tunnel_leads_to_the_service(fleet: World, secrets: dict[str, dict[str, str]]) -> None:
    with tunnel(fleet, "model"):
        key = secrets["model"]["api_key"]
        assert answer("http://127.0.0.1:8000/v1/models")[0] == 401
        status, text = answer("http://127.0.0.1:8000/v1/models", Authorization=f"Bearer {key}")
        assert (status, json.loads(text)["data"][0]["id"]) == (200, "Qwen/Qwen2.5-7B-Instruct")


def test_several_tunnels_at_once(fleet: World, applied: object) -> None:
    with tunnel(fleet, "word"), tunnel(fleet, "chat"), tunnel(fleet, "model"):
        assert answer("http://127.0.0.1:8080/")[1] == "hello\n"
        assert MODEL in answer("http://127.0.0.1:11434/api/tags")[1]
        assert answer("http://127.0.0.1:8000/health")[0] == 200


def test_port_that_is_taken_here_is_told_and_another_one_serves(fleet: World, applied: object) -> None:
    with tunnel(fleet, "word"):
        assert answer("http://127.0.0.1:8080/")[1] == "hello\n"
        assert "port 8080 of this machine is taken" in fleet.ok("tunnel", "word", "--port", "8080", code=3)
        process = fleet.start("tunnel", "word", "--port", "8099")
        try:
            assert answer("http://127.0.0.1:8099/")[1] == "hello\n"
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=10)
        assert process.returncode == 130


def test_ssh_runs_a_command_as_it_was_written(fleet: World, applied: object) -> None:
    done = fleet.run("ssh", "word", "--", "printf", "%s|", "a b", "$HOME", "*", "it's")
    assert (done.returncode, done.stdout) == (0, "a b|$HOME|*|it's|")
    assert fleet.run("ssh", "word", "--", "exit 7").returncode in (7, 127)
    assert fleet.run("ssh", "notes", "--", "hostname").stdout.strip() == "e2e-1"


def test_entry_for_ssh_config_works_with_plain_ssh(fleet: World, applied: object) -> None:
    entry = fleet.ok("ssh", "word", "--config")
    file = fleet.home / "config"
    file.write_text(entry)
    command = ["ssh", "-F", str(file), "-o", "BatchMode=yes"]
    done = subprocess.run([*command, "slipway-word", "hostname"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, fleet.host_of("word")), done.stderr
    forward = subprocess.Popen([*command, "-N", "slipway-word"], stderr=subprocess.DEVNULL)
    try:
        assert answer("http://127.0.0.1:8080/")[1] == "hello\n"
    finally:
        forward.terminate()
        forward.wait()


def test_logs_are_those_of_the_service(fleet: World, secrets: dict[str, dict[str, str]]) -> None:
    assert "I say hello" in fleet.ok("logs", "word")
    said = fleet.ok("logs", "notes", "-n", "500")
    assert "Jupyter Server" in said
    assert secrets["notes"]["password"] not in said


def test_followed_log_goes_on_until_interrupted(fleet: World, applied: object) -> None:
    with fleet.start("logs", "word", "--follow", "-n", "1") as process:
        try:
            assert next_line(process) == "I say hello\n"
            later = ("docker", "exec", fleet.container("word"), "sh", "-c", "echo later > /proc/1/fd/1")
            hosts.console(fleet.host_of("word"), *later)
            assert next_line(process) == "later\n"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130


def next_line(process: subprocess.Popen[str], timeout_s: float = 60) -> str:
    assert process.stdout
    assert select.select([process.stdout], [], [], timeout_s)[0], "it says nothing"
    return process.stdout.readline()


def test_doctor_finds_every_host_fit(fleet: World, applied: object, machines: list[Host]) -> None:
    said = fleet.ok("doctor")
    for host in machines:
        assert re.search(rf"{host.name}.*reachable, sudo works, Docker answers", said)


# --- drift ------------------------------------------------------------------------------------------------------------


def containers_as_they_are(machines: list[Host]) -> dict[str, str]:
    """Container → id, start and settings: what must not move when somebody only looks."""
    form = "{{.Name}} {{.Id}} {{.State.StartedAt}} {{.HostConfig.RestartPolicy.Name}}"
    found = {}
    for host in machines:
        names = list(look.containers(host.name))
        for line in hosts.console(host.name, "docker", "inspect", "--format", form, *names).splitlines():
            found[line.split()[0]] = line
    return found


def test_plain_ansible_changes_nothing(fleet: World, applied: object, machines: list[Host]) -> None:
    before = containers_as_they_are(machines)
    recap = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=0", fleet.ansible(), re.MULTILINE)
    assert dict(recap) == dict.fromkeys(["localhost", *PORTS], "0")
    assert containers_as_they_are(machines) == before


def test_deep_look_finds_nothing_where_nothing_was_changed(fleet: World, applied: object) -> None:
    assert fleet.json("drift", "--deep") == {"deployments": [], "checked": 5, "unknown": []}


RECREATE = """
import json, subprocess, sys
name = sys.argv[1]
old = json.loads(subprocess.check_output(["docker", "inspect", name]))[0]
command = ["docker", "run", "-d", "--name", name, "--restart", "unless-stopped"]
for key, value in old["Config"]["Labels"].items():
    command += ["--label", key + "=" + value]
for pair in old["Config"]["Env"]:
    command += ["--env", "WORD=changed" if pair.startswith("WORD=") else pair]
for port, bindings in old["HostConfig"]["PortBindings"].items():
    command += ["--publish", "%s:%s:%s" % (bindings[0]["HostIp"], bindings[0]["HostPort"], port)]
for mount in old["Mounts"]:
    command += ["--volume", mount["Name"] + ":" + mount["Destination"]]
subprocess.check_call(["docker", "rm", "-f", name])
subprocess.check_call(command + [old["Config"]["Image"]] + old["Config"]["Cmd"])
"""


@pytest.fixture(scope="module")
def tampered(fleet: World, applied: object) -> dict[str, str]:
    """Deployment → host where somebody has changed something by hand that no label and no plan tells."""
    places = {name: fleet.host_of(name) for name in ("notes", "chat", "word")}
    hosts.console(places["notes"], "docker", "update", "--restart=no", fleet.container("notes"))
    hosts.console(places["chat"], "sh", "-c", "echo '// by hand' >> /etc/apt/apt.conf.d/52slipway-updates")
    hosts.console(places["word"], "python3", "-", fleet.container("word"), stdin=RECREATE)
    look.until(lambda: fleet.health()["word"] == "healthy")
    return places


def test_shallow_look_sees_labels_only(fleet: World, tampered: object) -> None:
    assert fleet.json("drift")["deployments"] == []


def test_deep_look_shows_fields_before_and_after(fleet: World, tampered: object) -> None:
    rows = {row["name"]: row["changes"] for row in fleet.json("drift", "--deep", code=2)["deployments"]}
    assert rows.keys() == {"notes", "chat", "word"}
    assert rows["notes"] == [{"field": "restart", "before": "never", "after": "unless-stopped"}]
    assert rows["word"] == [{"field": "env.WORD", "before": "changed", "after": "hello"}]
    assert [change["field"] for change in rows["chat"]] == ["Ensure security updates install themselves"]


def test_restart_repairs_what_was_changed(fleet: World, tampered: dict[str, str]) -> None:
    fleet.ok("restart", "word")
    host = next(host for host in hosts.existing() if host.name == tampered["word"])
    assert look.ask(host, PORTS["word"]) == "hello\n\n"
