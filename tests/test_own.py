"""What a template leaves open: a deployment says it under `service:`, and nothing of it is evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner import results
from runner.access import panel
from runner.differences import changes
from runner.domain import Desired
from runner.specs import endpoints, health_check
from tests.factories import record
from tests.small import APP, Small, told

LEFT = "open: [command, ports, volumes, shm_gb, user, gpu, vram_gb, health]\nservice:\n"
FIRST = 'PORT: "{{ container_ports.values() | first }}"'
OPEN = (
    "\n".join(line for line in APP.splitlines() if "process:" not in line)
    .replace("service:\n", LEFT)
    .replace('TOKEN: "Bearer {{ secrets.password }}"', FIRST)
)
ALL = """\
template: open
service:
  command: ["{{ secrets.password }}", "", --port=9000]
  ports: {front: 9000, raw: {container: 9001, protocol: tcp}}
  volumes: {data: /srv}
  shm_gb: 2
  user: "1000"
  gpu: required
  vram_gb: 30
  health: {path: /ready, status: 204}
ports: {raw: 9100}
"""


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(tmp_path / "repo")
    made.write("templates/open.yaml", OPEN)
    return made


def desired(small: Small, text: str) -> Desired:
    small.deployment("web", text)
    loaded = small.load()
    assert not told(loaded.problems)
    return loaded.desired["web"]


def test_deployment_says_all_of_the_service(small: Small) -> None:
    spec = desired(small, ALL).spec
    service: dict[str, Any] = spec["service"]
    assert service["command"] == ["{{ secrets.password }}", "", "--port=9000"]
    assert {name: (p["host"], p["container"], p["protocol"]) for name, p in service["ports"].items()} == {
        "front": (9000, 9000, "http"),
        "raw": (9100, 9001, "tcp"),
    }
    assert (service["volumes"], service["shm_gb"], service["user"]) == ({"data": "/srv"}, 2, "1000")
    assert (service["gpus"], spec["needs"]["vram_gb"]) == ("all", 30)
    assert service["env"]["PORT"] == "9000"
    assert health_check(spec) == {
        "host": "127.0.0.1", "port": 9000, "protocol": "http", "path": "/ready", "status": 204, "timeout_s": 120,
    }  # fmt: skip


def test_what_is_left_out_is_as_the_template_says(small: Small) -> None:
    plain, some = desired(small, "template: open\n"), desired(small, "template: open\nservice: {user: me}\n")
    assert {**plain.spec["service"], "user": "me"} == some.spec["service"]
    assert "own" not in plain.spec


def test_plan_shows_the_fields_as_they_are_written(small: Small) -> None:
    before = desired(small, "template: open\nservice: {health: {path: /a}}\n")
    after = desired(small, "template: open\nparams: {text: x}\nservice: {health: {path: /b}}\n")
    found = changes(after, record(spec=before.spec), None)
    assert [(c.field, c.before, c.after) for c in found] == [
        ("params.text", "", "x"),
        ("service.health.path", "/a", "/b"),
    ]


def test_access_panel_has_a_link_for_every_own_port(small: Small) -> None:
    want = desired(small, ALL)
    source = {"title": "Open", "icon": "", "open": ["ports"], "endpoints": [{"label": "Page", "port": "web"}]}
    applied = record(spec=want.spec, endpoints=endpoints(want.spec, "127.0.0.1"))
    shown = panel(applied, source)["endpoints"]
    assert [(e["label"], e["kind"], e["url"]) for e in shown] == [
        ("front", "web", "http://127.0.0.1:9000/"),
        ("raw", "tcp", "tcp://127.0.0.1:9100"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "template: app\nservice: {command: [x]}\n",
            ("not-open", "service.command", "app does not leave service.command to the deployment"),
        ),
        (
            "template: open\nservice: {health: {port: wbe}}\n",
            ("invalid-value", "service.health.port", "service.health.port wbe is not one of the ports: web, api"),
        ),
        (
            "template: open\nservice: {ports: {front: 9000}}\nports: {web: 80}\n",
            ("unknown-port", "ports.web", "web is not a known port"),
        ),
        (
            "template: open\nservice: {ports: {front: 90000}}\n",
            ("invalid-value", "service.ports.front", "service.ports.front must be less than or equal to 65535"),
        ),
        (
            "template: open\nservice: {volumes: {data: srv}}\n",
            ("invalid-value", "service.volumes.data", "service.volumes.data must match ^/"),
        ),
        (
            "template: open\nservice: {comand: [x]}\n",
            ("unknown-field", "service.comand", "comand is not a known field"),
        ),
    ],
)
def test_fault_of_an_own_service(small: Small, text: str, expected: tuple[str, str, str]) -> None:
    small.deployment("web", text)
    assert [(code, field, message) for _, code, field, message, _ in told(small.load().problems)] == [expected]


def test_template_leaves_open_only_what_a_deployment_can_say(small: Small) -> None:
    small.write("templates/open.yaml", OPEN.replace("open: [command,", "open: [image,"))
    assert "open has image; a deployment can say command" in small.load().problems[0].message


def test_command_is_not_left_open_where_a_process_has_another(small: Small) -> None:
    small.write("templates/open.yaml", APP.replace("service:\n", LEFT))
    message = "leaves service.command open, which would not hold for service.process"
    assert message in small.load().problems[0].message


def test_apply_names_the_port_that_the_health_check_asks(small: Small) -> None:
    want = desired(small, "template: open\nservice: {ports: {web: 9000, aside: {container: 9001, protocol: tcp}}}\n")
    applied = record(spec=want.spec, endpoints=dict(sorted(endpoints(want.spec, "127.0.0.1").items())))
    assert next(iter(applied.endpoints)) == "aside"
    assert results.url_of(applied) == "http://127.0.0.1:9000"
