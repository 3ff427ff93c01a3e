"""A value that was rotated is told from the one that was applied; what cannot be read is unknown, never changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runner import fingerprints, plan, records, vault, vault_password
from runner.domain import Desired, Kind, Record
from runner.fingerprints import Compared
from runner.repo import Repo
from tests import factories as make
from tests.conftest import RepoBuilder

PASSWORD = "correct horse"
SOURCES = {"A": "env:GIVEN", "B": "file:given", "C": "vault:GIVEN", "password": "generate"}


def people_edit(repo: Repo, path: Path, data: dict[str, object]) -> None:
    """What `ansible-vault edit` leaves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(vault._lib(PASSWORD, "").encrypt(json.dumps(data)))


def shared_file(repo: Repo) -> Path:
    return repo.inventory / "group_vars" / "all" / "vault.yaml"


@pytest.fixture
def own(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setenv(vault_password.PASSWORD_ENV, PASSWORD)
    monkeypatch.setenv("GIVEN", "one")
    made = Repo(repo.root)
    (made.root / "given").write_text("one")
    people_edit(made, shared_file(made), {"GIVEN": "one"})
    return made


@pytest.fixture
def pair(own: Repo) -> tuple[Desired, Record]:
    """A deployment with a secret of each kind, applied."""
    want = make.desired(spec=make.spec(secrets=SOURCES))
    vault.ensure(own, "web", SOURCES)
    return want, make.record(want, secrets=fingerprints.applied(own, "web", SOURCES))


def compared(repo: Repo, pair: tuple[Desired, Record]) -> Compared:
    return fingerprints.Comparison(repo).compare(*pair)


def test_what_is_as_it_was_is_neither_changed_nor_unknown(own: Repo, pair: tuple[Desired, Record]) -> None:
    assert compared(own, pair) == Compared()


ROTATIONS: dict[str, Callable[[Repo, pytest.MonkeyPatch], object]] = {
    "A": lambda repo, patch: patch.setenv("GIVEN", "two"),
    "B": lambda repo, patch: (repo.root / "given").write_text("two"),
    "C": lambda repo, patch: people_edit(repo, shared_file(repo), {"GIVEN": "two"}),
    "password": lambda repo, patch: people_edit(repo, repo.secrets_file("web"), {vault.VARIABLE: {"password": "two"}}),
}


@pytest.mark.parametrize("name", ROTATIONS)
def test_each_kind_of_rotation_is_found(
    own: Repo, pair: tuple[Desired, Record], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ROTATIONS[name](own, monkeypatch)
    assert compared(own, pair) == Compared(changed=(name,))


def test_a_generated_secret_that_was_deleted_will_be_another(own: Repo, pair: tuple[Desired, Record]) -> None:
    own.secrets_file("web").unlink()
    assert compared(own, pair) == Compared(changed=("password",))


def test_the_same_secrets_encrypted_anew_are_the_same(own: Repo, pair: tuple[Desired, Record]) -> None:
    people_edit(own, own.secrets_file("web"), {vault.VARIABLE: vault.read(own, "web")})
    assert compared(own, pair) == Compared()


LOSSES: dict[str, Callable[[Repo, pytest.MonkeyPatch], object]] = {
    "A": lambda repo, patch: patch.delenv("GIVEN"),
    "B": lambda repo, patch: (repo.root / "given").unlink(),
    "C": lambda repo, patch: people_edit(repo, shared_file(repo), {"OTHER": "two"}),
}


@pytest.mark.parametrize("name", LOSSES)
def test_what_cannot_be_read_here_is_unknown(
    own: Repo, pair: tuple[Desired, Record], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    LOSSES[name](own, monkeypatch)
    assert compared(own, pair) == Compared(unknown=(name,))


@pytest.mark.parametrize("lost", ["no password", "wrong password", "another key", "no key"])
def test_without_the_key_nothing_is_said(
    own: Repo, pair: tuple[Desired, Record], monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setenv("GIVEN", "two")
    if lost == "no password":
        monkeypatch.delenv(vault_password.PASSWORD_ENV)
    elif lost == "wrong password":
        monkeypatch.setenv(vault_password.PASSWORD_ENV, "wrong")
    else:
        own.secrets_key.unlink()
        if lost == "another key":
            fingerprints.applied(own, "web", SOURCES)
    found = compared(own, pair)
    assert found.changed == ()
    assert {"A", "B", "C"} <= {*found.unknown}


def test_another_source_is_a_change_of_the_file_not_of_the_value(own: Repo, pair: tuple[Desired, Record]) -> None:
    want = make.desired(spec=make.spec(secrets={**SOURCES, "A": "env:PATH"}))
    assert compared(own, (want, pair[1])) == Compared()


def test_a_record_gives_no_value_away(own: Repo, pair: tuple[Desired, Record]) -> None:
    other = fingerprints.applied(own, "other", {"A": "env:GIVEN", "B": "env:GIVEN"})
    kept = pair[1].secrets
    assert kept.keys() == {*SOURCES, fingerprints.STORED}
    assert other["A"] == kept["A"] != other["B"]  # what is called otherwise looks otherwise
    assert own.secrets_key.read_text().startswith("$ANSIBLE_VAULT;")
    assert "one" not in json.dumps(kept)
    records.write(own, pair[1])
    assert records.read(own, "web") == pair[1]


def test_without_secrets_no_key_is_made(own: Repo) -> None:
    assert fingerprints.applied(own, "web", {}) == {}
    assert not own.secrets_key.exists()


def test_in_ci_no_password_is_made_for_the_key(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GIVEN", "one")
    own = Repo(repo.root)
    assert fingerprints.applied(own, "web", {"A": "env:GIVEN"}) == {}
    assert not own.secrets_key.exists()
    assert not (own.local / "vault_password").exists()


def test_nothing_is_decrypted_for_secrets_that_were_made_here(
    own: Repo, pair: tuple[Desired, Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a plan of deployments with generated secrets only costs a hash of a file each."""
    want = make.desired(spec=make.spec(secrets={"password": "generate"}))
    record = make.record(want, secrets={name: pair[1].secrets[name] for name in ("password", fingerprints.STORED)})
    monkeypatch.setattr(vault, "decrypted", None)
    assert compared(own, (want, record)) == Compared()


# --- In the plan -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind"), [("running", Kind.UPDATE), ("stopped", Kind.START), ("failed", Kind.START)], ids=str
)
def test_a_rotated_secret_is_applied(state: str, kind: Kind) -> None:
    want = make.desired()
    verdict = plan.decide(want, make.record(want), make.seen(want, state=state, rotated=("HF_TOKEN",)), make.TODAY)
    assert verdict.kind is kind
    if kind is Kind.UPDATE:
        assert verdict.reason == "secrets.HF_TOKEN: value changed"
        assert [(c.field, c.after) for c in verdict.changes] == [("secrets.HF_TOKEN", "value changed")]


def test_a_rotated_secret_of_what_is_stopped_waits_for_its_start() -> None:
    want = make.desired(state="stopped")
    seen = make.seen(want, state="stopped", rotated=("HF_TOKEN",))
    assert plan.decide(want, make.record(want, state="stopped"), seen, make.TODAY).kind is Kind.NONE


def test_a_rotated_secret_stands_beside_what_else_changes() -> None:
    before, want = make.desired(), make.desired(spec=make.spec(owner="others"))
    verdict = plan.decide(want, make.record(before), make.seen(before, rotated=("HF_TOKEN",)), make.TODAY)
    assert {change.field for change in verdict.changes} == {"owner", "secrets.HF_TOKEN"}
