"""A service is opened to callers from outside and closed again: who gets in, what gets through, what else is open."""

from __future__ import annotations

import base64
import shutil
import ssl
import time
from typing import Any

import pytest

from tests.e2e import world as look
from tests.e2e.callers import Caller, WebSocket, scan, trusting
from tests.e2e.world import HERE, World
from tests.lab import hosts, network, ready
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

PUBLIC, NEAR, HIDDEN = 443, 8443, 8082
WHERE = "template: echo\nprovider: ssh\nmachine: {{host: {host}}}\nports: {{web: {port}}}\n"
OPENED = "access: {expose: public}\n"
GATE = {"open": PUBLIC, "near": NEAR}


@pytest.fixture(scope="module")
def exposed(repository: World, machines: list[Host]) -> World:
    """Two exposed services and one that is not, on one host: to everybody by token, to this machine by password."""
    ready.pullable("stand-in")
    shutil.copy(HERE / "echo.yaml", repository.root / "templates")
    host = machines[0]
    repository.add(host)
    us = network.gateway(network.ensure())
    where = {name: WHERE.format(host=host.name, port=8080 + n) for n, name in enumerate(("open", "near", "hidden"))}
    near = f"access: {{expose: {{cidr: [{us}/32]}}, auth: basic, ports: {{web: {NEAR}}}}}\n"
    repository.deployment("open", where["open"] + OPENED)
    repository.deployment("near", where["near"] + near)
    repository.deployment("hidden", where["hidden"])
    return repository


@pytest.fixture(scope="module")
def planned(exposed: World) -> dict[str, Any]:
    """What the plan said would become reachable."""
    return {name: row["exposure"] for name, row in exposed.plan(code=2).items()}


@pytest.fixture(scope="module")
def applied(exposed: World, planned: object) -> dict[str, dict[str, Any]]:
    return exposed.reconcile()


@pytest.fixture(scope="module")
def secret(exposed: World, applied: object) -> dict[str, str]:
    """Deployment → its token or password."""
    shown = {name: exposed.json("access", name, "--show-secrets")["secrets"] for name in GATE}
    return {name: next(r["value"] for r in rows if r["name"].startswith("access_")) for name, rows in shown.items()}


@pytest.fixture(scope="module")
def stranger(exposed: World, machines: list[Host], applied: object) -> dict[str, Caller]:
    """Deployment → somebody who knows its certificate only."""
    return {
        name: Caller(machines[0].address, port, trusting(str(exposed.root / f"deployments/access/{name}.ca.pem")))
        for name, port in GATE.items()
    }


@pytest.fixture(scope="module")
def friend(stranger: dict[str, Caller], secret: dict[str, str]) -> dict[str, Caller]:
    """Deployment → somebody who knows its secret too."""
    pair = base64.b64encode(f"slipway:{secret['near']}".encode()).decode()
    proofs = {"open": f"Bearer {secret['open']}", "near": f"Basic {pair}"}
    return {name: Caller(s.address, s.port, s.context, {"Authorization": proofs[name]}) for name, s in stranger.items()}


def test_plan_says_who_will_get_in(planned: dict[str, Any]) -> None:
    assert planned["open"] == {"before": "closed", "after": "public at port 443, token", "opens": True}
    assert planned["near"]["after"].endswith("/32 at port 8443, user and password")
    assert planned["hidden"] is None


def test_reconcile_tells_the_address(applied: dict[str, dict[str, Any]], machines: list[Host]) -> None:
    assert {name: row["result"] for name, row in applied.items()} == dict.fromkeys((*GATE, "hidden"), "changed")
    assert applied["open"]["url"] == f"https://{machines[0].address}"
    assert applied["near"]["url"] == f"https://{machines[0].address}:{NEAR}"
    assert applied["hidden"]["url"] == f"http://127.0.0.1:{HIDDEN}"


def test_who_knows_the_secret_gets_in_and_nobody_else(
    stranger: dict[str, Caller], friend: dict[str, Caller], secret: dict[str, str]
) -> None:
    assert {name: caller.status() for name, caller in stranger.items()} == dict.fromkeys(GATE, 401)
    assert {name: caller.status() for name, caller in friend.items()} == dict.fromkeys(GATE, 200)
    out = stranger["open"]
    assert out.status(headers={"Authorization": f"Bearer {secret['open'][:-1]}"}) == 401
    assert out.status(headers=friend["near"].headers) == 401
    assert out.status(headers={"X-Slipway-Token": secret["open"]}) == 200


def test_nobody_is_taken_for_the_machine(stranger: dict[str, Caller]) -> None:
    known = stranger["open"]
    with pytest.raises(ssl.SSLCertVerificationError):
        Caller(known.address, known.port, ssl.create_default_context()).ask()


def test_preflight_passes_and_data_does_not(stranger: dict[str, Caller]) -> None:
    """With the Caddy of the host; tests/ansible_plugins/test_expose_wall.py tries more."""
    asks = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    for caller in stranger.values():
        passed = caller.ask("/x", asks, method="OPTIONS")
        assert (passed.status, passed.body) in {(204, b""), (403, b"")}  # as the service answers; nothing of it else
        assert caller.ask("/x", asks).status == 401
        assert caller.ask("/x", asks, b"data", method="OPTIONS").status == 401
        assert caller.ask("/x", {**asks, "Upgrade": "websocket"}, method="OPTIONS").status == 401


def test_wrong_token_waits(stranger: dict[str, Caller]) -> None:
    begun = time.monotonic()
    assert stranger["open"].status(headers={"Authorization": "Bearer wrong"}) == 401
    assert time.monotonic() - begun >= 1


def test_browsers_are_asked_and_remembered(stranger: dict[str, Caller], secret: dict[str, str]) -> None:
    out = stranger["open"]
    page = out.ask(headers={"Accept": "text/html,*/*"})
    assert (page.status, page.headers["Content-Type"]) == (401, "text/html")
    assert b"/.slipway/login" in page.body
    login = out.ask("/.slipway/login", {"Authorization": f"Bearer {secret['open']}"}, b"")
    cookie, _, rules = login.headers["Set-Cookie"].partition("; ")
    assert login.status == 204
    assert set(rules.split("; ")) >= {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}
    assert out.status(headers={"Cookie": f"theirs=1; {cookie}"}) == 200
    assert out.status(headers={"Cookie": f"{cookie[:-1]}x"}) == 401


def test_service_never_sees_what_proves_a_caller(friend: dict[str, Caller], secret: dict[str, str]) -> None:
    cookies = f"theirs=1; __Host-slipway-other.name={secret['open']}; more=2"
    for name in GATE:
        seen = dict(friend[name].ask(headers={"X-Slipway-Token": secret["open"], "Cookie": cookies}).json())
        assert not [value for value in secret.values() if value in str(seen)]
        assert "authorization" not in seen
        assert seen["x-forwarded-proto"] == "https"
        assert seen.get("cookie", "theirs=1; more=2") == "theirs=1; more=2"
    own = friend["open"].ask(headers={"Authorization": "Bearer own", "X-Slipway-Token": secret["open"]})
    assert dict(own.json())["authorization"] == "Bearer own"


def test_first_event_of_a_stream_does_not_wait_for_the_second(friend: dict[str, Caller]) -> None:
    with friend["open"].asking("/events") as stream:
        assert stream.readline() == b"data: first\n"  # the service holds the second back
        friend["open"].ask("/go")
        assert stream.read() == b"\ndata: second\n\n"


def test_large_requests_get_through_and_huge_ones_do_not(friend: dict[str, Caller]) -> None:
    assert friend["open"].ask(body=b"x" * 5_000_000).body == b"5000000"
    assert friend["open"].status(headers={"Content-Length": str(11 * 10**9)}) == 413


def test_nothing_is_open_but_what_the_plan_said(applied: object, machines: list[Host]) -> None:
    """Port 8443 is open to this machine only, so the neighbour gets no answer at all there."""
    assert scan(machines[1], machines[0].address) == ({22, PUBLIC}, {NEAR})


def test_services_listen_on_loopback_only(applied: object, machines: list[Host]) -> None:
    found = look.listening(machines[0].name)
    assert [found[port] for port in (8080, 8081, HIDDEN)] == [{"127.0.0.1"}] * 3
    assert {port for port, where in found.items() if where - {"127.0.0.1", "127.0.0.11"}} == {22, PUBLIC, NEAR}


def test_secrets_are_nowhere_in_clear(exposed: World, secret: dict[str, str], machines: list[Host]) -> None:
    kept = [(path, text) for path, text in exposed.written() if any(s.encode() in text for s in secret.values())]
    assert kept == []
    script = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; journalctl --output=cat"
    said = hosts.console(machines[0].name, "sh", "-c", script)
    assert not any(value in said for value in secret.values())
    assert not hosts.console(machines[0].name, "find", "/etc/slipway/expose", "-type", "f", "-perm", "/077")


def test_second_run_changes_nothing(exposed: World, applied: object) -> None:
    assert exposed.actions(code=0) == dict.fromkeys((*GATE, "hidden"), "none")
    assert "changed=0" in exposed.ansible()
    assert exposed.json("drift", "--deep")["deployments"] == []


def test_closing_one_cuts_nobody_else_and_restarts_nothing(
    exposed: World, friend: dict[str, Caller], machines: list[Host]
) -> None:
    line = WebSocket(friend["near"])
    assert (line.status, line.echo(b"before")) == (101, b"before")
    before = started(machines[0], exposed.container("open"))
    exposed.deployment("open", WHERE.format(host=machines[0].name, port=8080))
    row = exposed.plan("open", code=2)["open"]
    assert (row["action"], row["exposure"]["after"], row["exposure"]["opens"]) == ("update", "tunnel", False)
    assert exposed.reconcile("open")["open"]["result"] == "changed"
    assert line.echo(b"after") == b"after"
    line.close()
    assert started(machines[0], exposed.container("open")) == before
    assert not look.reaches(machines[1], machines[0].address, PUBLIC)
    assert not (exposed.root / "deployments/access/open.ca.pem").exists()
    assert friend["near"].status() == 200


def test_service_removed_by_hand_leaves_no_open_port_behind(exposed: World, machines: list[Host]) -> None:
    hosts.console(machines[0].name, "docker", "rm", "-f", exposed.container("near"))
    exposed.forget("near")
    assert exposed.plan("near", code=2)["near"]["action"] == "destroy"
    assert exposed.reconcile("near", "--allow-destroy", "1")["near"]["result"] in {"ok", "changed"}
    left = look.listening(machines[0].name)
    assert {port for port, where in left.items() if where - {"127.0.0.1", "127.0.0.11"}} == {22}
    assert "slipway_expose" not in hosts.console(machines[0].name, "nft", "list", "tables")
    assert exposed.json("orphans")["orphans"] == []


def started(host: Host, container: str) -> str:
    """When a container began."""
    return hosts.console(host.name, "docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}}", container)
