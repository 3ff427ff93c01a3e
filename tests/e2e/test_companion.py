"""A service with a container beside it, Ollama with its chat: one deployment in everything that is done to it."""

from __future__ import annotations

import json
import signal
import urllib.request
from functools import partial

import pytest

from tests.e2e import world as look
from tests.e2e.world import World
from tests.lab import hosts, ready
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

API, CHAT = 11534, 8100
NAME = "talk"


def write(repository: World, host: Host, *, chat: bool = True) -> None:
    ports = f"{{api: {API}, chat: {CHAT}}}" if chat else f"{{api: {API}}}"
    repository.deployment(
        NAME,
        f"template: ollama\nprovider: ssh\nmachine: {{host: {host.name}}}\nports: {ports}\n"
        f"params: {{chat: {json.dumps(chat)}, model: 'all-minilm:22m'}}\nenv: {{STAND_IN_PULL_S: '0'}}\n",
    )


@pytest.fixture(scope="module")
def host(repository: World, machines: list[Host]) -> Host:
    """Where it runs."""
    ready.pullable("ollama-stand-in", "open-webui-stand-in")
    repository.add(machines[1])
    return machines[1]


@pytest.fixture(scope="module")
def applied(repository: World, host: Host) -> World:
    """Both containers, by one reconcile."""
    write(repository, host)
    assert repository.reconcile()[NAME]["result"] == "changed"
    return repository


def names(world: World) -> tuple[str, str]:
    return world.container(NAME), f"{world.container(NAME)}.chat"


def states(world: World, host: Host) -> list[str]:
    found = look.containers(host.name, world.id)
    return [found.get(name, "absent") for name in names(world)]


def test_both_answer_and_the_chat_reaches_the_models(applied: World, host: Host) -> None:
    assert json.loads(look.ask(host, CHAT, "/health")) == {"status": True}
    models = json.loads(look.ask(host, CHAT, "/ollama/api/tags"))["models"]
    assert [model["name"] for model in models] == ["all-minilm:22m"]
    assert look.listening(host.name)[CHAT] == {"127.0.0.1"}
    assert applied.actions(code=0) == {NAME: "none"}
    assert applied.health() == {NAME: "healthy"}


def test_page_and_panel_show_both_addresses(applied: World) -> None:
    panel = applied.json("access", NAME)
    assert [(end["label"], end["url"]) for end in panel["endpoints"]] == [
        ("Chat", f"http://127.0.0.1:{CHAT}"),
        ("OpenAI-compatible API", f"http://127.0.0.1:{API}/v1"),
        ("Ollama API", f"http://127.0.0.1:{API}/api"),
    ]
    assert f"-L {CHAT}:127.0.0.1:{CHAT} -L {API}:127.0.0.1:{API}" in panel["tunnel"]
    page = (applied.root / "deployments" / "access" / f"{NAME}.md").read_text()
    assert f"<http://127.0.0.1:{CHAT}>" in page
    assert f"<http://127.0.0.1:{API}/v1>" in page


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=5) as answer:
        found: int = answer.status
        return found


def test_tunnel_leads_to_both(applied: World) -> None:
    process = applied.start("tunnel", NAME)
    try:
        for url in (f"http://127.0.0.1:{CHAT}/health", f"http://127.0.0.1:{API}/api/version"):
            assert look.until(partial(status, url)) == 200
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)


def test_logs_of_either_can_be_read(applied: World) -> None:
    assert "GET /api/version" in applied.ok("logs", NAME)
    assert "GET /health" in applied.ok("logs", NAME, "--companion", "chat")
    assert "there are: chat" in applied.ok("logs", NAME, "--companion", "other", code=3)


def test_change_by_hand_is_seen_in_depth(applied: World, host: Host) -> None:
    assert applied.json("drift", "--deep")["deployments"] == []
    hosts.console(host.name, "docker", "update", "--restart=no", names(applied)[1])
    [row] = applied.json("drift", "--deep", code=2)["deployments"]
    assert row["changes"] == [{"field": "chat.restart", "before": "never", "after": "unless-stopped"}]


def test_chat_that_somebody_removed_comes_back_as_it_was(applied: World, host: Host) -> None:
    hosts.console(host.name, "docker", "exec", names(applied)[1], "sh", "-c", "echo kept > /app/backend/data/file")
    hosts.console(host.name, "docker", "rm", "-f", names(applied)[1])
    plan = applied.plan(code=2)[NAME]
    assert (plan["action"], plan["reason"]) == ("update", "unhealthy: chat is missing")
    applied.reconcile()
    assert states(applied, host) == ["running", "running"]
    assert "kept" in hosts.console(host.name, "docker", "exec", names(applied)[1], "cat", "/app/backend/data/file")
    assert applied.actions(code=0) == {NAME: "none"}


def test_stop_start_and_restart_mean_both(applied: World, host: Host) -> None:
    applied.ok("stop", NAME)
    assert states(applied, host) == ["exited", "exited"]
    assert applied.actions(code=0) == {NAME: "none"}
    applied.ok("start", NAME)
    assert states(applied, host) == ["running", "running"]
    started = ["docker", "inspect", "--format", "{{.State.StartedAt}}", *names(applied)]
    before = hosts.console(host.name, *started).split()
    applied.ok("restart", NAME)
    after = hosts.console(host.name, *started).split()
    assert all(new > old for old, new in zip(before, after, strict=True))


def test_without_the_chat_it_goes_and_the_service_stays(applied: World, host: Host) -> None:
    write(applied, host, chat=False)
    applied.reconcile()
    assert states(applied, host) == ["running", "absent"]
    assert CHAT not in look.listening(host.name)
    assert [end["label"] for end in applied.json("access", NAME)["endpoints"]] == [
        "OpenAI-compatible API",
        "Ollama API",
    ]
    assert applied.actions(code=0) == {NAME: "none"}


def test_destroy_leaves_nothing_of_either(applied: World, host: Host) -> None:
    write(applied, host)
    applied.reconcile()
    assert states(applied, host) == ["running", "running"]
    applied.forget(NAME)
    assert applied.reconcile("--allow-destroy")[NAME]["result"] == "changed"
    for kind in (("ps", "-aq"), ("volume", "ls", "-q"), ("network", "ls", "-q")):
        found = hosts.console(host.name, "docker", *kind, "--filter", f"label=slipway-repo={applied.id}")
        assert found == "", kind
