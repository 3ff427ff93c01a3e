"""The notebook of `make demo`, for real: the template that people meet first. Needs a package index or uv's cache."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from tests.integration.world import World, refuses


def test_notebook_comes_up_asks_for_its_password_and_goes(fresh: World, port: Callable[[], int]) -> None:
    number = port()
    fresh.deployment("notebook", f"template: jupyter\nmachine: {{engine: process}}\nports: {{web: {number}}}\n")
    online = {"UV_OFFLINE": "0"}
    done = fresh.run("reconcile", "--yes", env=online)
    if "cannot install the packages" in done.stderr and "dns" in done.stderr.lower():
        pytest.skip("no package index can be reached from here")
    assert done.returncode == 0, done.stderr
    assert fresh.actions(code=0) == {"notebook": "none"}
    token = fresh.json("access", "notebook", "--show-secrets")["secrets"][0]["value"]
    status = f"http://127.0.0.1:{number}/api/status"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(status, timeout=10)
    request = urllib.request.Request(status, headers={"Authorization": f"token {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    assert token not in (fresh.home / "services" / "notebook" / "service.log").read_text()
    fresh.ok("destroy", "notebook", "--yes")
    assert fresh.traces("notebook") == []
    assert refuses(number)
