"""One good answer is no proof: what ends right after it, or later again and again, is seen as what it is."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from typing import Any

from runner.ansible_plugins.module_utils.restarts import MANY
from tests.integration.world import World, ask, refuses, until

SOON = "env: {BEACON_LASTS: 0.2}\n"


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
    assert "The previous version was put back" in row["error"]
    assert until(lambda: ask(here))["env"] == served
    assert fresh.actions("web", code=2) == {"web": "update"}


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
