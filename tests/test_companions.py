"""A container beside the service: in the spec when its parameter is on, and nowhere at all when it is off."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from runner import access, specs
from runner.domain import Desired, Record
from runner.faults import Fault
from runner.models import Deployment, Settings
from runner.resolve import Source, resolve
from runner.template import Template

TEXT = """
name: API
version: 1.0.0
description: An API with a page
category: custom
params:
  page: {type: boolean, description: A page beside it, default: false}
  key: {secret: true, generate: true, only_with: page, description: For the page}
service:
  image: example/api:1
  ports: {api: {container: 80, host: 8080, description: API}}
  health: {port: api}
  companions:
    page:
      only_with: page
      image: example/page:1
      command: [serve, "--port={{ ports.page }}"]
      env: {API: "http://service:80", KEY: "{{ secrets.key }}"}
      ports: {page: {container: 90, host: 8090, description: Page}}
      volumes: {data: /data}
      health: {port: page, path: /up, timeout_s: 7}
access:
  endpoints: [{label: Page, port: page}, {label: API, port: api}]
  instructions: "{% if params.page %}{{ urls.page }}{% endif %}"
"""
RAW: dict[str, Any] = yaml.safe_load(TEXT)


def resolved(**want: Any) -> tuple[Desired | None, list[Fault]]:
    template = Template.model_validate(RAW)
    source = Source("demo", "deployments/demo.yaml", {"template": "api", "provider": "local", **want})
    return resolve(source, {"api": template}, Settings())


def spec(**want: Any) -> dict[str, Any]:
    desired, faults = resolved(**want)
    assert faults == []
    assert desired
    return desired.spec


def test_companion_that_is_off_leaves_no_trace() -> None:
    found = spec()
    assert "companions" not in found["service"]
    assert found["ports"] == {"api": 8080}
    assert found["secrets"] == {}


def test_companion_that_is_on_is_part_of_the_service() -> None:
    found = spec(params={"page": True}, ports={"page": 9000})
    assert found["service"]["companions"] == {
        "page": {
            "image": "example/page:1",
            "command": ["serve", "--port=9000"],
            "env": {"API": "http://service:80", "KEY": {"secret_parts": [{"secret": "key"}]}},
            "volumes": {"data": "/data"},
            "shm_gb": 0,
            "user": "",
            "health": {"port": "page", "path": "/up", "status": 200, "timeout_s": 7},
        }
    }
    assert found["service"]["ports"]["page"]["companion"] == "page"
    assert found["secrets"] == {"key": "generate"}


def test_each_container_publishes_and_proves_its_own_port() -> None:
    found = spec(params={"page": True})
    ports = found["service"]["ports"]
    assert [port["host"] for port in specs.container_ports(ports)] == [8080]
    assert [port["host"] for port in specs.container_ports(ports, "page")] == [8090]
    assert specs.health_check(found)["port"] == 8080
    assert specs.companion_health(found, "page") == {
        "host": "127.0.0.1",
        "port": 8090,
        "protocol": "http",
        "path": "/up",
        "status": 200,
        "timeout_s": 7,
    }


def test_port_of_a_companion_that_is_off_is_refused() -> None:
    _, faults = resolved(ports={"page": 9000})
    assert [(fault.code, fault.path) for fault in faults] == [("port-without-effect", ("ports", "page"))]
    assert "params: {page: true}" in faults[0].hint


def test_same_number_for_both_is_refused() -> None:
    _, faults = resolved(params={"page": True}, ports={"page": 8080})
    assert [fault.code for fault in faults] == ["port-conflict"]


@pytest.mark.parametrize(("on", "labels"), [(True, ["Page", "API"]), (False, ["API"])])
def test_panel_shows_what_is_there(on: bool, labels: list[str]) -> None:
    found = spec(params={"page": on})
    record = Record("demo", "local", "running", "d", found, {"engine": "docker"}, specs.endpoints(found, "127.0.0.1"))
    panel = access.panel(record, access.source(RAW))
    assert [end["label"] for end in panel["endpoints"]] == labels
    assert panel["instructions"] == ("http://127.0.0.1:8090" if on else "")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("service", "companions", "page", "only_with"), "nothing", "'nothing' is not a boolean parameter"),
        (("service", "companions", "page", "health", "port"), "api", "'api' is not one of the ports: page"),
        (("service", "companions", "service"), RAW["service"]["companions"]["page"], "cannot be called service"),
        (("service", "ports", "page"), RAW["service"]["ports"]["api"], "names of their own: page"),
        (("service", "process"), {"packages": ["a==1"], "command": ["a"]}, "cannot be a process or a script"),
        (("params", "page", "only_with"), "page", "only for secret parameters"),
        (("requirements",), {"gpus_from": "page"}, "gpus_from 'page' is not an integer parameter"),
        (("requirements",), {"gpus_from": "nothing"}, "gpus_from 'nothing' is not an integer parameter"),
    ],
)
def test_template_that_does_not_fit_together_is_refused(path: tuple[str, ...], value: Any, words: str) -> None:
    raw = copy.deepcopy(RAW)
    inner = raw
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    with pytest.raises(ValidationError, match=words):
        Template.model_validate(raw)


def test_deployment_model_knows_nothing_of_it() -> None:
    assert "companions" not in Deployment.model_fields
