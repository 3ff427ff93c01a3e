"""Secrets are made once, kept encrypted, and never invented where a person promised a value."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from runner import vault, vault_password
from runner.errors import CredentialsError
from runner.repo import Repo
from tests.conftest import RepoBuilder

PASSWORD = "correct horse"
CANARY = "canary-5f1c-value"


@pytest.fixture
def own(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository whose vault password is in the environment."""
    monkeypatch.setenv(vault_password.PASSWORD_ENV, PASSWORD)
    return Repo(repo.root)


def shared_vault(repo: Repo, text: str, password: str = PASSWORD) -> None:
    """What `ansible-vault create inventory/group_vars/all/vault.yaml` leaves."""
    path = repo.inventory / "group_vars" / "all" / "vault.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(VaultLib([("default", VaultSecret(password.encode()))]).encrypt(text))


# --- Made here -------------------------------------------------------------------------------------------------------


def test_secret_is_made_once_and_stays(own: Repo) -> None:
    first = vault.ensure(own, "web", {"password": "generate"})
    stored = own.secrets_file("web").read_bytes()
    assert len(first["password"]) == 32
    assert vault.ensure(own, "web", {"password": "generate"}) == first
    assert own.secrets_file("web").read_bytes() == stored
    assert vault.read(own, "web") == first


def test_new_secret_leaves_the_others_as_they_are(own: Repo) -> None:
    first = vault.ensure(own, "web", {"password": "generate"})
    both = vault.ensure(own, "web", {"password": "generate", "token": "generate"})
    assert both["password"] == first["password"] != both["token"]


def test_secrets_of_deployments_differ(own: Repo) -> None:
    made = {vault.ensure(own, name, {"password": "generate"})["password"] for name in ("a", "b", "c")}
    assert len(made) == 3


def test_secret_that_is_no_longer_wanted_is_kept_and_not_handed_out(own: Repo) -> None:
    first = vault.ensure(own, "web", {"password": "generate"})
    assert vault.ensure(own, "web", {}) == {}
    assert vault.ensure(own, "web", {"password": "generate"}) == first


def test_stored_secrets_are_encrypted_and_private(own: Repo) -> None:
    value = vault.ensure(own, "web", {"password": "generate"})["password"]
    path = own.secrets_file("web")
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert value.encode() not in path.read_bytes()
    assert value.encode().hex().encode() not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_ansible_reads_what_is_stored(own: Repo, tmp_path: Path) -> None:
    value = vault.ensure(own, "web", {"password": "generate"})["password"]
    key = tmp_path / "password"
    key.write_text(PASSWORD)
    program = Path(sys.executable).with_name("ansible-vault")
    command: list[str | Path] = [program, "view", "--vault-password-file", key, own.secrets_file("web")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=own.root)
    assert f'"password": "{value}"' in shown.stdout


# --- The password ----------------------------------------------------------------------------------------------------


def test_password_of_this_machine_is_made_on_first_use(repo: RepoBuilder) -> None:
    here = Repo(repo.root)
    first = vault_password.password(here)
    assert len(first) >= 32
    assert vault_password.password(here) == first
    kept = repo.root / ".runner" / "vault_password"
    assert kept.read_text().strip() == first
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_password_from_the_environment_wins(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(vault_password.PASSWORD_ENV, PASSWORD)
    assert vault_password.password(Repo(repo.root)) == PASSWORD
    assert not (repo.root / ".runner").exists()


def test_script_gives_ansible_the_same_password(own: Repo) -> None:
    assert subprocess.run([own.vault_script], capture_output=True, text=True, check=True).stdout.strip() == PASSWORD


def test_repository_without_script_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as caught:
        vault_password.password(Repo(tmp_path))
    assert caught.value.code == "no-vault-password"
    assert vault_password.PASSWORD_ENV in caught.value.hint


DAMAGES = {
    "other password": (None, "wrong-vault-password", "cannot be decrypted", vault_password.PASSWORD_ENV),
    "not encrypted": (
        lambda text: f'{{"password": "{CANARY}"}}',
        "damaged-secrets",
        "is damaged: it is not encrypted",
        "ansible-vault encrypt inventory/host_vars/web/secrets.yaml",
    ),
    "merge conflict": (
        lambda text: f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> main\n",
        "damaged-secrets",
        "is damaged: it has the marks of a merge conflict",
        "git checkout --ours inventory/host_vars/web/secrets.yaml",
    ),
    "cut": (lambda text: text[:200], "damaged-secrets", "is damaged: it is not whole", "restore it from git"),
    "cut to its first line": (lambda text: text[:27], "damaged-secrets", "is damaged", "restore it from git"),
    "empty": (lambda text: "", "damaged-secrets", "is damaged: it is not encrypted", "restore it from git"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_stored_secrets_that_cannot_be_read_are_never_replaced(
    own: Repo, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    vault.ensure(own, "web", {"password": "generate"})
    path = own.secrets_file("web")
    change, code, message, hint = DAMAGES[damage]
    if change is None:
        monkeypatch.setenv(vault_password.PASSWORD_ENV, "wrong")
    else:
        path.write_text(change(path.read_text()))
    before = path.read_bytes()
    for ask in (lambda: vault.read(own, "web"), lambda: vault.ensure(own, "web", {"token": "generate"})):
        with pytest.raises(CredentialsError) as caught:
            ask()
        assert caught.value.code == code
        assert str(caught.value).startswith(f"inventory/host_vars/web/secrets.yaml {message}")
        assert hint in caught.value.hint
        assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert path.read_bytes() == before


# --- From elsewhere --------------------------------------------------------------------------------------------------


def test_values_come_from_where_the_file_says(own: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APP_TOKEN", CANARY)
    monkeypatch.setenv("HOME", str(tmp_path))
    (own.root / "token.txt").write_text("  relative é \r\n")
    (tmp_path / "token").write_text("at home\n")
    (tmp_path / "absolute").write_text("absolute\n")
    shared_vault(own, "SHARED: from the vault\nPIN: 1234\n")
    sources = {
        "a": "env:APP_TOKEN",
        "b": "file:token.txt",
        "c": "file:~/token",
        "d": f"file:{tmp_path}/absolute",
        "e": "vault:SHARED",
        "f": "vault:PIN",
    }
    expected = [CANARY, "  relative é ", "at home", "absolute", "from the vault", "1234"]
    assert list(vault.ensure(own, "web", sources).values()) == expected
    assert not own.secrets_file("web").exists()


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("env:NO_SUCH_NAME", "export NO_SUCH_NAME=… and run again"),
        ("env:EMPTY", "export EMPTY=… and run again"),
        ("file:none.txt", "put the secret into none.txt, readable by you only"),
        ("vault:NONE", "add NONE with: ansible-vault create inventory/group_vars/all/vault.yaml"),
    ],
)
def test_missing_value_names_secret_and_source(
    own: Repo, monkeypatch: pytest.MonkeyPatch, source: str, hint: str
) -> None:
    monkeypatch.setenv("EMPTY", "")
    with pytest.raises(CredentialsError) as caught:
        vault.ensure(own, "web", {"password": "generate", "token": source})
    assert str(caught.value) == f"the secret token ({source}) has no value here"
    assert (caught.value.code, caught.value.hint) == ("missing-secret-value", hint)


def test_missing_value_of_a_vault_that_lacks_it(own: Repo) -> None:
    shared_vault(own, "OTHER: x\nNONE:\n")
    with pytest.raises(CredentialsError, match=r"token \(vault:NONE\) has no value") as caught:
        vault.ensure(own, "web", {"token": "vault:NONE"})
    assert caught.value.hint == "add NONE with: ansible-vault edit inventory/group_vars/all/vault.yaml"


def test_shared_vault_of_another_password_says_which_file(own: Repo) -> None:
    shared_vault(own, f"SHARED: {CANARY}\n", password="another")
    with pytest.raises(CredentialsError) as caught:
        vault.ensure(own, "web", {"token": "vault:SHARED"})
    assert (caught.value.code, CANARY in str(caught.value)) == ("wrong-vault-password", False)
    assert "inventory/group_vars/all/vault.yaml" in str(caught.value)


@pytest.mark.parametrize(
    "secrets",
    [
        "null",
        "[]",
        "7",
        '"x"',
        '{"token": null}',
        '{"token": ["x"]}',
        '{"to ken": "x"}',
        "[" * 5000,
        '{"token": "\\ud800"}',
    ],
)
def test_secrets_that_are_no_names_and_texts_are_damage(own: Repo, secrets: str) -> None:
    shared_vault(own, f'{{"{vault.VARIABLE}": {secrets}}}')
    own.secrets_file("web").parent.mkdir(parents=True)
    shutil.copy(own.inventory / "group_vars" / "all" / "vault.yaml", own.secrets_file("web"))
    with pytest.raises(CredentialsError) as caught:
        vault.read(own, "web")
    assert caught.value.code == "damaged-secrets"


@pytest.mark.parametrize("text", ["[" * 5000, "SHARED: 2026-02-30\n"])
def test_shared_vault_that_no_reader_takes_is_damage(own: Repo, text: str) -> None:
    shared_vault(own, text)
    with pytest.raises(CredentialsError) as caught:
        vault.external(own, "token", "vault:SHARED")
    assert caught.value.code == "damaged-secrets"


@pytest.mark.parametrize("text", [f"SHARED: [{CANARY}", f'{{"other": "{CANARY}"}}'])
def test_damaged_content_is_not_shown(own: Repo, text: str) -> None:
    shared_vault(own, text)
    own.secrets_file("web").parent.mkdir(parents=True)
    shutil.copy(own.inventory / "group_vars" / "all" / "vault.yaml", own.secrets_file("web"))
    with pytest.raises(CredentialsError) as caught:
        vault.read(own, "web")
    shown = "".join(traceback.format_exception(caught.value))
    assert (caught.value.code, CANARY in shown) == ("damaged-secrets", False)
    if "[" in text:
        with pytest.raises(CredentialsError) as caught:
            vault.external(own, "token", "vault:SHARED")
        shown = "".join(traceback.format_exception(caught.value))
        assert (caught.value.code, CANARY in shown) == ("damaged-secrets", False)


# --- Put in place ----------------------------------------------------------------------------------------------------


def test_secrets_are_put_in_place_at_any_depth() -> None:
    token = {"secret_parts": ["Bearer ", {"secret": "token"}]}
    spec = {"env": {"AUTH": token, "PLAIN": "secret"}, "list": [token, 1, None], "key": {"secret": "token"}}
    assert vault.reveal(spec, {"token": CANARY}) == {
        "env": {"AUTH": f"Bearer {CANARY}", "PLAIN": "secret"},
        "list": [f"Bearer {CANARY}", 1, None],
        "key": {"secret": "token"},
    }
    assert token == {"secret_parts": ["Bearer ", {"secret": "token"}]}


def test_ansible_is_imported_only_when_a_secret_is_touched() -> None:
    program = "import sys, runner.vault; sys.exit('ansible' in sys.modules)"
    root = Path(__file__).parent.parent
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, env=os.environ)


# --- What of a text is the secret ------------------------------------------------------------------------------------

TEXTS = {
    "plain": ("value", "value"),
    "line end": ("value\n", "value"),
    "line end of Windows": ("value\r\n", "value"),
    "carriage return": ("value\r", "value"),
    "several, on both sides": ("\n\r\nvalue\n\n", "value"),
    "blanks stay": ("  value \t\n", "  value \t"),
    "lines inside stay": ("one\ntwo\r\nthree\n", "one\ntwo\r\nthree"),
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("kind", ["env", "file", "vault"])
def test_one_rule_for_all_sources(own: Repo, monkeypatch: pytest.MonkeyPatch, kind: str, text: str) -> None:
    given, expected = TEXTS[text]
    monkeypatch.setenv("PLACE", given)
    (own.root / "PLACE").write_bytes(given.encode())
    shared_vault(own, json.dumps({"PLACE": given}))
    assert vault.external(own, "token", f"{kind}:PLACE") == expected
    assert vault.known(own, "web", {"token": f"{kind}:PLACE"}) == {"token": expected}
    assert vault.ensure(own, "web", {"token": f"{kind}:PLACE"}) == {"token": expected}


@pytest.mark.parametrize(
    ("content", "reason"), [(b"\xff\xfe", "is not UTF-8 text"), (b"a\0b", "holds a NUL byte")], ids=["binary", "NUL"]
)
def test_what_no_environment_can_hold_is_no_secret(own: Repo, content: bytes, reason: str) -> None:
    (own.root / "binary").write_bytes(content)
    with pytest.raises(CredentialsError, match=reason) as caught:
        vault.external(own, "token", "file:binary")
    assert caught.value.code == "unusable-secret-value"
