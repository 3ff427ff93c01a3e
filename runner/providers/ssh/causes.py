"""Says what a failure of ssh, or of what it ran on a host, means and what to do about it. Pure: texts in, errors out.

Each cause is recognised by its own words. What nobody knows is shown as it was said, and never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from runner import said as told
from runner.errors import CredentialsError, ProviderError

FAILURE_OF_SSH = 255
NEVER_BEGAN = "closed by UNKNOWN port 65535"
"""What ssh says of the other end when the command that should lead there has ended."""
NOT_FROM_THERE = "stdio forwarding failed"
"""What the command says when it reached the host in between, but that one not the last."""

CHANGED = "host-key-changed"
REFUSED = "ssh-key-refused"
UNREACHABLE = "unreachable"
GIVEN = "if it was made anew: compare its new key with the machine's console, and put it into host_key of {name}"
NO_PASSWORD = "give become_password: env:NAME, or allow NOPASSWD for this user"  # noqa: S105 - no password
SUDO = r"^sudo(?:-rs)?: "
_SUDO_SET_UP = (
    SUDO
    + "(?:.* must be owned by uid 0 and have the setuid bit set|effective uid is not 0, .*|PERM_SUDOERS: .*"
    + r"|The \"no new privileges\" flag is set.*|.* is (?:owned by (?:uid|gid) \d+, should be|world writable).*"
    + "|no valid sudoers sources found.*|.*syntax error.*|error initializing audit plugin.*|invalid configuration: .*"
    + "|unable to load .*|error in .*, line .*)"
)


class _Cause(NamedTuple):
    said: re.Pattern[str]
    kind: type[ProviderError]
    code: str
    message: str
    """{name}, {python}: of the host; {target}: user@address; {line}: the line by which it was recognised."""
    hint: str


def _cause(said: str, kind: type[ProviderError], code: str, message: str, hint: str) -> _Cause:
    return _Cause(re.compile(said, re.MULTILINE), kind, code, message, hint)


_REFUSED = r"(?:^|[\w.:@-]+: )Permission denied \([\w,@.-]+\)|Too many authentication failures"
_OF_SSH = (
    _cause(
        "IDENTIFICATION HAS CHANGED",
        CredentialsError,
        CHANGED,
        "{name} shows another host key than the pinned one: it was made anew, or somebody is in between",
        "if it was made anew: runner trust {name} --replace",
    ),
    _cause(
        "REVOKED HOST KEY",
        CredentialsError,
        CHANGED,
        "{name} shows a host key that was revoked: somebody else may have it",
        "do not connect; ask who runs the host, and runner trust {name} --replace once it has a new one",
    ),
    _cause(
        "host key is known for",
        CredentialsError,
        "host-key-unknown",
        "the host key of {name} is not pinned yet",
        "runner trust {name}",
    ),
    _cause(
        rf"(?s)(?:Identity file [^\n]* not accessible: [^\n]*|Load key [^\n]*: [^\n]*)(?=.*(?:{_REFUSED}))",
        CredentialsError,
        "ssh-key-unusable",
        "the key for {target} cannot be used: {line}",
        "check key of {name}: the file must be there, and readable by you only (chmod 600)",
    ),
    _cause(
        _REFUSED,
        CredentialsError,
        REFUSED,
        "{target} does not accept the key",
        "check user and key of {name}, or add the public key to its authorized_keys",
    ),
    _cause(
        "^Unable to negotiate with .*",
        ProviderError,
        "ssh-mismatch",
        "{name}: ssh here and sshd there have no way of encrypting in common: {line}",
        "update the older of the two",
    ),
    _cause(
        r"^(?:.*: line \d+: (?:Bad configuration option|keyword .* extra arguments|.* unsupported).*"
        r"|.*terminating, \d+ bad configuration options|Bad owner or permissions on .*)",
        ProviderError,
        "ssh-config",
        "ssh refuses its own configuration on this machine: {line}",
        "mend that file; ssh {target} says the same",
    ),
    _cause(
        r"^(?:banner exchange|kex_exchange_identification|ssh_exchange_identification): .*"
        r"(?:invalid format|[Bb]ad remote protocol version|could not read protocol version|banner line contains).*",
        ProviderError,
        "not-ssh",
        "{name}: what answers there is no sshd: {line}",
        "check address and port of {name}",
    ),
)
_LOST = re.compile(
    r"^(?:ssh: connect to host .*|ssh: Could not resolve hostname .*|Connection timed out during banner exchange"
    r"|Connection to \S+(?: port \d+)? timed out|Connection (?:closed|reset) by (?!UNKNOWN)\S+(?: port \d+)?"
    r"|(?:kex|ssh)_exchange_identification: (?:read: )?Connection (?:closed|reset) by (?:remote host|peer)"
    r"|channel \d+: open failed: .*|client_loop: send disconnect: .*|Connection to \S+ closed by remote host\.?"
    r"|Timeout, server \S+ not responding\.?|(?:packet_write_wait|ssh_dispatch_run_fatal): Connection to .*"
    rf"|Connection {NEVER_BEGAN}|{NOT_FROM_THERE})\s*$",
    re.MULTILINE,
)

_ABSENT = "['\u2019]?: (?:command not found|not found|No such file or directory)"
_UNKNOWN = "(?:command not found|no such file or directory|Unknown command): "
"""As zsh and fish say it."""
_OF_HOST = (
    _cause(
        SUDO + r"(?:\d+ incorrect password attempts?|Maximum \d+ incorrect authentication attempts"
        r"|Incorrect authentication attempt)",
        CredentialsError,
        "sudo-refused",
        "{target} may not use sudo with this password: {line}",
        "check become_password",
    ),
    _cause(
        SUDO + r"(?:a password is required|no password was provided|interactive authentication is required"
        "|(?:a|A) terminal is required to (?:read the password|authenticate).*"
        "|Authentication required but not attempted|Interaction is required)",
        CredentialsError,
        "sudo-refused",
        "{target} may not use sudo without a password",
        NO_PASSWORD,
    ),
    _cause(
        r"^(?:\S+ is not in the sudoers file.*|Sorry, user .* (?:may not run|is not allowed to) .*"
        rf"|{SUDO[1:]}(?:Sorry, user .* (?:may not run|is not allowed to) .*|I'm sorry .*\. I'm afraid I can't do .*))",
        CredentialsError,
        "sudo-refused",
        "{target} may not use sudo: {line}",
        "let this user use sudo for every command, or name another user",
    ),
    _cause(
        SUDO + "sorry, you must have a tty to run sudo",
        CredentialsError,
        "sudo-needs-terminal",
        "{name}: sudo wants a terminal, which programs have not: {line}",
        "write into its sudoers: Defaults:USER !requiretty",
    ),
    _cause(
        SUDO + "(?:.*account validation failure.*|.*Account validation failure.*|Account or password is expired.*"
        "|Password expired.*|account expired.*)",
        CredentialsError,
        "account-expired",
        "{target}: the account or its password has expired or is locked: {line}",
        "log in there and set a new one: ssh {target}",
    ),
    _cause(
        r"^(?:WARNING: Your password has expired|Password change required but no TTY available"
        r"|Your account has expired|You are required to change your password immediately).*",
        CredentialsError,
        "account-expired",
        "{target}: the account or its password has expired: {line}",
        "log in there and set a new one: ssh {target}",
    ),
    _cause(
        _SUDO_SET_UP,
        ProviderError,
        "sudo-broken",
        "{name}: sudo is not set up there as it must be: {line}",
        "mend it there as root; visudo -c checks its files",
    ),
    _cause(
        r'^Please login as the user "[\w.-]+" rather than the user .*',
        CredentialsError,
        "other-user",
        "{target}: {line}",
        "write that user as user: of {name}",
    ),
    _cause(
        r"^This account is currently not available\.|^This account is (?:locked|disabled).*",
        CredentialsError,
        "account-expired",
        "{target} may not log in: {line}",
        "give this user a shell (chsh), or name another user",
    ),
    _cause(
        r"^\"?System is (?:booting up|going down).*",
        ProviderError,
        UNREACHABLE,
        "{name} is starting or ending: {line}",
        "wait a minute, then run it again",
    ),
    _cause(
        r"slipway: Python \S+ is older than \S+",
        ProviderError,
        "python-too-old",
        "{name}: {line}, which is what Ansible and our modules need there ({python})",
        "install a newer one beside it, and say where it is: python: /usr/bin/python3.11 of {name}",
    ),
    _cause(
        rf".*python[\d.]*{_ABSENT}.*|.*{_UNKNOWN}.*python[\d.]*$",
        ProviderError,
        "no-python",
        "{name} has no Python where it is looked for, {python}: {line}",
        "install it there (apt-get install python3), or say where it is: python: /usr/local/bin/python3 of {name}",
    ),
    _cause(
        rf".*\bsudo{_ABSENT}.*|.*{_UNKNOWN}.*\bsudo$",
        ProviderError,
        "no-sudo",
        "{name} has no sudo: {line}",
        "install it there, or log in as root",
    ),
)


def explain(code: int, said: str, host: Mapping[str, str], *, given: bool = False) -> ProviderError | None:
    """The error behind what was said; the first that matches wins. None when nobody knows.

    `host`: its name, target and python. `given`: a file says the host's key, so that is where a new one belongs.
    """
    for cause in _OF_SSH if code == FAILURE_OF_SSH else _OF_HOST:
        found = cause.said.search(said)
        if found:
            shown = {**host, "line": told.line(found.group())}
            hint = GIVEN if given and cause.code == CHANGED else cause.hint
            return cause.kind(cause.message.format(**shown), code=cause.code, hint=hint.format(**shown))
    return None


def unknown(code: int, said: str, host: Mapping[str, str]) -> ProviderError:
    """What nobody knows, in its own words."""
    name, hint = host["name"], f"look at it: ssh {host['target']}"
    words = told.shown(said)
    if code == FAILURE_OF_SSH:
        what = f"ssh to {name} failed" if words else f"ssh to {name} ended with exit code {code} without a word"
        return ProviderError(_with(what, words), code="unknown-ssh-failure", hint=hint)
    if re.search(SUDO, said, re.MULTILINE):
        return ProviderError(_with(f"sudo on {name} failed", words), code="unknown-sudo-failure", hint=hint)
    what = f"what was run on {name} failed with exit code {code}"
    return ProviderError(_with(what, words), code="unknown-remote-failure", hint=hint)


def _with(what: str, words: str) -> str:
    return f"{what}:\n{words}" if words else what


def lost(said: str) -> str:
    """The line that says that there is no connection; empty when none says so."""
    return line(said) if _LOST.search(said) else ""


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
    return told.line(lines[0 if NOT_FROM_THERE in said else -1] if lines else said)
