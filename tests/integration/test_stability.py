"""One good answer is no proof: what ends right after it, or later again and again, is seen as what it is."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from typing import Any

from runner.ansible_plugins.module_utils.restarts import MANY
from tests.integration.world import World, ask, refuses, until

TRACEBACK = "Traceback (most recent call last):"
SOON = "env: {BEACON_LASTS: 0.8}\n"


def only(document: dict[str, Any]) -> dict[str, Any]:
    (row,) = document["results"]
    assert isinstance(row, dict)
    return row


def test_new_version_that_ends_after_its_first_answer_does_not_replace_the_good_one(
    fresh: World, port: Callable[[], int]
) -> None:
    here = port()
    fresh.beacon("web", here)
    fresh.ok("reconcile", "--yes")
    served = ask(here)["env"]
    fresh.beacon("web", here, SOON)
    row = only(fresh.json("reconcile", "--yes", code=1))
    assert (row["result"], row["code"]) == ("failed", "unhealthy")
    assert "GET / answered 200, but did not stay" in row["error"]
    assert row["error"].endswith("RuntimeError: out of oil. The previous version was put back")
    assert row["log"].splitlines()[-2:] == ['  File "x.py", line 1', "RuntimeError: out of oil"]
    assert until(lambda: ask(here))["env"] == served
    seen = fresh.status("web")
    assert (seen["sync"], seen["health"]) == ("drifted", "healthy")
    failure = seen["last_failure"]
    assert {key: failure[key] for key in ("error", "log", "code")} == {
        key: row[key] for key in ("error", "log", "code")
    }
    assert failure["rolled_back"]
    assert failure["step"] == "Ensure the process is started"
    assert fresh.actions("web", code=2) == {"web": "update"}
    told = fresh.run("reconcile", "--yes").stderr
    starts = fresh.status("web")["last_failure"]["log"].count(TRACEBACK)  # it may have been started again meanwhile
    assert told.count(TRACEBACK) == starts
    assert f'    │ {TRACEBACK}\n    │   File "x.py", line 1\n    │ RuntimeError: out of oil\n' in told
    shown = fresh.run("status", "web").stdout
    assert shown.count(TRACEBACK) == starts
    assert "rolled back: the version before serves" in shown
    fresh.beacon("web", here)
    fresh.ok("reconcile", "--yes")
    assert fresh.status("web")["last_failure"] is None


def test_first_version_that_ends_after_its_first_answer_is_a_failure(fresh: World, port: Callable[[], int]) -> None:
    here = port()
    fresh.beacon("web", here, SOON)
    assert only(fresh.json("reconcile", "--yes", code=1))["code"] == "unhealthy"
    assert until(lambda: refuses(here))


def test_later_restarts_are_seen_until_they_are_mended(fresh: World, port: Callable[[], int]) -> None:
    here = port()
    fresh.beacon("web", here)
    fresh.ok("reconcile", "--yes")
    assert (fresh.status("web")["health"], fresh.status("web")["restarts"]) == ("healthy", 0)
    with suppress(OSError, HTTPException):  # it ends instead of answering
        urllib.request.urlopen(f"http://127.0.0.1:{here}/loop", timeout=5).close()
    until(lambda: fresh.status("web")["restarts"] >= MANY, timeout_s=60)
    for _ in range(3):  # whatever it answers at the moment
        seen = fresh.status("web")
        assert seen["health"] == "degraded"
        assert "in 10 minutes" in seen["health_reason"]
        (action,) = fresh.plan("web", code=2).values()
        assert action["action"] == "update"
        assert action["reason"].startswith("unhealthy: restarted ")
    (fresh.home / "services" / "web" / "data" / "loops").unlink()
    fresh.ok("reconcile", "--yes")
    assert (fresh.status("web")["health"], fresh.status("web")["restarts"]) == ("healthy", 0)
    assert fresh.actions("web") == {"web": "none"}
