"""A row of the trusted keys is one host and its key; whatever else ssh understands there is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import CredentialsError
from runner.providers.ssh import trusted
from runner.providers.ssh.client import SshHost
from runner.repo import Repo

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIXkY7C0vN0nKb4mQJ0kSk5yqK0m4dTzW2vJ6k1l8eZ0"
FILE = "inventory/known_hosts"


def written(folder: Path, text: str) -> Path:
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, newline="")
    return path


@pytest.mark.parametrize(
    "row", [f"192.0.2.1 {KEY}", f"[box.example]:2222 {KEY}", f"2001:db8::1 {KEY}", f"box {KEY} comment of somebody"]
)
def test_one_host_with_its_key_is_trusted(tmp_path: Path, row: str) -> None:
    path = written(tmp_path, f"# Host keys\n\n{row}\n")
    assert trusted.rows(path, FILE) == [row]


@pytest.mark.parametrize(
    "row",
    [
        f"* {KEY}",
        f"192.0.2.? {KEY}",
        f"192.0.2.1,* {KEY}",
        f"!192.0.2.9,192.0.2.1 {KEY}",
        f"@cert-authority * {KEY}",
        f"@revoked 192.0.2.1 {KEY}",
        f"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {KEY}",
        f"\t* {KEY}",
        f" * {KEY}",
        "192.0.2.1",
        "192.0.2.1 ssh-ed25519",
        f"192.0.2.1 {KEY}\r* {KEY}",
        f"192.0.2.1 {KEY}\x0b* {KEY}",
    ],
)
def test_what_vouches_for_more_is_refused_before_a_connection(tmp_path: Path, row: str) -> None:
    written(tmp_path, f"box {KEY}\n{row}\n")
    login = {"address": "192.0.2.1", "port": 22, "user": "root"}
    with pytest.raises(CredentialsError) as caught:
        SshHost(Repo(tmp_path), "box", login).command("true")
    assert (caught.value.code, caught.value.where) == ("damaged-known-hosts", f"{FILE}:2")


def test_file_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = written(tmp_path, f"box {KEY}\n")
    assert len(trusted.rows(path, FILE)) == 1
    written(tmp_path, f"box {KEY}\nden {KEY}\n")
    assert len(trusted.rows(path, FILE)) == 2
    assert trusted.rows(tmp_path / "none", FILE) == []
