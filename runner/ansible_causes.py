"""Says what a failure that Ansible reports means and what to do about it. Pure: what it said in, our words out.

Modules and actions of ours bring message, code and hint with them. Of Ansible's own words each cause is recognised by
its text; whatever nobody knows is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from runner import said as told

LOST_HINT = "look after the machine; when it answers again, the same command goes on from here"
UNKNOWN_LOST = "unknown-connection-failure"
STEP_FAILED = "step-failed"
_NO_RESULT = re.compile("MODULE FAILURE|Module result deserialization failed|The module interpreter .* was not found")
_CONNECTING = re.compile(r"^(?:Task failed: )?Failed to connect to the host via (?:ssh|scp|sftp): ")


class Cause(NamedTuple):
    """Why a step failed."""

    message: str
    hint: str
    code: str


class _Known(NamedTuple):
    said: re.Pattern[str]
    code: str
    message: str
    """{line}: the line by which it was recognised."""
    hint: str


def _known(said: str, code: str, message: str, hint: str) -> _Known:
    return _Known(re.compile(said, re.MULTILINE), code, message, hint)


_CAUSES = (
    _known(
        "Failed to create temporary directory.*",
        "no-temporary-folder",
        "the user that Ansible works as cannot write below its home, where Ansible keeps its files (~/.ansible/tmp)",
        "give it a home that it may write to (ls -ld ~ ~/.ansible ~/.ansible/tmp), and room on its disk (df ~)",
    ),
    _known(
        "IDENTIFICATION HAS CHANGED|Host key verification failed",
        "host-key-changed",
        "it shows another host key than at the beginning of this run",
        "runner trust says what to compare; do not connect before you know why",
    ),
    _known(
        r"Permission denied \([\w,@.-]+\)|Too many authentication failures",
        "ssh-key-refused",
        "it no longer accepts the key: {line}",
        "check user and key of the host, and its authorized_keys",
    ),
    _known(
        r"Incorrect sudo password|sudo: \d+ incorrect password attempt.*|Maximum \d+ incorrect authentication attempts",
        "sudo-refused",
        "sudo does not accept this password: {line}",
        "check become_password of the host",
    ),
    _known(
        "Missing sudo password|sudo: a password is required|interactive authentication is required",
        "sudo-refused",
        "sudo asks for a password: {line}",
        "give become_password: env:NAME, or allow NOPASSWD for this user",
    ),
    _known(
        r"Timeout \(\d+s\) waiting for privilege escalation prompt.*",
        "sudo-silent",
        "sudo neither asked for a password nor went on: {line}",
        "log in there and try sudo true: often a directory service or a name that cannot be resolved is slow",
    ),
    _known(
        r".*python[\d.]*['\u2019]?: (?:command not found|not found|No such file or directory).*"
        "|The module interpreter .* was not found.*",
        "no-python",
        "there is no Python where it is looked for: {line}",
        "install it there (apt-get install python3), or say where it is: python: of the host",
    ),
    _known(
        "ansible-core requires a minimum of Python version.*",
        "python-too-old",
        "its Python is too old: {line}",
        "install a newer one beside it, and say where it is: python: of the host",
    ),
    _known(
        ".*No space left on device.*",
        "disk-full",
        "a disk is full there: {line}",
        "free some (df), or give the machine a larger disk",
    ),
)
_GONE = re.compile(
    r".*(?:ssh: connect to host|Could not resolve hostname|timed out|Connection (?:closed|reset|refused)|Broken pipe"
    r"|No route to host|Network is unreachable|closed by remote host|Timeout, server \S+ not responding"
    r"|Data could not be sent to remote host|stdio forwarding failed|Shared connection to \S+ closed|open failed:).*"
)


def failure(result: Mapping[str, Any], *, lost: bool) -> Cause:
    """What a failed step, or the loss of a host, means."""
    if result.get("code") or result.get("cause"):
        code = str(result.get("code") or result.get("cause"))
        return Cause(_message(result), str(result.get("hint", "")), code)
    said = _message(result)
    for known in _CAUSES if lost or _of_ansible(said) else ():
        if found := known.said.search(said):
            return Cause(known.message.format(line=told.line(found.group())), known.hint, known.code)
    if not lost:
        return Cause(said, str(result.get("hint", "")), STEP_FAILED)
    words = _CONNECTING.sub("", said)
    if _GONE.search(words):
        return Cause(f"it went away in the middle: {told.line(words)}", LOST_HINT, "unreachable")
    return Cause(
        f"Ansible lost the connection:\n{told.shown(words)}", "runner events tells what came before", UNKNOWN_LOST
    )


def before_any_host(output: str, status: str) -> Cause:
    """Why nothing was done at all: Ansible's own errors, without its recap and its list of tasks."""
    hint = "ansible.log of this run, in .runner/runs/, has all of its words"
    words = told.head("\n".join(_errors(output.splitlines())))
    message = f"Ansible refused:\n{words}" if words else f"Ansible ended as {status or 'unknown'} without a reason"
    return Cause(message, hint, "ansible-failed")


def _errors(lines: list[str]) -> list[str]:
    """The last error and what belongs to it: up to an empty line, or to what Ansible says of its own course."""
    starts = [number for number, line in enumerate(lines) if re.match(r"\[ERROR\]|ERROR!|fatal:", line)]
    found: list[str] = []
    for line in lines[starts[-1] :] if starts else []:
        if not line.strip() or re.match(r"PLAY |TASK |RUNNING HANDLER|\[WARNING\]", line):
            break
        found.append(line)
    return found


def _of_ansible(said: str) -> bool:
    """Whether Ansible speaks, and not a module of its or ours: its words about connection, sudo and Python."""
    return bool(
        re.match(r"(?:Task failed: )?(?:Incorrect|Missing) \w+ password|.*ansible-core requires", said)
    ) or bool(_NO_RESULT.search(said))


def _message(result: Mapping[str, Any]) -> str:
    if "censored" in result:
        return ""
    said = next((str(result[key]).strip() for key in ("msg", "reason", "stderr", "exception") if result.get(key)), "")
    if _NO_RESULT.search(said) or not said:
        # Ansible says that it understood nothing; what was said instead is the reason.
        parts = (told.shown(str(result.get(key) or "")) for key in ("module_stderr", "module_stdout"))
        said = "\n".join(part for part in (told.line(said), *parts) if part)
    return said or "it failed without a reason"
