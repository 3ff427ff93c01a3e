"""The module `container` against a real engine: each test is one promise of its documentation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import ports
from tests.ansible_plugins.box import CANARY, PLUGINS, Box
from tests.ansible_plugins.box import box as make_box

pytestmark = pytest.mark.docker


@pytest.fixture
def box() -> Iterator[Box]:
    with make_box() as made:
        yield made


@pytest.fixture
def running(box: Box) -> Box:
    assert box.call()["changed"]
    return box


# --- create, repeat ---------------------------------------------------------------------------------------------------


def test_check_mode_says_changed_and_does_nothing(box: Box) -> None:
    answer = box.call(check=True)
    assert answer["changed"]
    assert answer["actions"] == ["created"]
    assert box.status() == "absent"
    assert box.docker.volumes({"slipway-container": box.name}) == []


def test_create_serves_on_loopback_and_repeat_changes_nothing(box: Box) -> None:
    first = box.call()
    assert (first["changed"], first["container"]["status"]) == (True, "running")
    box.call(command=["httpd", "-f", "-p", "8080", "-h", "/bin"])
    port = box.wanted["ports"][0]["host"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/busybox", timeout=5) as response:
        assert response.status == 200
    container = box.docker.inspect(box.name)
    assert container
    assert container["HostConfig"]["PortBindings"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}

    again = box.call(command=["httpd", "-f", "-p", "8080", "-h", "/bin"])
    assert (again["changed"], again["actions"], again["changes"]) == (False, [], [])
    assert again["container"]["id"] == container["Id"]


def test_environment_is_written_as_yaml_reads(running: Box) -> None:
    assert {f"TOKEN={CANARY}", "COLOUR=red", "DEBUG=true", "LEVEL=1"} <= set(running.environment())


def test_container_and_volumes_carry_the_mark_but_no_secret(running: Box) -> None:
    container = running.docker.inspect(running.name)
    assert container
    assert running.wanted["labels"].items() <= container["Config"]["Labels"].items()
    assert CANARY not in json.dumps(container["Config"]["Labels"])
    (volume,) = running.docker.volumes({"slipway-container": running.name})
    assert volume["Labels"]["slipway-repo"] == running.wanted["labels"]["slipway-repo"]
    assert "slipway-digest" not in volume["Labels"]


# --- update -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"command": ["sleep", "1000"]}, ["command"]),
        (
            {"env": {"TOKEN": CANARY + "2", "COLOUR": "red", "LEVEL": 1, "NEW": "1"}},
            ["env.DEBUG", "env.NEW", "env.TOKEN"],
        ),
        ({"shm_gb": 0.25, "user": "1000", "restart": "never"}, ["restart", "shm_gb", "user"]),
    ],
)
def test_update_recreates_and_names_the_fields(running: Box, changed: dict[str, Any], fields: list[str]) -> None:
    before = running.id()
    foreseen = running.call(check=True, **changed)
    assert (foreseen["changed"], foreseen["changes"], running.id()) == (True, fields, before)
    done = running.call(**changed)
    assert (done["actions"], done["changes"], done["diff"]) == (["recreated", "committed"], fields, foreseen["diff"])
    assert running.id() != before
    assert not running.call(**changed)["changed"]


def test_update_keeps_the_volume(running: Box) -> None:
    running.call(command=["sh", "-c", "echo kept > /data/file; sleep 1000"])
    running.call(command=["sh", "-c", "cat /data/file; sleep 1000"])
    assert list(running.docker.logs(running.name)) == ["kept"]


def test_missing_image_touches_nothing(running: Box) -> None:
    before = running.id()
    answer = running.call(image="slipway-lab/no-such:1", pull="never")
    assert (answer["failed"], answer["cause"]) == (True, "image-not-found")
    assert "slipway-lab/no-such:1" in answer["msg"]
    assert (running.id(), running.status()) == (before, "running")


def test_unreachable_registry_touches_nothing(running: Box) -> None:
    before = running.id()
    answer = running.call(image="127.0.0.1:9/no/such:1")
    assert (answer["failed"], answer["cause"]) == (True, "registry-unreachable")
    assert (running.id(), running.status()) == (before, "running")


def test_port_clash_puts_the_previous_back(running: Box) -> None:
    before, taken = running.id(), ports.free()
    other = {
        **running.wanted,
        "name": running.name + "-other",
        "ports": [{"host": taken, "container": 8080}],
        "volumes": {},
    }
    assert "failed" not in running.call(**other)
    answer = running.call(ports=[{"host": taken, "container": 8080}])
    assert (answer["failed"], answer["cause"]) == (True, "port-taken")
    assert f"port {taken} " in answer["msg"]
    assert "previous container runs again" in answer["msg"]
    assert (running.id(), running.status(), running.status(".previous")) == (before, "running", "absent")


def test_failed_first_start_leaves_no_container(box: Box) -> None:
    answer = box.call(command=["no-such-program"])
    assert (answer["failed"], answer["cause"]) == (True, "engine-failed")
    assert "no-such-program" in answer["msg"]
    assert box.status() == "absent"


def test_gpu_without_a_runtime_says_so(running: Box) -> None:
    if "nvidia" in running.docker.info()["Runtimes"]:
        pytest.skip("this engine has the NVIDIA runtime")
    before = running.id()
    answer = running.call(gpus=["0", "1"])
    assert (answer["failed"], answer["cause"]) == (True, "gpu-runtime-missing")
    assert (running.id(), running.status()) == (before, "running")


# --- prove, then commit or roll back ----------------------------------------------------------------------------------


def test_kept_previous_goes_with_commit(running: Box) -> None:
    running.call(command=["sleep", "1000"], keep_previous=True)
    assert (running.status(), running.status(".previous")) == ("running", "exited")
    assert not running.call(command=["sleep", "1000"], keep_previous=True)["changed"]
    assert running.call(state="committed", check=True)["changed"]
    assert running.call(state="committed")["actions"] == ["committed"]
    assert (running.status(), running.status(".previous")) == ("running", "absent")
    assert not running.call(state="committed")["changed"]


def test_rollback_restores_the_previous(running: Box) -> None:
    before = running.id()
    running.call(command=["sleep", "1000"], keep_previous=True)
    assert running.call(state="rolled_back")["actions"] == ["rolled back"]
    assert (running.id(), running.status(), running.status(".previous")) == (before, "running", "absent")
    assert not running.call(state="rolled_back")["changed"]


def test_second_unproven_update_keeps_the_proven_one(running: Box) -> None:
    before = running.id()
    running.call(command=["sleep", "1000"], keep_previous=True)
    running.call(command=["sleep", "2000"], keep_previous=True)
    running.call(state="rolled_back")
    assert (running.id(), running.status()) == (before, "running")


@pytest.mark.parametrize("crash", ["renamed", "created", "stopped"])
def test_rerun_after_a_crash_converges(running: Box, crash: str) -> None:
    before = running.docker.inspect(running.name)
    assert before
    new: dict[str, Any] = {"command": ["sleep", "1000"]}
    running.docker.rename(running.name, running.name + ".previous")
    if crash != "renamed":
        body = {**before["Config"], "Cmd": new["command"], "HostConfig": before["HostConfig"], "Hostname": ""}
        config = json.loads(body["Labels"]["slipway-config"])
        body["Labels"]["slipway-config"] = json.dumps({**config, **new})
        running.docker.create(running.name, body)
    if crash == "stopped":
        running.docker.stop(running.name + ".previous", 0)
    assert running.call(**new)["changed"]
    assert (running.status(), running.status(".previous")) == ("running", "absent")
    assert not running.call(**new)["changed"]


# --- stop, start, restart, remove -------------------------------------------------------------------------------------


def test_stop_and_start_keep_the_container(running: Box) -> None:
    before = running.id()
    assert running.call(state="stopped", check=True)["changed"]
    assert running.status() == "running"
    assert running.call(state="stopped")["actions"] == ["stopped"]
    assert running.status() == "exited"
    assert not running.call(state="stopped")["changed"]
    assert running.call()["actions"] == ["started"]
    assert (running.id(), running.status()) == (before, "running")


def test_restart_starts_again_in_place(running: Box) -> None:
    before = running.docker.inspect(running.name)
    answer = running.call(state="restarted")
    assert before
    assert (answer["actions"], answer["container"]["id"]) == (["restarted"], before["Id"])
    assert answer["container"]["started_at"] > before["State"]["StartedAt"]


def test_paused_container_goes_on(running: Box) -> None:
    subprocess.run(["docker", "pause", running.name], check=True, capture_output=True)
    assert running.call()["actions"] == ["started"]
    assert running.status() == "running"


def test_absent_removes_everything_and_is_quiet_when_gone(running: Box) -> None:
    running.call(command=["sleep", "1000"], keep_previous=True)
    assert running.call(state="absent", check=True)["changed"]
    assert running.status() == "running"
    assert running.call(state="absent")["changed"]
    assert (running.status(), running.status(".previous")) == ("absent", "absent")
    assert running.docker.volumes({"slipway-container": running.name})
    assert running.call(state="absent", remove_volumes=True)["actions"] == [f"removed volume {running.volume}"]
    assert not running.call(state="absent", remove_volumes=True)["changed"]


def test_foreign_container_is_never_touched(box: Box) -> None:
    box.docker.create(box.name, {"Image": box.image, "Cmd": ["sleep", "1000"], "Labels": box.wanted["labels"]})
    for state in ("started", "stopped", "absent"):
        answer = box.call(state=state)
        assert (answer["failed"], answer["cause"]) == (True, "name-taken")
    assert box.status() == "created"


def test_foreign_volume_is_never_used(box: Box) -> None:
    box.docker.create_volume(box.volume, {"slipway-repo": box.wanted["labels"]["slipway-repo"]})
    answer = box.call()
    assert (answer["failed"], answer["cause"], box.status()) == (True, "name-taken", "absent")


# --- through Ansible --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("socket", "words"), [("/nowhere/docker.sock", "does not exist"), ("tcp://127.0.0.1:1", "only unix:// sockets can")]
)
def test_unreachable_engine_says_what_to_do(box: Box, socket: str, words: str) -> None:
    answer = box.call(docker_socket=socket)
    assert (answer["failed"], answer["cause"]) == (True, "engine-unreachable")
    assert words in answer["msg"]


def test_wrong_gpus_are_refused(box: Box) -> None:
    assert box.call(gpus="some")["cause"] == "invalid-option"


def test_real_playbook_hides_secrets_at_every_verbosity(box: Box, tmp_path: Path) -> None:
    broken = {**box.wanted, "image": "slipway-lab/no-such:1", "pull": "never"}
    tasks = [
        {"container": box.wanted},
        {"container": {**box.wanted, "env": {"TOKEN": CANARY, "COLOUR": "blue"}}},
        {"container": broken, "register": "result", "failed_when": "result.cause != 'image-not-found'"},
        {"container": {"name": box.name, "state": "absent", "stop_timeout_s": 0}},
    ]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    (tmp_path / "ansible.cfg").touch()
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_LIBRARY": str(PLUGINS / "modules"),
        "ANSIBLE_MODULE_UTILS": str(PLUGINS / "module_utils"),
        "ANSIBLE_LOCAL_TEMP": str(tmp_path),
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-vvvv", "--diff", str(tmp_path / "play.yml")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok=4    changed=3" in done.stdout
    assert CANARY not in done.stdout + done.stderr
