"""The command line of ssh and what its failures mean, with what OpenSSH 9.2 and sudo 1.9 really say."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner import look_fields
from runner.errors import CredentialsError, InvalidRequestError, ProviderError
from runner.providers.ssh import client, observer
from runner.providers.ssh.client import SshHost, alias, fingerprint, scan
from runner.providers.ssh.fleet import LOGIN_DEFAULTS
from runner.repo import Repo
from tests.way import walked

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY3"
SUDO = "env LC_ALL=C.UTF-8 sudo"
FRAME = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
UNKNOWN = """\
No ED25519 host key is known for 192.0.2.10 and you have requested strict checking.\r
Host key verification failed.\r"""
CHANGED = f"""\
{FRAME}\r
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r
{FRAME}\r
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r
Someone could be eavesdropping on you right now (man-in-the-middle attack)!\r
It is also possible that a host key has just been changed.\r
The fingerprint for the ED25519 key sent by the remote host is
SHA256:vSFfFmxR9aKbxA2NFvIEGZR17Uvy+cfNMiZqjmGEg2Y.\r
Please contact your system administrator.\r
Add correct host key in /repo/inventory/known_hosts to get rid of this message.\r
Offending ED25519 key in /repo/inventory/known_hosts:2\r
  remove with:\r
  ssh-keygen -f "/repo/inventory/known_hosts" -R "192.0.2.10"\r
Host key for 192.0.2.10 has changed and you have requested strict checking.\r
Host key verification failed.\r"""
ENDED = "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r"
THROUGH_REFUSED = f"channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\n{ENDED}"
THROUGH_SILENT = "Connection timed out during banner exchange\r\nConnection to UNKNOWN port 65535 timed out\r"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setattr(client, "_sockets", lambda: "/tmp/slipway-ssh-0")
    return Repo(tmp_path / "a repo")


def host(repo: Repo, via: SshHost | None = None, **login: Any) -> SshHost:
    return SshHost(repo, "gpu-1", {**LOGIN_DEFAULTS, "address": "192.0.2.10", "user": "me", **login}, via)


def jump(repo: Repo, **login: Any) -> SshHost:
    return SshHost(repo, "door", {**LOGIN_DEFAULTS, "address": "192.0.2.1", "user": "keeper", **login})


def options(command: list[str]) -> dict[str, str]:
    """As ssh reads them: the first of a name wins."""
    words = [word for flag, word in itertools.pairwise(command) if flag == "-o"]
    return dict(reversed([tuple(word.split("=", 1)) for word in words]))  # type: ignore[misc]


def understood(command: list[str], config: Path | str = "none") -> dict[str, str]:
    """What the real ssh makes of a command line. It connects to nothing."""
    words = [command[0], "-G", "-F", str(config), *command[1:]]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        (f"{UNKNOWN}\n{ENDED}", "host key of door is not pinned", "runner trust door"),
        (f"{CHANGED}\n{ENDED}", "door shows another host key", "runner trust door --replace"),
        (f"keeper@192.0.2.1: Permission denied (publickey).\r\n{ENDED}", "keeper@192.0.2.1 does not accept", "of door"),
        (f"ssh: connect to host 192.0.2.1 port 22: Connection refused\r\n{ENDED}", "door (192.0.2.1:22) cannot be", ""),
        (THROUGH_REFUSED, "gpu-1 (192.0.2.10:22) cannot be reached through door: channel 0: open failed", "is it up"),
        (THROUGH_SILENT, "gpu-1 (192.0.2.10:22) cannot be reached through door: Connection to", "is it up"),
        (CHANGED, "gpu-1 shows another host key", "runner trust gpu-1 --replace"),
        ("me@192.0.2.10: Permission denied (publickey).\r", "me@192.0.2.10 does not accept the key", "of gpu-1"),
    ],
)
def test_failure_on_the_way_names_the_host_where_it_happened(repo: Repo, said: str, message: str, hint: str) -> None:
    error = host(repo, jump(repo)).translated(255, said.strip())
    assert message in str(error)
    assert hint in error.hint


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (f"me@192.0.2.3: Permission denied (publickey).\r\n{ENDED}{ENDED}", "me@192.0.2.3 does not accept the key"),
        (f"keeper@192.0.2.1: Permission denied (publickey).\r\n{ENDED}", "keeper@192.0.2.1 does not accept the key"),
        (f"{THROUGH_REFUSED}{ENDED}", "door (192.0.2.1:22) cannot be reached through gate: channel 0"),
        (THROUGH_REFUSED, "gpu-1 (192.0.2.10:22) cannot be reached through door: channel 0"),
        (f"{THROUGH_SILENT}{ENDED}", "door (192.0.2.1:22) cannot be reached through gate: Connection to"),
    ],
)
def test_failure_on_a_long_way_names_the_host_where_it_happened(repo: Repo, said: str, message: str) -> None:
    gate = SshHost(repo, "gate", {**LOGIN_DEFAULTS, "address": "192.0.2.3", "user": "me"})
    door = SshHost(repo, "door", {**LOGIN_DEFAULTS, "address": "192.0.2.1", "user": "keeper"}, gate)
    assert message in str(host(repo, door).translated(255, said.strip()))


def test_key_that_a_file_gives_is_changed_there(repo: Repo) -> None:
    error = host(repo, host_key=KEY).translated(255, CHANGED.strip())
    assert (error.code, "into host_key of gpu-1" in error.hint) == ("host-key-changed", True)


@pytest.mark.parametrize(
    ("options", "code", "hint"),
    [
        (("-t", "ed25519", "-N", ""), "ssh-key-refused", "authorized_keys"),
        (("-t", "ed25519", "-N", "secret"), "ssh-key-unusable", "ssh-add"),
        (("-t", "rsa", "-m", "PEM", "-N", "secret"), "ssh-key-unusable", "ssh-add"),
        (("-t", "rsa", "-m", "PKCS8", "-N", "secret"), "ssh-key-unusable", "ssh-add"),
        (("-t", "rsa", "-m", "PEM", "-N", ""), "ssh-key-refused", "authorized_keys"),
    ],
)
def test_key_with_a_passphrase_is_told_from_one_that_is_refused(
    repo: Repo, tmp_path: Path, options: tuple[str, ...], code: str, hint: str
) -> None:
    """ssh says the same of both where nobody can be asked."""
    subprocess.run(["ssh-keygen", "-q", *options, "-f", tmp_path / "id"], check=True)
    error = host(repo, key=str(tmp_path / "id")).translated(255, "me@192.0.2.10: Permission denied (publickey).")
    assert (type(error), error.code) == (CredentialsError, code)
    assert hint in error.hint


@pytest.mark.parametrize("said", ['{"docker": ""}\n', 'welcome {to} this machine\n\n{"docker": ""}\n'])
def test_words_of_a_shell_are_passed_over(repo: Repo, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setattr(SshHost, "command", lambda *_: ["printf", "%s", said])
    assert observer.observe(host(repo), "shop") == look_fields.NOTHING


@pytest.mark.parametrize(
    ("said", "shown"), [("", "nothing"), ("goodbye", "goodbye"), ('{"a": 1}\nlogged out\n', "logged out")]
)
def test_answer_that_is_none_shows_what_it_is(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, said: str, shown: str
) -> None:
    monkeypatch.setattr(SshHost, "command", lambda *_: ["printf", "%s", said])
    with pytest.raises(ProviderError, match=f"gpu-1: its answer cannot be read: {shown}") as caught:
        observer.observe(host(repo), "shop")
    assert caught.value.code == "bad-answer"


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ("null", "content"),
        ("[]", "content"),
        ('{"docker": null}', "docker"),
        ('{"missing": 1}', "missing"),
        ('{"containers": null}', "containers"),
        ('{"containers": [null]}', "containers[0]"),
        ('{"containers": [{}]}', "containers[0].Id"),
        ('{"units": [{"deployment": "../x"}]}', "units[0].unit"),
        ('{"health": {"web": ["fine", ""]}}', "health.web"),
        ('{"health": {"web": null}}', "health.web"),
        ('{"exposed": ["../x"]}', "exposed[0]"),
        ('{"notice": 7}', "notice"),
    ],
)
def test_answer_is_checked_like_input(repo: Repo, monkeypatch: pytest.MonkeyPatch, said: str, where: str) -> None:
    monkeypatch.setattr(SshHost, "command", lambda *_: ["printf", "%s", said])
    with pytest.raises(ProviderError, match=re.escape(f"gpu-1: its answer has no proper {where}")) as caught:
        observer.observe(host(repo), "shop")
    assert (caught.value.code, bool(caught.value.hint)) == ("bad-answer", True)


@pytest.mark.parametrize("said", ["\\377\\376", "[" * 5000, '{"docker": "\\377"'])
def test_answer_of_any_bytes_is_no_traceback(repo: Repo, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setattr(SshHost, "command", lambda *_: ["printf", said])
    with pytest.raises(ProviderError, match="its answer cannot be read"):
        observer.observe(host(repo), "shop")


def test_banner_of_any_bytes_is_shown(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SshHost, "command", lambda *_: ["sh", "-c", "printf 'caf\\351: no route\\n' >&2; exit 255"])
    with pytest.raises(ProviderError, match="caf\ufffd: no route"):
        host(repo).run("true", "")


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("login", [{}, {"key": "~/.ssh/id"}, {"host_key": KEY}, {"port": 2222}])
def test_host_keys_are_pinned_and_never_taken_blindly(repo: Repo, batch: bool, login: dict[str, Any]) -> None:
    for one in (host(repo, **login), host(repo, jump(repo, **login), **login)):
        command = one.command("true", batch=batch)
        found = options(command)
        assert found["StrictHostKeyChecking"] == "yes"
        assert found["GlobalKnownHostsFile"] == "/dev/null"
        assert found["UpdateHostKeys"] == "no"
        assert str(repo.inventory / "known_hosts") in found["UserKnownHostsFile"]
        text = " ".join(command)
        assert "accept-new" not in text
        assert "StrictHostKeyChecking=no" not in text
        assert text.count("StrictHostKeyChecking=yes") == (2 if one.jump else 1)


def test_ansible_gets_the_same_options(repo: Repo) -> None:
    one = host(repo, jump(repo))
    command = one.command()
    assert " ".join(one.options()) in " ".join(command)


def test_ssh_understands_folders_with_spaces(repo: Repo) -> None:
    found = understood(host(repo, key="/home/a person/id").command())
    files = f"{repo.inventory}/known_hosts"
    assert (found["userknownhostsfile"], found["hostkeyalias"], found["user"]) == (files, "192.0.2.10", "me")
    assert found["stricthostkeychecking"] == "true"


OF_A_PERSON = """\
Host *
  UseKeychain yes
  NoSuchOptionInAnyVersion maybe
  RequestTTY force
  RemoteCommand tmux new -A
  SessionType none
  ForkAfterAuthentication yes
  StdinNull yes
  LocalForward 8888 127.0.0.1:8888
  RemoteForward 9999 127.0.0.1:9999
  DynamicForward 1080
  ForwardX11 yes
  ForwardAgent yes
  PermitLocalCommand yes
  LocalCommand echo hello
  LogLevel QUIET
  VisualHostKey yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  KnownHostsCommand /bin/echo %H ssh-ed25519 AAAA
  VerifyHostKeyDNS yes
  NoHostAuthenticationForLocalhost yes
  HostKeyAlias other
  ControlMaster no
  ControlPath /somewhere/else
  SendEnv *
  User somebody
  Port 2200
  IdentitiesOnly yes
  ProxyUseFdpass yes
"""
"""What people have in ~/.ssh/config, at its worst."""


UNATTENDED = {
    "requesttty": "false",
    "forkafterauthentication": "no",
    "stdinnull": "no",
    "forwardx11": "no",
    "forwardagent": "no",
    "permitlocalcommand": "no",
    "clearallforwardings": "yes",
    "batchmode": "yes",
    "loglevel": "INFO",
    "visualhostkey": "no",
    "stricthostkeychecking": "true",
    "verifyhostkeydns": "false",
    "nohostauthenticationforlocalhost": "no",
    "hostkeyalias": "192.0.2.10",
    "controlmaster": "auto",
    "user": "me",
    "port": "22",
}


@pytest.mark.parametrize("through", [False, True])
def test_configuration_of_a_person_does_not_get_in_the_way(repo: Repo, tmp_path: Path, through: bool) -> None:
    config = tmp_path / "config"
    config.write_text(OF_A_PERSON)
    config.chmod(0o600)
    one = host(repo, jump(repo) if through else None)
    ansible = ["ssh", *shlex.split(one.connection()["ansible_ssh_common_args"]), "-p", "22", one.target]
    for command in (one.command("true"), ansible):
        found = understood(command, config)
        assert {name for name in found if "forward" in name and found[name] not in ("no", "yes")} <= {
            "forwardx11timeout"
        }
        wanted = {**UNATTENDED, **({"proxyusefdpass": "no"} if through else {})}
        assert {name: found.get(name) for name in wanted} == wanted
        assert found.get("remotecommand", "none") == "none"
        assert found.get("knownhostscommand", "none") == "none"
        assert found["controlpath"].startswith("/tmp/slipway-ssh-0/")
    assert understood(one.command("true"), config)["sessiontype"] == "default"


def test_shell_of_a_person_keeps_its_terminal_and_its_keys(repo: Repo, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(OF_A_PERSON)
    config.chmod(0o600)
    found = understood(host(repo).command(batch=False), config)
    assert (found["requesttty"], found["stricthostkeychecking"], found["hostkeyalias"]) == (
        "force",
        "true",
        "192.0.2.10",
    )
    assert found.get("remotecommand", "none") == "none"


def test_pinned_key_of_a_folder_with_spaces_is_found(repo: Repo) -> None:
    """ssh-keygen reads the very file that ssh is given."""
    one = host(repo, host_key=KEY)
    quoted = options(one.command())["UserKnownHostsFile"]
    assert quoted.startswith(f'"{repo.inventory}/known_hosts" "{repo.local}/known_hosts.d/')
    command = ["ssh-keygen", "-F", "192.0.2.10", "-f", quoted.split('"')[3]]
    assert KEY in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_key_that_settings_gave_is_forgotten_with_them(repo: Repo) -> None:
    [given] = client.pinned(repo, host(repo, host_key=KEY, port=2222).login)
    assert given.read_text() == f"[192.0.2.10]:2222 {KEY}\n"
    assert str(given) in " ".join(host(repo, host_key=KEY, port=2222).options())
    assert "known_hosts.d" not in " ".join(host(repo, port=2222).options())


def test_name_of_a_host_is_no_name_of_a_file(repo: Repo) -> None:
    one = SshHost(repo, "../../../x", {**LOGIN_DEFAULTS, "address": "192.0.2.10", "user": "me", "host_key": KEY})
    assert "../x" not in " ".join(one.command())
    assert [path.parent for path in client.pinned(repo, one.login)] == [repo.local / "known_hosts.d"]


@pytest.mark.parametrize(
    "login",
    [
        {"user": "-oProxyCommand=touch /tmp/x"},
        {"user": "me\nProxyCommand x"},
        {"address": "-oProxyCommand=x"},
        {"address": "192.0.2.10\n  ProxyCommand x"},
        {"address": "a b"},
        {"key": '/k"\n  ProxyCommand x'},
        {"key": "/home/${HOME}/id"},
        {"port": "22 -oProxyCommand=x"},
        {"port": 0},
        {"port": True},
        {"host_key": f"{KEY}\n* {KEY}"},
        {"host_key": "ssh-ed25519 @cert-authority *"},
        {"jump": "-oX"},
        {"become_password": "secret"},
    ],
)
def test_login_that_is_more_than_words_is_refused(repo: Repo, login: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        host(repo, **login)
    assert caught.value.code == "bad-login"
    assert str(caught.value).endswith(f"no proper {next(iter(login))}")


@pytest.mark.parametrize("folder", ['a "quoted" one', "back\\slash", "100%h", "brackets [x] {y}", "a:b", "ünï ☃"])
def test_ssh_understands_folders_of_any_name(tmp_path: Path, folder: str) -> None:
    strange = Repo(tmp_path / folder)
    found = understood(host(strange, host_key=KEY).command())
    [given] = client.pinned(strange, host(strange, host_key=KEY).login)
    assert found["userknownhostsfile"].replace("%%", "%") == f"{strange.inventory}/known_hosts {given}"


def test_own_key_excludes_those_of_the_agent(repo: Repo) -> None:
    assert "IdentitiesOnly" not in options(host(repo).command())
    command = host(repo, key="~/.ssh/gpu").command()
    assert options(command)["IdentitiesOnly"] == "yes"
    assert command[command.index("-i") + 1] == os.path.expanduser("~/.ssh/gpu")  # noqa: PTH111 - what a shell would do


def test_way_through_another_host_is_pinned_too(repo: Repo) -> None:
    way = options(host(repo, jump(repo, host_key=KEY, key="/keys/door")).command())["ProxyCommand"]
    assert way.startswith("ssh -o ControlMaster=no")
    for part in ("-W '[%h]:%p'", "StrictHostKeyChecking=yes", "known_hosts.d/", "-i /keys/door", "keeper@192"):
        assert part in way


def test_way_through_several_hosts_is_walked_by_the_real_ssh(
    repo: Repo, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """Percent signs of folders are no tokens of ssh, however deep."""
    strange = Repo(tmp_path / "100%h of it")
    first = SshHost(strange, "first", {**LOGIN_DEFAULTS, "address": "127.0.0.1", "port": free_port(), "user": "a"})
    second = SshHost(strange, "second", {**LOGIN_DEFAULTS, "address": "192.0.2.2", "port": 2222, "user": "b"}, first)
    command = host(strange, second, key="keys/id").command("true")
    *_, middle, inner = walked(command, tmp_path)
    for words, place, through in (
        (middle, "b@192.0.2.2", "[192.0.2.10]:22"),
        (inner, "a@127.0.0.1", "[192.0.2.2]:2222"),
    ):
        assert words[words.index("-W") + 1] == through
        assert words[-1] == place
        assert options(words)["UserKnownHostsFile"] == options(first.command())["UserKnownHostsFile"]
    assert host(strange, second).way() == [
        {"address": "127.0.0.1", "port": first.login["port"], "user": "a", "key": ""},
        {"address": "192.0.2.2", "port": 2222, "user": "b", "key": ""},
    ]


def test_key_file_is_found_from_everywhere(repo: Repo) -> None:
    one = host(repo, key="keys/id")
    assert one.connection()["ansible_ssh_private_key_file"] == f"{repo.root}/keys/id"
    assert f"{repo.root}/keys/id" in one.command()
    assert host(repo, key="").connection()["ansible_ssh_private_key_file"] == ""


def test_connection_is_shared_by_equals_only(repo: Repo, tmp_path: Path) -> None:
    def path(one: SshHost) -> str:
        return options(one.command())["ControlPath"]

    mine = path(host(repo))
    assert mine == path(host(repo, become_password="env:X"))
    other = [host(repo, **login) for login in ({"key": "k"}, {"host_key": KEY}, {"user": "you"}, {"port": 23})]
    other += [host(Repo(tmp_path / "other")), host(repo, jump(repo), jump="door")]
    assert mine not in {path(one) for one in other}
    assert len({path(one) for one in other}) == len(other)


@pytest.mark.parametrize("folder", ["/tmp", "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T", "/tmp/" + "x" * 90])
def test_socket_of_a_connection_is_never_too_long(tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS allows 103 bytes, and ssh adds 17 of its own for a moment; its temporary folder takes 50."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: folder)
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result((0o40700, 0, 0, 0, os.getuid(), *[0] * 5)))
    one = SshHost(Repo(tmp_path), "gpu-1", {**LOGIN_DEFAULTS, "address": "192.0.2.10"})
    monkeypatch.setattr(client, "pinned", lambda *_: [Path("x")])
    monkeypatch.setattr("runner.providers.ssh.trusted.rows", lambda *_: [])
    assert len(options(one.command())["ControlPath"]) + 17 <= 103


def test_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (tmp_path / f"slipway-ssh-{os.getuid()}").mkdir()
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result((0o40777, 0, 0, 0, os.getuid() + 1, *[0] * 5)))
    with pytest.raises(CredentialsError, match="belongs to somebody else"):
        client._sockets()


@pytest.mark.parametrize(
    ("user", "asks", "command"),
    [("root", False, "id"), ("root", True, "id"), ("me", False, f"{SUDO} -n id"), ("me", True, f"{SUDO} -S -p '' id")],
)
def test_root_needs_no_sudo(repo: Repo, user: str, asks: bool, command: str) -> None:
    assert host(repo, user=user).as_root("id", asks=asks) == command


def test_key_is_pinned_under_address_and_port() -> None:
    assert alias("192.0.2.10", 22) == "192.0.2.10"
    assert alias("192.0.2.10", 2222) == "[192.0.2.10]:2222"


def test_ssh_understands_ipv6_and_users_of_a_directory(repo: Repo) -> None:
    found = understood(host(repo, address="2001:db8::1", port=2222, user="ada@corp.example").command())
    assert (found["hostname"], found["port"], found["user"]) == ("2001:db8::1", "2222", "ada@corp.example")
    assert found["hostkeyalias"] == "[2001:db8::1]:2222"


def test_fingerprint_is_that_of_ssh_keygen(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(f"{KEY} comment\n")
    command = ["ssh-keygen", "-lf", str(tmp_path / "key.pub")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.split()[1] == fingerprint(f"{KEY} comment") == fingerprint(KEY)


def test_scan_of_nothing_says_so(free_port: Any) -> None:
    with pytest.raises(ProviderError, match="shows no host key") as caught:
        scan({"address": "127.0.0.1", "port": free_port()})
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize(
    ("says", "code", "message"),
    [
        (
            "echo 'keeper@192.0.2.1: Permission denied (publickey).' >&2; exit 255",
            "ssh-key-refused",
            "keeper@192.0.2.1",
        ),
        ("echo 'bash: line 1: ssh-keyscan: command not found' >&2; exit 127", "unknown-remote-failure", "door failed"),
        ("exit 1", "unreachable", "192.0.2.10:22 shows no host key to door"),
    ],
)
def test_scan_through_another_host_names_the_one_that_fails(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, says: str, code: str, message: str
) -> None:
    monkeypatch.setattr(SshHost, "command", lambda *_: ["sh", "-c", says])
    with pytest.raises(ProviderError, match=re.escape(message)) as caught:
        scan({"address": "192.0.2.10", "port": 22}, jump(repo))
    assert caught.value.code == code


def test_missing_program_that_looks_for_keys_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ProviderError, match="ssh-keyscan is not installed"):
        scan({"address": "127.0.0.1", "port": 1})


def test_missing_ssh_is_named(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ProviderError) as caught:
        host(repo).run("true", "")
    assert (caught.value.code, caught.value.hint) == ("no-ssh", "install openssh-client")


def test_host_that_hangs_is_given_up(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SshHost, "command", lambda *_: ["sleep", "9"])
    monkeypatch.setattr(client, "COMMAND_TIMEOUT_S", 0.05)
    with pytest.raises(ProviderError, match="no answer within") as caught:
        host(repo).run("true", "")
    assert caught.value.code == "unreachable"


@pytest.mark.parametrize(
    ("greeting", "code", "message"),
    [
        (b"", "unreachable", "closed by"),
        (b"SSH-2.0-a server that ends\r\n", "unreachable", "Connection closed by 127.0.0.1"),
        (None, "unreachable", "timed out"),
    ],
)
def test_server_that_ends_or_falls_silent_is_unreachable_for_the_real_ssh(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, greeting: bytes | None, code: str, message: str
) -> None:
    monkeypatch.setattr(client, "CONNECT_TIMEOUT_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            channel, _ = server.accept()
            if greeting is None:
                channel.recv(1000)
                gone.wait(30)
            else:
                channel.sendall(greeting)
                channel.recv(10_000)
            channel.close()

        gone = threading.Event()
        threading.Thread(target=answer, daemon=True).start()
        try:
            with pytest.raises(ProviderError) as caught:
                host(repo, address="127.0.0.1", port=server.getsockname()[1]).run("true", "")
        finally:
            gone.set()
    assert caught.value.code == code
    assert message in str(caught.value)
