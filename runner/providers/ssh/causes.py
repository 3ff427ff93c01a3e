"""Says what a failure of ssh, or of sudo behind it, means and what to do about it. Pure: texts in, errors out."""

from __future__ import annotations

import re
from typing import NamedTuple

from runner.errors import CredentialsError, ProviderError

NEVER_BEGAN = "closed by UNKNOWN port 65535"
"""What ssh says of the other end when the command that should lead there has ended."""
NOT_FROM_THERE = "stdio forwarding failed"
"""What the command says when it reached the host in between, but that one not the last."""

CHANGED = "host-key-changed"
REFUSED = "ssh-key-refused"
GIVEN = "if it was made anew: compare its new key with the machine's console, and put it into host_key of {name}"


class _Cause(NamedTuple):
    said: re.Pattern[str]
    kind: type[ProviderError]
    code: str
    message: str
    """{name}: of the host; {target}: user@address; {line}: what was said."""
    hint: str


_CAUSES = (
    _Cause(
        re.compile("IDENTIFICATION HAS CHANGED"),
        CredentialsError,
        CHANGED,
        "{name} shows another host key than the pinned one: it was made anew, or somebody is in between",
        "if it was made anew: runner trust {name} --replace",
    ),
    _Cause(
        re.compile("Host key verification failed|host key is known"),
        CredentialsError,
        "host-key-unknown",
        "the host key of {name} is not pinned yet",
        "runner trust {name}",
    ),
    _Cause(
        re.compile("command not found"),
        ProviderError,
        "remote-failed",
        "{name}: {line}",
        "a host needs sshd, python3 and, unless you log in as root, sudo; install what is missing",
    ),
    _Cause(
        re.compile("Identity file .* not accessible: .*|Load key .*: .*"),
        CredentialsError,
        "ssh-key-unusable",
        "the key for {target} cannot be used: {line}",
        "check key of {name}: the file must be there, and readable by you only (chmod 600)",
    ),
    _Cause(
        re.compile("Permission denied|Too many authentication failures"),
        CredentialsError,
        REFUSED,
        "{target} does not accept the key",
        "check user and key of {name}, or add the public key to its authorized_keys",
    ),
    _Cause(
        re.compile(".*(?:sudoers|incorrect password).*"),
        CredentialsError,
        "sudo-refused",
        "{target} may not use sudo, or not with this password: {line}",
        "check become_password, or let this user use sudo",
    ),
    _Cause(
        re.compile("sudo:"),
        CredentialsError,
        "sudo-refused",
        "{target} may not use sudo without a password",
        "give become_password: env:NAME, or allow NOPASSWD for this user",
    ),
)


def explain(said: str, *, name: str, target: str, given: bool = False) -> ProviderError | None:
    """The error behind what was said; the first that matches wins. None when only the exit code tells more.

    `given`: a file says the host's key, so that is where a new one belongs.
    """
    for cause in _CAUSES:
        found = cause.said.search(said)
        if found:
            shown = {
                "name": name,
                "target": target,
                "line": found.group() if ".*" in cause.said.pattern else line(said),
            }
            hint = GIVEN if given and cause.code == CHANGED else cause.hint
            return cause.kind(cause.message.format(**shown), code=cause.code, hint=hint.format(**shown))
    return None


def locked(key: str, *, target: str) -> CredentialsError:
    """ssh says no more than that it was refused when it could not use a key for want of a passphrase."""
    return CredentialsError(
        f"the key for {target} has a passphrase, which nobody can be asked for, or is not accepted",
        code="ssh-key-unusable",
        hint=f"ssh-add {key}, so that the agent has it; or name a key without one",
    )


def line(said: str) -> str:
    """The line that says why: the last one, unless it only says that what went before has ended."""
    lines = [text for text in said.splitlines() if text.strip() and NEVER_BEGAN not in text and "kex_exch" not in text]
    return lines[0 if NOT_FROM_THERE in said else -1].strip() if lines else said.strip()
