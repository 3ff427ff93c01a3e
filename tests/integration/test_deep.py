"""What was changed by hand on a machine, which no plan sees, is found by a deep look and put back when asked."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.integration.world import World, ask


def test_deep_reconcile_puts_back_what_was_changed_by_hand(fresh: World, port: Callable[[], int]) -> None:
    number = port()
    fresh.beacon("web", number, "env: {KEPT: 'yes'}\n")
    fresh.ok("reconcile", "--yes")
    launch = fresh.home / "services" / "web" / "launch.json"
    launch.write_text(json.dumps({**json.loads(launch.read_text()), "env": {"KEPT": "no"}}))
    assert fresh.json("reconcile", "--yes")["results"] == []
    [result] = fresh.json("reconcile", "--deep", "--yes")["results"]
    assert (result["action"], result["result"]) == ("update", "changed")
    assert ask(number)["env"]["KEPT"] == "yes"
    assert fresh.json("reconcile", "--deep", "--yes")["results"] == []
