"""Ansible's real markers in a deployment on a host that is reached by SSH, as root: none of them is a program there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import hostile
from tests.e2e import world as look
from tests.e2e.world import World
from tests.lab import hosts
from tests.lab.machine import Host

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

PORT = 18731
TRAP = Path("/tmp/slipway-sprung")  # on the host
EVIL = {**hostile.templates(TRAP), "PYTHON": hostile.python(TRAP)}


@pytest.fixture(scope="module")
def marked(empty: World, rented: list[Host]) -> tuple[World, str]:
    """Halves that every check lets through, joined by the template."""
    text = (Path(__file__).parent / "spark.yaml").read_text()
    numbers = range(len(hostile.MARKERS))
    halves = "".join(f"  {half}{n}: {{description: A half}}\n" for n in numbers for half in "ab")
    env = "".join(f', M{n}: "{{{{ params.a{n} }}}}{{{{ params.b{n} }}}}"' for n in numbers)
    text = text.replace("params:\n", f"params:\n{halves}", 1).replace(
        'secrets.password }}"}', 'secrets.password }}"' + env + "}"
    )
    empty.template("marked", text)
    empty.add(rented[0])
    params: dict[str, str] = {}
    for n, marker in enumerate(hostile.MARKERS):
        params |= {f"a{n}": marker[: len(marker) // 2], f"b{n}": marker[len(marker) // 2 :]}
    wanted = {
        "template": "marked",
        "provider": "ssh",
        "machine": {"host": rented[0].name},
        "ports": {"web": PORT},
        "params": params,
        "env": EVIL,
        "labels": EVIL,
    }
    empty.deployment("marked", json.dumps(wanted))
    assert empty.reconcile()["marked"]["result"] == "changed"
    return empty, rented[0].name


def test_values_reach_the_container_as_they_are(marked: tuple[World, str]) -> None:
    world, host = marked
    said = hosts.console(host, "docker", "inspect", "--format", "{{json .Config.Env}}", world.container("marked"))
    env = dict(row.split("=", 1) for row in json.loads(said))
    wanted = {**EVIL, **{f"M{n}": marker for n, marker in enumerate(hostile.MARKERS)}}
    assert {name: env[name] for name in wanted} == wanted


def test_nothing_springs_on_any_way(marked: tuple[World, str]) -> None:
    world, host = marked
    assert world.json("drift", "--deep")["deployments"] == []
    assert "changed=0" in world.ansible().partition("marked ")[2].partition("ok=")[2].splitlines()[0]
    world.ok("restart", "marked")
    assert look.containers(host, world.id) == {world.container("marked"): "running"}
    assert hosts.console(host, "sh", "-c", f"ls {TRAP} 2>/dev/null || true") == ""
    assert not TRAP.exists()
