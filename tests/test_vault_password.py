"""One repository has one vault password: no second one is ever made or used beside what is encrypted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner import vault, vault_password
from runner.errors import CredentialsError
from runner.repo import Repo
from tests.conftest import RepoBuilder

PASSWORD = "correct horse"


def clone(repo: Repo, tmp_path: Path) -> Repo:
    """What git brings to another machine: everything but `.runner`."""
    root = tmp_path / "clone"
    shutil.copytree(repo.root, root, symlinks=True, ignore=shutil.ignore_patterns(".runner"))
    return Repo(root)


@pytest.fixture
def here(repo: RepoBuilder) -> Repo:
    """A repository with the secrets of one deployment, and the password that was made for them."""
    made = Repo(repo.root)
    vault.ensure(made, "web", {"password": "generate"})
    return made


def kept(repo: Repo) -> Path:
    return repo.local / "vault_password"


def encrypt(repo: Repo, name: str, password: str) -> None:
    """As another clone, or an earlier version, did it."""
    text = vault._lib(password, "").encrypt(json.dumps({vault.VARIABLE: {"password": "x"}}))
    repo.secrets_file(name).parent.mkdir(parents=True, exist_ok=True)
    repo.secrets_file(name).write_text(text)


def refusal(repo: Repo, name: str, key: str = "password") -> CredentialsError:
    with pytest.raises(CredentialsError) as caught:
        vault.ensure(repo, name, {key: "generate"})
    return caught.value


@pytest.mark.parametrize("name", ["web", "another"])
def test_a_clone_without_the_password_makes_none(here: Repo, tmp_path: Path, name: str) -> None:
    there = clone(here, tmp_path)
    error = refusal(there, name, "new")
    assert error.code == "no-vault-password"
    assert "inventory/host_vars/web/secrets.yaml" in str(error)
    assert ".runner/vault_password" in error.hint
    assert vault_password.PASSWORD_ENV in error.hint
    assert not kept(there).exists()
    assert not there.secrets_file("another").exists()


def test_with_the_password_brought_over_it_opens(here: Repo, tmp_path: Path) -> None:
    there = clone(here, tmp_path)
    kept(there).parent.mkdir()
    shutil.copy(kept(here), kept(there))
    assert vault.read(there, "web") == vault.read(here, "web")
    assert vault.ensure(there, "another", {"password": "generate"})


@pytest.mark.parametrize("where", ["inventory/group_vars/all/vault.yaml", "inventory/group_vars/gpu/x.yaml"])
def test_what_people_have_encrypted_counts_too(here: Repo, tmp_path: Path, where: str) -> None:
    there = clone(here, tmp_path)
    target = there.root / where
    target.parent.mkdir(parents=True, exist_ok=True)
    there.secrets_file("web").rename(target)
    assert refusal(there, "another").code == "no-vault-password"
    assert not kept(there).exists()


def test_what_has_a_vault_id_of_its_own_says_nothing(repo: RepoBuilder) -> None:
    other = repo.root / "inventory" / "group_vars" / "all" / "other.yaml"
    other.write_text("$ANSIBLE_VAULT;1.2;AES256;people\n6162\n")
    assert vault.ensure(Repo(repo.root), "web", {"password": "generate"})


def test_the_wrong_password_encrypts_nothing(here: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(vault_password.PASSWORD_ENV, "wrong")
    assert refusal(here, "another").code == "wrong-vault-password"
    assert not here.secrets_file("another").exists()


def test_of_two_passwords_that_meet_only_one_is_used(repo: RepoBuilder) -> None:
    """First runs at the same time: half of them know a password, the others make one."""
    program = "import sys; from pathlib import Path; from runner import vault; from runner.repo import Repo\n"
    program += "vault.ensure(Repo(Path(sys.argv[1])), sys.argv[2], {'password': 'generate'})"

    def one(number: int) -> int:
        given = {vault_password.PASSWORD_ENV: PASSWORD} if number % 2 else {}
        command = [sys.executable, "-c", program, str(repo.root), f"web-{number}"]
        return subprocess.run(
            command, check=False, env={**os.environ, **given}, cwd=repo.root, capture_output=True
        ).returncode

    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(one, range(8)))
    made = Repo(repo.root)
    files = vault_password.encrypted(made)
    assert len(files) == ended.count(0) >= 1
    passwords = [PASSWORD, *([kept(made).read_text().strip()] if kept(made).exists() else [])]
    opened = [[file for file in files if vault._lib(one, "").opens(file.read_bytes())] for one in passwords]
    assert max(map(len, opened)) == len(files)


def test_doctor_tries_every_file_and_names_those_that_do_not_open(here: Repo) -> None:
    encrypt(here, "zebra", "another password")
    here.secrets_file("cut").parent.mkdir()
    here.secrets_file("cut").write_text(here.secrets_file("web").read_text()[:200])
    done = subprocess.run(
        [sys.executable, "-m", "runner", "doctor", "--json"], cwd=here.root, capture_output=True, text=True, check=False
    )
    [check] = [check for check in json.loads(done.stdout)["checks"] if check["name"] == "vault password"]
    assert (done.returncode, check["ok"]) == (1, False)
    assert "opens 1 of 3 encrypted files" in check["found"]
    assert "inventory/host_vars/zebra/secrets.yaml cannot be decrypted" in check["found"]
    assert "inventory/host_vars/cut/secrets.yaml is damaged" in check["found"]
    assert "copy .runner/vault_password" in check["fix"]


@pytest.mark.parametrize("given", ["{}\n", "{}\r\n", "\n{}", "{}\n\n"])
def test_line_ends_around_the_password_are_no_part_of_it_for_anybody(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """The runner, the script and Ansible's own program agree, and blanks stay."""
    own = Repo(repo.root)
    word = f" {PASSWORD} "
    monkeypatch.setenv(vault_password.PASSWORD_ENV, word)
    value = vault.ensure(own, "web", {"password": "generate"})["password"]
    monkeypatch.setenv(vault_password.PASSWORD_ENV, given.format(word))
    assert vault.read(own, "web") == {"password": value}
    program = Path(sys.executable).with_name("ansible-vault")
    command: list[str | Path] = [program, "view", "--vault-password-file", own.vault_script, own.secrets_file("web")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=own.root)
    assert value in shown.stdout


def test_a_password_of_line_ends_only_is_none(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(vault_password.PASSWORD_ENV, "\r\n\n")
    assert len(vault_password.password(Repo(repo.root))) >= 32
