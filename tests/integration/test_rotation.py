"""A secret whose value was rotated reaches its service by the next apply, wherever it comes from."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from runner import records, vault, vault_password
from runner.repo import Repo
from tests.integration.world import World, ask

PASSWORD = "correct horse"
TEXT = "secrets: {FROM_ENV: 'env:GIVEN', FROM_FILE: 'file:given', FROM_VAULT: 'vault:GIVEN'}\n"


def edit(made: World, values: dict[str, object], file: str) -> None:
    path = made.root / "inventory" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(vault._lib(PASSWORD, "").encrypt(json.dumps(values)))


@pytest.fixture
def applied(fresh: World, port: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> tuple[World, int]:
    monkeypatch.setenv(vault_password.PASSWORD_ENV, PASSWORD)
    monkeypatch.setenv("GIVEN", "one")
    (fresh.root / "given").write_text("one")
    edit(fresh, {"GIVEN": "one"}, "group_vars/all/vault.yaml")
    number = port()
    fresh.beacon("web", number, TEXT)
    fresh.ok("reconcile", "--yes")
    return fresh, number


def test_every_kind_of_secret_is_rotated(applied: tuple[World, int], monkeypatch: pytest.MonkeyPatch) -> None:
    made, number = applied
    before = ask(number)
    assert made.actions() == {"web": "none"}
    monkeypatch.setenv("GIVEN", "two")
    (made.root / "given").write_text("two\n")
    edit(made, {"GIVEN": "two"}, "group_vars/all/vault.yaml")
    edit(made, {vault.VARIABLE: {"token": "two"}}, "host_vars/web/secrets.yaml")
    action = made.plan(code=2)["web"]
    assert action["action"] == "update"
    assert [(change["field"], change["after"]) for change in action["changes"]] == [
        (f"secrets.{name}", "value changed") for name in ("FROM_ENV", "FROM_FILE", "FROM_VAULT", "token")
    ]
    assert "secrets.FROM_ENV: value changed" in made.run("plan").stdout
    assert made.status("web")["sync"] == "drifted"
    made.ok("reconcile", "--yes")
    after = ask(number)
    assert {after["env"][name] for name in ("FROM_ENV", "FROM_FILE", "FROM_VAULT", "TOKEN")} == {"two"}
    assert after["pid"] != before["pid"]
    assert made.actions() == {"web": "none"}


def test_what_is_not_known_here_changes_nothing_and_stops_nothing(
    applied: tuple[World, int], monkeypatch: pytest.MonkeyPatch, port: Callable[[], int]
) -> None:
    made, _ = applied
    monkeypatch.delenv("GIVEN")
    monkeypatch.delenv(vault_password.PASSWORD_ENV)
    made.beacon("other", port(), "params: {word: bye}\n")
    planned = made.run("plan")
    assert made.actions(code=2) == {"web": "none", "other": "create"}
    assert "secrets of web (FROM_ENV, FROM_VAULT)" in planned.stderr or "FROM_FILE" in planned.stderr


def test_plain_ansible_remembers_them_too(applied: tuple[World, int], monkeypatch: pytest.MonkeyPatch) -> None:
    made, number = applied
    monkeypatch.setenv("GIVEN", "two")
    done = made.ansible()
    assert done.returncode == 0, done.stdout + done.stderr
    assert ask(number)["env"]["FROM_ENV"] == "two"
    assert made.actions() == {"web": "none"}
    record = records.read(Repo(made.root), "web")
    assert record is not None
    assert record.secrets.keys() >= {"FROM_ENV", "FROM_FILE", "FROM_VAULT", "token"}
