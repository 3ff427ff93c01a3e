"""What Ansible says of failures, in its own words of version 2.19, and what we make of it."""

from __future__ import annotations

from typing import Any

import pytest

from runner import ansible_causes

TEMPORARY = (
    "Failed to create temporary directory. In some cases, you may have been able to authenticate and did not have "
    "permissions on the target directory. Consider changing the remote tmp path in ansible.cfg to a path rooted in "
    '"/tmp", for more error information use -vvv. Failed command was: ( umask 77 && mkdir -p "` echo ~/.ansible/tmp '
    '`" ), exited with result 1'
)
VIA = "Failed to connect to the host via ssh: "
NO_JSON = "MODULE FAILURE: No start of json char found\nSee stdout/stderr for the exact error"


def lost(said: str) -> dict[str, Any]:
    return {"unreachable": True, "msg": said}


def module(stderr: str, stdout: str = "") -> dict[str, Any]:
    return {"failed": True, "msg": NO_JSON, "module_stderr": stderr, "module_stdout": stdout, "rc": 1}


@pytest.mark.parametrize(
    ("result", "code", "message", "hint"),
    [
        (lost(TEMPORARY), "no-temporary-folder", "cannot write below its home", "ls -ld ~"),
        (
            lost(f"{VIA}ssh: connect to host 192.0.2.1 port 22: Connection refused"),
            "unreachable",
            "middle: ssh: ",
            "again",
        ),
        (
            lost(f"{VIA}Connection timed out during banner exchange"),
            "unreachable",
            "banner exchange",
            "the same command",
        ),
        (lost("Data could not be sent to remote host '192.0.2.1'."), "unreachable", "could not be sent", ""),
        (lost(f"{VIA}Shared connection to 192.0.2.1 closed."), "unreachable", "Shared connection", ""),
        (lost(f"{VIA}me@192.0.2.1: Permission denied (publickey)."), "ssh-key-refused", "no longer accepts", "keys"),
        (lost(f"{VIA}Host key verification failed."), "host-key-changed", "another host key", "runner trust"),
        (lost("Timeout (12s) waiting for privilege escalation prompt: "), "sudo-silent", "neither asked", "sudo true"),
        (
            lost(f"{VIA}muxclient: unheard of"),
            "unknown-connection-failure",
            "connection:\nmuxclient: unheard of",
            "events",
        ),
        ({"msg": "Task failed: Incorrect sudo password"}, "sudo-refused", "Incorrect sudo password", "become_password"),
        ({"msg": "Missing sudo password"}, "sudo-refused", "asks for a password", "NOPASSWD"),
        (module("sudo: a password is required\n"), "sudo-refused", "asks for a password", "NOPASSWD"),
        (module("bash: line 1: /usr/bin/python3: No such file or directory"), "no-python", "No such file", "python:"),
        (module("OSError: [Errno 28] No space left on device"), "disk-full", "Errno 28", "larger disk"),
        (module("Segmentation fault"), "step-failed", "\nSegmentation fault", ""),
        ({"msg": "the repository said Missing sudo password"}, "step-failed", "the repository said", ""),
        ({"msg": "port 80 is taken", "cause": "port-taken"}, "port-taken", "port 80 is taken", ""),
        ({"msg": "No space left on device", "cause": "packages", "hint": "h"}, "packages", "No space left", "h"),
        ({"censored": "hidden"}, "step-failed", "", ""),
        ({}, "step-failed", "without a reason", ""),
    ],
)
def test_cause_is_told_by_its_own_words(result: dict[str, Any], code: str, message: str, hint: str) -> None:
    cause = ansible_causes.failure(result, lost="unreachable" in result)
    assert cause.code == code
    assert message in cause.message
    assert hint in cause.hint


RECAP = """\
PLAY [Provision] ***************************************************************

PLAY RECAP *********************************************************************
chat                       : ok=0    changed=0    unreachable=0    failed=0    skipped=3
"""


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (RECAP, "Ansible ended as failed without a reason"),
        ("", "Ansible ended as failed without a reason"),
        (
            f"[ERROR]: Invalid host name: a b\nOrigin: hosts.json\n\n{RECAP}",
            "refused:\n[ERROR]: Invalid host name: a b\nOr",
        ),
        (
            f"ERROR! the playbook could not be found\n{RECAP}",
            "Ansible refused:\nERROR! the playbook could not be found",
        ),
        (f"ok: [an ERROR in a name]\n{RECAP}", "Ansible ended as failed without a reason"),
    ],
)
def test_failure_before_any_host_shows_errors_and_never_a_recap(output: str, message: str) -> None:
    cause = ansible_causes.before_any_host(output, "failed")
    assert message in cause.message
    assert "RECAP" not in cause.message
    assert "skipped=" not in cause.message
    assert cause.code == "ansible-failed"
