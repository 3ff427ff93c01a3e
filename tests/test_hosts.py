"""What Ansible gets to know: one host for each action, plain data, and never a secret's value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner import hosts, specs
from runner.domain import CHANGING, Action, Kind
from tests import factories as make
from tests.small import Small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(tmp_path / "repo")
    made.deployment("web", "template: app\nowner: team\nprotect: true\nparams: {text: '{{ 7*7 }}'}\n")
    return made


def test_every_kind_that_changes_something_has_its_plays() -> None:
    assert hosts.GROUPS_OF_KIND.keys() == CHANGING


@pytest.mark.parametrize("kind", sorted(CHANGING))
def test_host_says_what_is_wanted_and_why(small: Small, kind: Kind) -> None:
    loaded = small.load()
    want = loaded.desired["web"]
    made = hosts.hosts_for_actions(loaded, {}, (Action("web", "local", kind, "new"),))["web"]
    assert [group for group in made["groups"] if group != "slipway_close"] == list(hosts.GROUPS_OF_KIND[kind])
    told = made["vars"]
    assert all(name.startswith("slipway_") for name in told)
    assert told["slipway_purpose"] == str(kind)
    assert (told["slipway_deployment"], told["slipway_provider"], told["slipway_repo"]) == ("web", "local", "test")
    assert (told["slipway_spec"], told["slipway_digest"]) == (want.spec, want.digest)
    assert (told["slipway_state"], told["slipway_protect"], told["slipway_owner"]) == ("running", True, "team")
    assert told["slipway_settings"] == loaded.settings
    assert told["slipway_panel"]["title"] == "App"


def test_host_of_a_deleted_file_is_told_by_its_record(small: Small) -> None:
    old = make.record(make.desired("old"), provider="far")
    action = Action("old", "far", Kind.DESTROY, "its file was deleted")
    told = hosts.hosts_for_actions(small.load(), {"old": old}, (action,))["old"]["vars"]
    assert (told["slipway_spec"], told["slipway_file"]) == (old.spec, "deployments/old.yaml")
    assert (told["slipway_state"], told["slipway_digest"], told["slipway_provider"]) == ("absent", "", "far")


def test_host_of_an_orphan_knows_its_provider_only(small: Small) -> None:
    action = Action("orphan", "local", Kind.DESTROY, "orphan")
    told = hosts.hosts_for_actions(small.load(), {}, (action,))["orphan"]["vars"]
    assert (told["slipway_spec"], told["slipway_provider"], told["slipway_state"]) == ({}, "local", "absent")


def test_variables_are_plain_data(small: Small) -> None:
    """They go to Ansible as JSON; what people wrote arrives as they wrote it."""
    made = hosts.hosts_for_actions(small.load(), {}, (Action("web", "local", Kind.CREATE, "new"),))
    assert json.loads(json.dumps(made)) == made
    assert made["web"]["vars"]["slipway_spec"]["params"]["text"] == "{{ 7*7 }}"
    assert made["web"]["vars"]["slipway_spec"]["secrets"] == {"password": "generate"}


def test_all_deployments_are_grouped_by_their_state(small: Small) -> None:
    small.deployment("off", "template: app\nstate: stopped\nports: {web: 1, api: 2}\n")
    made = hosts.hosts_for_states(small.load(), {"running": "up", "stopped": "down", "absent": "gone"})
    assert {name: host["groups"] for name, host in made.items()} == {"off": ["down"], "web": ["up"]}


# --- What follows from a spec ----------------------------------------------------------------------------------------


def test_health_is_probed_at_the_host_port() -> None:
    assert specs.health_check(make.spec(), "10.0.0.1") == {
        "host": "10.0.0.1",
        "port": 8888,
        "protocol": "http",
        "path": "/",
        "status": 200,
        "timeout_s": 60,
    }


def test_endpoints_are_where_a_person_can_reach_them() -> None:
    made = specs.endpoints(make.spec(), "10.0.0.1")
    assert made == {"web": {"url": "http://10.0.0.1:8888", "host": "10.0.0.1", "port": 8888, "protocol": "http"}}
    assert specs.urls(made) == {"web": "http://10.0.0.1:8888"}


def test_engine_knows_tcp_and_udp_only() -> None:
    port = {"bind": "127.0.0.1", "host": 1, "container": 2}
    ports = {name: {**port, "protocol": name} for name in ("http", "https", "tcp", "udp")}
    assert [made["protocol"] for made in specs.container_ports(ports)] == ["tcp", "tcp", "tcp", "udp"]


def test_volumes_of_two_deployments_never_meet() -> None:
    assert specs.container_volumes({"data": "/data"}, "slipway-web") == {"slipway-web-data": "/data"}


@pytest.mark.parametrize(
    ("kind", "machine", "may_be"),
    [
        (Kind.CREATE, None, False),
        (Kind.UPDATE, None, True),  # nobody remembers it: a record may be lost
        (Kind.DESTROY, None, True),
        (Kind.UPDATE, {"id": "a"}, False),
        (Kind.UPDATE, {"id": "a", "exposed": True}, True),
    ],
)
def test_what_may_be_open_is_to_be_closed(
    small: Small, kind: Kind, machine: dict[str, str] | None, may_be: bool
) -> None:
    kept = {} if machine is None else {"web": make.record(machine=machine)}
    made = hosts.hosts_for_actions(small.load(), kept, (Action("web", "local", kind, "new"),))
    assert made["web"]["vars"]["slipway_exposed"] is may_be
    assert ("slipway_close" in made["web"]["groups"]) is (may_be and kind is Kind.UPDATE), (
        "what goes away is closed on its way"
    )


def test_what_is_to_be_open_is_not_closed_first(small: Small) -> None:
    loaded = small.load()
    spec = loaded.desired["web"].spec
    spec["access"] = {**spec["access"], "expose": "public"}  # what it was is the same one for all
    made = hosts.hosts_for_actions(loaded, {}, (Action("web", "local", Kind.UPDATE, "new"),))
    assert made["web"]["groups"] == ["slipway_converge"]
