"""What people look at afterwards: status, access, events, history, logs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from tests.integration.world import World, ask, until


@pytest.fixture(scope="module")
def made(shared: World, port: Callable[[], int]) -> tuple[World, int]:
    """Created, committed, changed."""
    number = port()
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    shared.beacon("web", number, "owner: ml-team\n")
    shared.ok("reconcile", "--yes")
    # Half a day ahead by its looks: what counts is the moment, wherever in the world its clock stands.
    date = datetime.now(timezone(timedelta(hours=13))) + timedelta(seconds=1)
    env = {**os.environ, "GIT_COMMITTER_DATE": date.isoformat()}
    for words in (["init", "--quiet"], ["add", "deployments", "inventory"], ["commit", "--quiet", "-m", "Add web"]):
        subprocess.run([*git, *words], cwd=shared.root, check=True, capture_output=True, env=env)
    shared.beacon("web", number, "owner: ml-team\nparams: {word: later}\n")
    shared.ok("reconcile", "--yes")
    return shared, number


def test_status(made: tuple[World, int]) -> None:
    world, number = made
    row = world.status("web")
    assert (row["sync"], row["health"], row["owner"]) == ("in-sync", "healthy", "ml-team")
    assert row["url"] == f"http://127.0.0.1:{number}"
    assert row["since"]
    assert "healthy" in world.ok("status")


def test_access(made: tuple[World, int]) -> None:
    world, number = made
    panel = world.json("access", "web")
    assert panel["endpoints"] == [{"label": "Beacon", "kind": "web", "url": f"http://127.0.0.1:{number}/"}]
    assert panel["instructions"] == "The word is later."
    assert panel["secrets"][0]["value"] is None
    shown = world.json("access", "web", "--show-secrets")["secrets"][0]["value"]
    assert shown == ask(number)["env"]["TOKEN"]
    assert shown in world.ok("access", "web", "--show-secrets")
    page = (world.root / "deployments" / "access" / "web.md").read_text()
    assert "The word is later." in page
    assert f"http://127.0.0.1:{number}" in page


def test_events(made: tuple[World, int]) -> None:
    world, _ = made
    found = world.json("events", "web")["events"]
    assert [(e["step"], e["status"]) for e in found if e["kind"] == "result"] == [
        ("create", "changed"),
        ("update", "changed"),
    ]
    assert len({e["run"] for e in found}) == 2
    assert "Ensure the process is started" in world.ok("events")


def test_history(made: tuple[World, int]) -> None:
    world, _ = made
    entries = world.json("history", "web")["entries"]
    assert [entry["subject"] for entry in entries] == ["update changed", "Add web", "create changed"]
    assert entries[1]["author"].startswith("Ada")
    assert "Add web" in world.ok("history", "web")


def test_logs_follow_until_interrupted(made: tuple[World, int]) -> None:
    world, number = made
    assert "beacon starts" in world.ok("logs", "web")
    following = world.start("logs", "web", "-f", "-n", "1")
    assert following.stdout
    assert following.stdout.readline()
    ask(number)
    assert "GET / HTTP" in following.stdout.readline()
    began = time.monotonic()
    following.send_signal(signal.SIGINT)
    rest, errors = following.communicate(timeout=10)
    assert following.returncode == 130
    assert time.monotonic() - began < 5
    assert "Traceback" not in rest + errors


def test_logs_end_when_the_reader_goes(made: tuple[World, int]) -> None:
    world, number = made
    following = world.start("logs", "web", "-f")
    assert following.stdout
    assert following.stderr
    following.stdout.readline()
    following.stdout.close()
    until(lambda: ask(number) and following.poll() is not None)
    assert "Traceback" not in following.stderr.read()
    following.stderr.close()
