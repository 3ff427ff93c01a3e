"""A host as auditors like it (umask 077 for everybody, its Python in a place of its own), reached by a person whose ssh
configuration is full of settings for other things: everything works, and the second run changes nothing.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.e2e import world as look
from tests.e2e.callers import Caller, trusting
from tests.e2e.proofs import CHECKSUM, SCRIPT
from tests.e2e.world import World
from tests.lab import hosts, ready
from tests.lab.machine import Host
from tests.providers.test_ssh_client import OF_A_PERSON

pytestmark = [pytest.mark.ssh, pytest.mark.slow]

NAME = "hardened-1"
PORTS = {"quiet": 8301, "shown": 8302}
SCRIPT_PORT = 8091
HARDEN = r"""
sed -i 's/^UMASK.*/UMASK 077/; s/^USERGROUPS_ENAB.*/USERGROUPS_ENAB no/' /etc/login.defs
for file in common-session common-session-noninteractive sudo sshd; do
    echo 'session optional pam_umask.so umask=0077' >>/etc/pam.d/$file
done
printf 'Defaults umask=0077\nDefaults umask_override\n' >/etc/sudoers.d/umask
for file in /etc/profile /etc/bash.bashrc /root/.bashrc /root/.profile; do sed -i '1i umask 077' $file; done
install -d -m 755 /opt/python /opt/python/bin && ln -s "$(readlink -f /usr/bin/python3)" /opt/python/bin/python3
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    ready.pullable("tiny")
    ready.hosts(NAME)
    made = hosts.reset(NAME, "host")
    hosts.console(NAME, "sh", "-ec", HARDEN)
    yield made
    hosts.remove(NAME)


@pytest.fixture(scope="module")
def world(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = look.build(Path(tmp_path_factory.mktemp("my project")))
    programs = made.home / "bin"
    programs.mkdir()
    config = made.home / "config"
    config.write_text(OF_A_PERSON)
    config.chmod(0o600)
    wrapper = programs / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {config} "$@"\n')
    wrapper.chmod(0o755)
    made.env["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
    made.add(host, user="ubuntu", python="/opt/python/bin/python3")
    yield made
    look.end(made, [host])


def ran(host: Host, command: str) -> str:
    return hosts.console(host.name, "sh", "-ec", command).strip()


def test_host_is_as_hard_as_meant(host: Host) -> None:
    assert ran(host, "su - ubuntu -c umask") == "0077"
    assert ran(host, "su - ubuntu -c 'sudo -n sh -c umask'") == "0077"


def test_missing_python_is_named_with_the_setting(world: World, host: Host) -> None:
    world.add(host, user="ubuntu", python="/opt/python/bin/python4")
    world.spark("quiet", PORTS["quiet"], f"host: {NAME}")
    row = world.plan(code=4)["quiet"]
    assert (row["code"], "python:" in row["hint"]) == ("no-python", True)
    world.add(host, user="ubuntu", python="/opt/python/bin/python3")


@pytest.fixture(scope="module")
def deployed(world: World, host: Host) -> World:
    """A container, one that others reach, and a script: what the roles base, docker, service and expose do."""
    ready.pullable("stand-in")
    for file in ("echo.yaml", SCRIPT):
        shutil.copy(look.HERE / file, world.root / "templates" if file.endswith(".yaml") else world.root)
    where = f"provider: ssh\nmachine: {{host: {NAME}}}\n"
    world.spark("quiet", PORTS["quiet"], f"host: {NAME}")
    world.deployment("shown", f"template: echo\n{where}ports: {{web: {PORTS['shown']}}}\naccess: {{expose: public}}\n")
    world.env["WORD"] = "of the script"
    script = f"params: {{script: {SCRIPT}, sha256: {CHECKSUM}}}\nsecrets: {{WORD: env:WORD}}\n"
    world.deployment("board", f"template: custom-script\n{where}{script}")
    rows = world.reconcile()
    assert {name: row["result"] for name, row in rows.items()} == dict.fromkeys(rows, "changed")
    return world


def test_everything_answers(deployed: World, host: Host) -> None:
    assert look.ask(host, PORTS["quiet"]).strip() == "hello"
    assert "NoNewPrivs" in look.ask(host, SCRIPT_PORT)
    secrets = deployed.json("access", "shown", "--show-secrets")["secrets"]
    token = next(row["value"] for row in secrets if row["name"].startswith("access_"))
    trust = trusting(str(deployed.root / "deployments/access/shown.ca.pem"))
    friend = Caller(host.address, 443, trust, {"Authorization": f"Bearer {token}"})
    assert friend.status() == HTTPStatus.OK


def test_second_run_changes_nothing(deployed: World) -> None:
    assert set(deployed.actions(code=0).values()) == {"none"}
    assert re.search(r"changed=[1-9]", deployed.ansible()) is None


def test_shell_and_log_work_too(deployed: World) -> None:
    assert deployed.ok("ssh", "quiet", "--", "id", "-un").strip().endswith("ubuntu")
    assert deployed.ok("logs", "quiet")
