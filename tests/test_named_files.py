"""What people name as a file and can never be read as one is refused with the reason, and nothing ever waits for it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from runner import bounded, vault
from runner.errors import CredentialsError
from runner.repo import Repo
from tests.conftest import RepoBuilder


def pipe(path: Path) -> str:
    os.mkfifo(path)
    return str(path)


def listening(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path)[-100:] if len(str(path)) > 100 else str(path))
    return str(path)


def folder(path: Path) -> str:
    path.mkdir()
    return str(path)


def large(path: Path) -> str:
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    return str(path)


def link(path: Path) -> str:
    path.symlink_to("/dev/zero")
    return str(path)


ODD: dict[str, tuple[Callable[[Path], str], str]] = {
    "endless": (lambda _: "/dev/zero", "is a device"),
    "a link to it": (link, "is a device"),
    "terminal": (lambda _: "/dev/tty", "is a device"),
    "pipe": (pipe, "is a pipe"),
    "socket": (listening, "is a socket"),
    "folder": (folder, "is a folder"),
    "of the kernel": (lambda _: "/proc/self/environ", "is made up by the kernel"),
    "of the kernel, not here": (lambda _: "/proc/none", "is made up by the kernel"),
    "too large": (large, "is larger than 64 KiB"),
    "of nobody": (lambda _: "~nosuchuser/x", "names the home of nosuchuser, who is not a user here"),
}


@pytest.fixture
def odd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.chdir(tmp_path)
    make, reason = ODD[request.param]
    return make(tmp_path / "odd"), reason


def faults(repo: RepoBuilder) -> list[tuple[str, str, str]]:
    done = repo.run("validate", "--json")
    assert done.returncode == 3, done.stdout + done.stderr
    return [(e["code"], e["field"], e["message"]) for e in json.loads(done.stdout)["errors"]]


@pytest.mark.parametrize("odd", ODD, indirect=True)
def test_validate_says_why_and_reading_never_waits(repo: RepoBuilder, odd: tuple[str, str]) -> None:
    path, reason = odd
    repo.settings(f"providers:\n  ssh:\n    hosts:\n      a: {{address: 192.0.2.1, key: {path}}}\n")
    repo.deployment("web", f"template: jupyter\nprovider: local\nsecrets: {{TOKEN: 'file:{path}'}}\n")
    repo.deployment("own", f"template: jupyter\nprovider: ssh\nmachine: {{address: 192.0.2.2, key: '{path}'}}\n")
    message = f"{path} {reason}"
    assert sorted(faults(repo)) == [
        ("odd-key-file", "machine.key", message),
        ("odd-key-file", "providers.ssh.hosts.a.key", message),
        ("odd-secret-file", "secrets.TOKEN", message),
    ]
    with pytest.raises(CredentialsError) as caught:
        vault.external(Repo(repo.root), "TOKEN", f"file:{path}")
    assert caught.value.code in ("odd-secret-file", "missing-secret-value")


def test_a_home_of_nobody_is_refused(repo: RepoBuilder) -> None:
    repo.settings("providers: {local: {home: ~nosuchuser/services}}\n")
    assert [fault[:2] for fault in faults(repo)] == [("odd-folder", "providers.local.home")]


def test_a_password_for_sudo_is_looked_at_too(repo: RepoBuilder) -> None:
    repo.settings("providers: {ssh: {hosts: {a: {address: 192.0.2.1, become_password: 'file:/dev/zero'}}}}\n")
    assert [fault[:2] for fault in faults(repo)] == [("odd-secret-file", "providers.ssh.hosts.a.become_password")]


def test_what_is_not_here_may_be_elsewhere_and_a_link_may_lead_out(repo: RepoBuilder, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("value\n")
    (repo.root / "token").symlink_to(tmp_path / "outside")
    repo.deployment("web", "template: jupyter\nsecrets: {A: 'file:token', B: 'file:~/none', C: 'file:none'}\n")
    assert repo.run("validate").returncode == 0
    assert vault.external(Repo(repo.root), "A", "file:token") == "value"


def test_a_file_that_grows_while_it_is_read_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "grows"
    path.write_bytes(b"x" * 20)
    monkeypatch.setattr(bounded, "_require_file", lambda *_: None)
    with pytest.raises(bounded.OddFile):
        bounded.read(path, 10)
