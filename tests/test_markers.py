"""The fence: Ansible's markers are known here as Ansible has them, and no source of values lets one in."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from runner import markers, vault, vault_password
from runner.errors import CredentialsError
from runner.repo import Repo
from tests import hostile
from tests.small import Small


@pytest.mark.parametrize("marker", hostile.MARKERS)
def test_every_marker_of_ansible_is_known(marker: str) -> None:
    assert markers.inside(f"before{marker}behind")


@pytest.mark.parametrize("text", ["<<EOF", "a << b >> c", "<<INCLUDE>>", "#", "syslog.LOG_USER", "{{ x }}"])
def test_other_texts_are_let_through(text: str) -> None:
    assert not markers.inside(text)


def test_each_place_is_named(tmp_path: Path) -> None:
    small = Small(tmp_path / "repo")
    marker = hostile.MARKERS[0]
    small.deployment(
        "web", f"template: app\nlabels:\n  '{marker}': x\n  deep: ['{marker}']\nowner: '\\x3c<ANSIBLE_VERSION>>'\n"
    )
    small.write("templates/other.yaml", f"name: '{marker}'\n")
    small.deployment("escaped", 'template: app\nowner: "\\x3c<ANSIBLE_VERSION>>"\n')
    found = {(p.file, p.line, p.field) for p in small.load().problems if p.code == markers.CODE}
    assert found == {
        ("deployments/web.yaml", 3, f"labels.{marker}"),
        ("deployments/web.yaml", 4, "labels.deep[0]"),
        ("deployments/escaped.yaml", 2, "owner"),
        ("templates/other.yaml", 1, "name"),
    }


@pytest.mark.parametrize("source", ["env:BAD", "file:bad", "vault:bad", "generate"])
def test_no_secret_may_hold_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    repo, value = Repo(tmp_path), f"canary{hostile.MARKERS[-1]}"
    monkeypatch.setenv(vault_password.PASSWORD_ENV, "correct horse")
    monkeypatch.setenv("BAD", value)
    (tmp_path / "bad").write_text(value)
    lib = VaultLib([("default", VaultSecret(b"correct horse"))])
    shared = repo.inventory / "group_vars" / "all" / "vault.yaml"
    shared.parent.mkdir(parents=True)
    shared.write_bytes(lib.encrypt(f"bad: {value!r}\n"))
    repo.secrets_file("web").parent.mkdir(parents=True)
    repo.secrets_file("web").write_bytes(
        lib.encrypt(f'{{"slipway_secrets": {{"token": "{value}"}}}}'.replace('"<<', "<<"))
    )
    with pytest.raises(CredentialsError) as caught:
        vault.ensure(repo, "web", {"token": source})
    assert caught.value.code == markers.CODE
    assert "token" in str(caught.value)
    assert "canary" not in f"{caught.value}{caught.value.hint}"
