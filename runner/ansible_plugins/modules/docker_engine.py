#!/usr/bin/python
"""Ansible module: the Docker engine as a unit of systemd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_engine
short_description: Ensures that the Docker engine runs, or that it takes new settings over
description:
  - Answers when the engine does, so that nobody has to wait for it afterwards.
  - Whatever made systemd give up on the engine before is forgotten first.
  - One that does not start fails the task with what its log says.
attributes:
  check_mode:
    support: full
options:
  state:
    type: str
    choices: [started, reloaded, restarted]
    default: started
    description: V(started) also at every boot. V(reloaded) and V(restarted) always change.
  gentle:
    type: bool
    default: false
    description: Before a restart, have the engine learn by a reload not to stop containers (C(live-restore)).
  timeout_s: {type: int, default: 30, description: How long it may take until it answers.}
  docker_socket: {type: str, default: '', description: Path of the socket; else DOCKER_HOST; else the engine's default.}
"""

EXAMPLES = r"""
- name: Ensure the engine runs, now and after a reboot
  docker_engine:

- name: Restart Docker
  docker_engine: {state: restarted, gentle: true}
"""

RETURN = r"""
complaint:
  description: What the engine's log says is wrong.
  returned: failure
  type: str
cause:
  description: Stable name of the failure.
  returned: failure
  type: str
  sample: docker-broken
"""

import json
import re
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.docker_socket import DockerError, request, socket_path
from ansible.module_utils.systemctl import UnitError, Units

UNIT = "docker.service"
COMPLAINT = re.compile("failed to start|unable to configure|reconfiguring")
LEARNS_S = 4.0
POLL_S = 0.1
SHORT_S = 10
LINES = 200


def started(units, *, check):
    """Whether it was not, now or at boot."""
    runs, at_boot = units.active(UNIT), units.enabled(UNIT)
    if not (runs or check):
        units.forget_failures(UNIT)
    if not at_boot and not check:
        units.must("enable", "--quiet", UNIT)
    if not runs and not check:
        units.must("start", UNIT)
    return not (runs and at_boot)


def restarted(units, socket, *, gentle):
    """Containers go on where the engine has learned to leave them alone."""
    if gentle:
        units.must("reload", UNIT)
        _until(lambda: _info(socket).get("LiveRestoreEnabled"), LEARNS_S)
    units.forget_failures(UNIT)  # the fourth start within a minute would be refused
    units.must("restart", UNIT)


def complaint(units):
    """The line of its log that says what is wrong, else the end of it."""
    lines = units.log(UNIT, LINES)
    told = [line for line in lines if COMPLAINT.search(line)]
    return told[-1] if told else " | ".join(lines[-15:])


def _answers(socket, timeout_s):
    return _until(lambda: _info(socket), timeout_s)


def _info(socket):
    try:
        with request(socket_path(socket), "GET", "/info", SHORT_S) as response:
            return dict(json.loads(response.read()))
    except DockerError:
        return {}


def _until(true, limit_s):
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "reloaded", "restarted"], "default": "started"},
            "gentle": {"type": "bool", "default": False},
            "timeout_s": {"type": "int", "default": 30},
            "docker_socket": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    units, state, changed = Units(module.run_command), module.params["state"], True
    try:
        if state == "started":
            changed = started(units, check=module.check_mode)
        elif not module.check_mode and state == "restarted":
            restarted(units, module.params["docker_socket"], gentle=module.params["gentle"])
        elif not module.check_mode:
            units.must("reload", UNIT)
    except UnitError as error:
        said = complaint(units)
        text = "the Docker engine does not start (%s); its log says: %s" % (error, said)
        hint = "repair what the log names on the machine, then run this again"
        module.fail_json(msg=text, hint=hint, complaint=said, cause="docker-broken")
    if not module.check_mode and not _answers(module.params["docker_socket"], module.params["timeout_s"]):
        text = "the Docker engine runs, but does not answer within %d s" % module.params["timeout_s"]
        hint = "see its log: journalctl -u docker"
        module.fail_json(msg=text, hint=hint, complaint=complaint(units), cause="docker-broken")
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
