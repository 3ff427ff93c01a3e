"""What failures of ssh and of what it runs mean: texts of OpenSSH 8.2 to 9.9, sudo 1.9 (Debian 12, Ubuntu 24.04) and
sudo-rs 0.2, as they come. What none of them says is shown and not guessed at.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import CredentialsError, ProviderError
from runner.providers.ssh import client
from runner.providers.ssh.client import SshHost
from runner.providers.ssh.fleet import LOGIN_DEFAULTS
from runner.repo import Repo

FRAME = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
UNKNOWN = """\
No ED25519 host key is known for 192.0.2.10 and you have requested strict checking.\r
Host key verification failed.\r"""
CHANGED = f"""\
{FRAME}\r
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r
{FRAME}\r
Host key for 192.0.2.10 has changed and you have requested strict checking.\r
Host key verification failed.\r"""
REVOKED = f"""\
{FRAME}
@       WARNING: REVOKED HOST KEY DETECTED!               @
{FRAME}
The ED25519 host key for 192.0.2.10 is marked as revoked.
Host key verification failed.\r"""
OPEN_KEY = f"""\
{FRAME}
@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @
{FRAME}
Permissions 0644 for '/home/me/id' are too open.
It is required that your private key files are NOT accessible by others.
This private key will be ignored.
Load key "/home/me/id": bad permissions
me@192.0.2.10: Permission denied (publickey).\r"""
DENIED = "me@192.0.2.10: Permission denied (publickey).\r"
MISSING_KEY = "Warning: Identity file /home/me/id not accessible: No such file or directory.\n"
REFUSED_CONNECTION = "ssh: connect to host 192.0.2.10 port 22: Connection refused\r"
RESET = "kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by 192.0.2.10 port 22\r"
SILENT = "Connection timed out during banner exchange\r\nConnection to 192.0.2.10 port 22 timed out\r"
TOO_MANY = (
    "Received disconnect from 192.0.2.10 port 22:2: Too many authentication failures\r\n"
    "Disconnected from 192.0.2.10 port 22\r"
)
OTHER_LOCK = (
    "Unable to negotiate with 192.0.2.10 port 22: no matching host key type found. Their offer: ssh-rsa,ssh-dss\r"
)
KEYCHAIN = (
    "/home/me/.ssh/config: line 3: Bad configuration option: usekeychian\r\n"
    "/home/me/.ssh/config: terminating, 1 bad configuration options\r"
)
WRONG_PASSWORD = "Sorry, try again.\n\nsudo: no password was provided\nsudo: 1 incorrect password attempt"
NO_TERMINAL = (
    "sudo: a terminal is required to read the password; either use the -S option to read from standard input or "
    "configure an askpass helper\nsudo: a password is required"
)
NOSUID = (
    "sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set or an NFS file "
    "system without root privileges?"
)
SYNTAX = "/etc/sudoers.d/us:1:5: syntax error\nme ALL oops\n       ^~~~\nsudo: no valid sudoers sources found, quitting"
UBUNTU = 'Please login as the user "ubuntu" rather than the user "root".'
BOOTING = '"System is booting up. Unprivileged users are not permitted to log in yet. Please come back later."'

SSH = [
    (UNKNOWN, CredentialsError, "host-key-unknown", "host key of gpu-1 is not pinned", "runner trust gpu-1"),
    (CHANGED, CredentialsError, "host-key-changed", "another host key", "runner trust gpu-1 --replace"),
    (REVOKED, CredentialsError, "host-key-changed", "was revoked", "do not connect"),
    (DENIED, CredentialsError, "ssh-key-refused", "me@192.0.2.10 does not accept the key", "authorized_keys"),
    (TOO_MANY, CredentialsError, "ssh-key-refused", "does not accept the key", "key of gpu-1"),
    (OPEN_KEY, CredentialsError, "ssh-key-unusable", "bad permissions", "chmod 600"),
    (MISSING_KEY + DENIED, CredentialsError, "ssh-key-unusable", "/home/me/id not accessible", "must be there"),
    (MISSING_KEY + REFUSED_CONNECTION, ProviderError, "unreachable", "Connection refused", "is it up"),
    (OTHER_LOCK, ProviderError, "ssh-mismatch", "Their offer: ssh-rsa", "update the older"),
    (KEYCHAIN, ProviderError, "ssh-config", "/home/me/.ssh/config: line 3: Bad configuration", "mend that file"),
    ("Bad owner or permissions on /home/me/.ssh/config\r", ProviderError, "ssh-config", "Bad owner", "mend that file"),
    (
        "banner exchange: Connection to 192.0.2.10 port 80: invalid format\r",
        ProviderError,
        "not-ssh",
        "no sshd",
        "port",
    ),
    (REFUSED_CONNECTION, ProviderError, "unreachable", "gpu-1 (192.0.2.10:22) cannot be reached: ssh: con", "firewall"),
    ("ssh: connect to host 192.0.2.10 port 22: No route to host\r", ProviderError, "unreachable", "No route", "is it"),
    ("ssh: Could not resolve hostname box: Name or service not known\r", ProviderError, "unreachable", "resolve", ""),
    (SILENT, ProviderError, "unreachable", "timed out", "is it up"),
    (RESET, ProviderError, "unreachable", "Connection reset by 192.0.2.10", ""),
    ("Connection closed by 192.0.2.10 port 22\r", ProviderError, "unreachable", "Connection closed by 192.", ""),
    ("client_loop: send disconnect: Broken pipe\r", ProviderError, "unreachable", "Broken pipe", ""),
    ("Cannot execute command-line and remote command.\r", ProviderError, "unknown-ssh-failure", "\nCannot exec", "ssh"),
    ("Pseudo-terminal will not be allocated.\r", ProviderError, "unknown-ssh-failure", "\nPseudo-terminal", "ssh me@"),
    ("", ProviderError, "unknown-ssh-failure", "exit code 255 without a word", "ssh me@192.0.2.10"),
]
SUDO = [
    ("sudo: a password is required", "sudo-refused", "may not use sudo without a password", "become_password"),
    (NO_TERMINAL, "sudo-refused", "without a password", "become_password"),
    ("sudo: interactive authentication is required", "sudo-refused", "without a password", "become_password"),
    ("sudo-rs: interactive authentication is required", "sudo-refused", "without a password", "become_password"),
    (WRONG_PASSWORD, "sudo-refused", "with this password: sudo: 1 incorrect password attempt", "check become_password"),
    (
        "sudo: Maximum 3 incorrect authentication attempts",
        "sudo-refused",
        "with this password",
        "check become_password",
    ),
    ("me is not in the sudoers file.", "sudo-refused", "me is not in the sudoers", "let this user"),
    ("me is not in the sudoers file.  This incident will be reported.", "sudo-refused", "not in the sudoers", "let"),
    ("Sorry, user me is not allowed to execute '/usr/bin/python3 -I' as root on box.", "sudo-refused", "Sorry", "let"),
    ("Sorry, user me may not run sudo on box.", "sudo-refused", "may not run sudo on box", "let this user"),
    ("sudo: I'm sorry me. I'm afraid I can't do that", "sudo-refused", "I'm sorry me", "let this user"),
    ("sudo: sorry, you must have a tty to run sudo", "sudo-needs-terminal", "must have a tty", "!requiretty"),
    ("sudo: account validation failure, is your account locked?", "account-expired", "is your account locked?", "ssh"),
    ("sudo: Account or password is expired, reset your password and try again", "account-expired", "reset", "ssh me@"),
    ("sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set", "sudo-broken", "setuid bit", "visudo"),
    (NOSUID, "sudo-broken", "'nosuid' option", "mend it there"),
    ('sudo: The "no new privileges" flag is set, which prevents sudo from running as root.', "sudo-broken", "flag", ""),
    ("sudo: /etc/sudoers is owned by uid 1000, should be 0", "sudo-broken", "owned by uid 1000", "visudo -c"),
    (SYNTAX, "sudo-broken", "no valid sudoers sources found", "visudo -c"),
    ("sudo: unable to open audit system: No space left", "unknown-sudo-failure", "\nsudo: unable to open audit", "ssh"),
    (
        "sudo: PAM authentication error: Critical error",
        "unknown-sudo-failure",
        "sudo on gpu-1 failed:\nsudo: PAM",
        "ssh",
    ),
]
HOST = [
    (
        "sudo: /usr/bin/python3: command not found",
        "no-python",
        "looked for, /usr/bin/python3",
        "apt-get install python3",
    ),
    (
        "sudo: '/usr/bin/python3': command not found",
        "no-python",
        "looked for",
        "python: /usr/local/bin/python3 of gpu-1",
    ),
    ("bash: line 1: /usr/bin/python3: No such file or directory", "no-python", "No such file", "python:"),
    ("sh: 1: /usr/bin/python3: not found", "no-python", "not found", "python:"),
    ("zsh:1: no such file or directory: /usr/bin/python3", "no-python", "looked for", "python:"),
    ("fish: Unknown command: /usr/bin/python3", "no-python", "looked for", "python:"),
    ("slipway: Python 3.6 is older than 3.8", "python-too-old", "Python 3.6 is older than 3.8", "python3.11 of gpu-1"),
    ("env: \u2018sudo\u2019: No such file or directory", "no-sudo", "gpu-1 has no sudo", "log in as root"),
    ("env: 'sudo': No such file or directory", "no-sudo", "gpu-1 has no sudo", "log in as root"),
    ("bash: line 1: sudo: command not found", "no-sudo", "sudo: command not found", "log in as root"),
    (UBUNTU, "other-user", 'as the user "ubuntu"', "user: of gpu-1"),
    (BOOTING, "unreachable", "is starting or ending", "wait a minute"),
    ("This account is currently not available.", "account-expired", "not available", "chsh"),
    ("WARNING: Your password has expired.\nPassword change required but no TTY available.", "account-expired", "", ""),
    ("Traceback (most recent call last):\nMemoryError", "unknown-remote-failure", "\nMemoryError", "ssh me@192"),
    ("cat: /etc/shadow: Permission denied", "unknown-remote-failure", "code 1:\ncat: /etc/shadow: Permission", "ssh"),
    ("", "unknown-remote-failure", "exit code 1", "ssh me@192.0.2.10"),
]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SshHost:
    monkeypatch.setattr(client, "_sockets", lambda: "/tmp/slipway-ssh-0")
    return SshHost(Repo(tmp_path), "gpu-1", {**LOGIN_DEFAULTS, "address": "192.0.2.10", "user": "me"})


@pytest.mark.parametrize(("said", "kind", "code", "message", "hint"), SSH)
def test_failure_of_ssh_is_told_by_its_own_words(  # noqa: PLR0913, PLR0917 - a row of the table
    host: SshHost, said: str, kind: type[ProviderError], code: str, message: str, hint: str
) -> None:
    error = host.translated(255, said.strip())
    assert (type(error), error.code) == (kind, code)
    assert message in str(error)
    assert hint in error.hint
    assert "\r" not in f"{error}{error.hint}"


@pytest.mark.parametrize(("said", "code", "message", "hint"), [*SUDO, *HOST])
def test_failure_on_the_host_is_told_by_its_own_words(
    host: SshHost, said: str, code: str, message: str, hint: str
) -> None:
    error = host.translated(1, said)
    assert error.code == code
    assert message in str(error)
    assert hint in error.hint


@pytest.mark.parametrize("said", [text for text, *_ in SSH if text])
def test_words_of_ssh_mean_nothing_when_a_command_says_them(host: SshHost, said: str) -> None:
    assert host.translated(1, said.strip()).code == "unknown-remote-failure"


def test_unknown_words_are_bounded_and_no_commands_of_a_terminal(host: SshHost) -> None:
    error = host.translated(1, "\n".join(f"\x1b[31mline {n} \x07{'x' * 1000}" for n in range(100)))
    assert len(str(error)) < 2500
    assert not {"\x1b", "\x07"} & set(str(error))
    assert "line 99" in str(error)
