"""What single commands do beyond the contract that all of them share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner import providers, records
from runner.domain import CHANGING, Kind, Resource
from runner.errors import CredentialsError
from runner.workflow import Planned
from tests import factories as make
from tests.cli.shell import Shell
from tests.small import APP

ROOT = Path(__file__).parent.parent.parent
APPLIED = ("a", "b", "c", "d")


# --- validate --------------------------------------------------------------------------------------------------------


def test_validate_of_one_file_reports_that_file(shell: Shell) -> None:
    shell.small.deployment("good")
    shell.small.deployment("bad", "template: ap\n")
    assert shell("validate", "deployments/good.yaml").out == "1 file valid.\n"
    assert [p["where"] for p in shell("validate", "--json", "deployments/bad.yaml").json["errors"]] == [
        "deployments/bad.yaml:1"
    ]


def test_validate_of_one_file_is_not_fooled_by_its_template(shell: Shell) -> None:
    shell.small.write("templates/app.yaml", "name: x\n")
    shell.small.deployment("web")
    answer = shell("validate", "--json", "deployments/web.yaml")
    assert answer.code == 3
    assert {problem["where"] for problem in answer.json["errors"]} == {"templates/app.yaml:1"}


def test_validate_follows_links_by_their_own_name(shell: Shell) -> None:
    shell.small.write("shared/bad.yaml", "template: ap\n")
    (shell.small.root / "deployments" / "web.yaml").symlink_to("../shared/bad.yaml")
    assert shell("validate", "deployments/web.yaml").code == 3


def test_validate_tells_what_has_no_effect_yet(shell: Shell) -> None:
    shell.small.deployment("web", "template: app\nbudget: {max_hourly: 2}\n")
    notice = {
        "file": "deployments/web.yaml",
        "field": "budget.max_hourly",
        "message": "is accepted but has no effect yet",
    }
    assert shell("validate", "--json").json == {"valid": True, "checked": 1, "notices": [notice]}


def test_validate_tells_what_of_the_settings_has_no_effect_yet(shell: Shell) -> None:
    shell.small.write("runner.yaml", "id: test\ncurrency: EUR\n")
    notice = {"file": "runner.yaml", "field": "currency", "message": "is accepted but has no effect yet"}
    for _ in ("read", "remembered"):
        assert shell("validate", "--json").json["notices"] == [notice]
    assert shell("validate", "--json", "templates/app.yaml").json["notices"] == []


# --- Other commands --------------------------------------------------------------------------------------------------


def test_faulty_files_do_not_stop_status(shell: Shell) -> None:
    shell.apply("a", "b", "c")
    shell.small.deployment("b", "template: app\nstate: started\nowner: 5\n")
    shell.small.deployment("bad", "template: [\n")
    shell.small.deployment("c", "template: off\n")
    shell.small.write("templates/off.yaml", "name: x\n")
    answer = shell("status", "--json")
    assert answer.code == 0
    keys = ("sync", "state", "file", "sync_reason")
    shown = {row["name"]: tuple(row[key] for key in keys) for row in answer.json["deployments"]}
    assert shown["a"][:2] == ("in-sync", "stopped")
    file = "deployments/b.yaml"
    why = f"{file}:2: state must be one of running, stopped or absent (and 1 more)"
    assert shown["b"] == ("unknown", "unknown", file, why)
    assert shown["bad"][:3] == ("unknown", "unknown", "deployments/bad.yaml")
    assert shown["c"][3].startswith("templates/off.yaml:1: ")
    one = shell("status", "bad", "--json")
    assert (one.code, one.json["health"], one.json["sync"]) == (0, "unknown", "unknown")
    assert "runner validate" in shell("status", "bad").out
    assert "runner validate" in shell("status").err


def test_status_shows_only_what_is_like_the_filters(shell: Shell) -> None:
    shell.apply("a", "b")
    shell.small.deployment("b", "template: app\nstate: stopped\nowner: ml\nlabels: {team: red}\n")
    for words, names in (
        (("--filter", "owner=ml"), ["b"]),
        (("--filter", "labels.team=red", "--filter", "state=stopped"), ["b"]),
        (("--filter", "labels.team=blue"), []),
        (("--filter", "provider=local"), ["a", "b"]),
    ):
        assert [row["name"] for row in shell("status", "--json", *words).json["deployments"]] == names
    assert "No deployment is like that" in shell("status", "--filter", "owner=x").err
    for wrong in ("owner", "onwer=ml"):
        answer = shell("status", "--filter", wrong, "--json")
        assert (answer.code, answer.error) == (3, "bad-filter")


def test_wide_status_has_more_columns(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    shell.apply("a")
    assert "ENGINE" not in shell("status").out
    title, first, *_ = shell("status", "-o", "wide").out.splitlines()
    assert title.split()[-5:] == ["ENGINE", "MODEL", "GPU", "OWNER", "LABELS"]
    assert "process" in first


def test_watch_looks_again_until_it_is_interrupted(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.apply("a")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("runner.cli.status.time.sleep", sleep)
    answer = shell("status", "--watch", "--every", "0s", "--json")
    assert (answer.code, waits) == (130, [1.0, 1.0])
    assert [json.loads(line)["deployments"][0]["name"] for line in answer.out.splitlines()] == ["a", "a"]


def test_orphans_are_listed_and_faulty_files_are_none(shell: Shell) -> None:
    shell.apply("a")
    for name in ("a", "b", "orphan"):
        shell.there(name)
    shell.small.write("deployments/b.yml", "template: app\n")
    assert [found["deployment"] for found in shell("orphans", "--json").json["orphans"]] == ["orphan"]


def test_second_machine_of_a_deployment_is_told_and_never_destroyed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.small.deployment("a", "template: app\nstate: stopped\n")
    want = shell.small.load().desired["a"]
    records.write(shell.small.repo, make.record(want, state="stopped", machine={"id": "i-1"}))
    volume = Resource("a", "local", "vol-1", "stopped", leftover=True)
    there = [Resource("a", "local", name, "running") for name in ("i-1", "i-2")]
    provider = providers.load("local")
    monkeypatch.setattr(provider, "list", lambda self: [*there, volume])
    assert shell("orphans", "--json").json == {"orphans": [], "unknown": []}
    monkeypatch.setattr(provider, "rents", True)
    answer = shell("orphans", "--destroy", "--yes", "--json")
    [second] = answer.json["unknown"]
    assert (answer.code, answer.json["orphans"], second["id"]) == (1, [], "i-2")
    assert "local: i-2 carries the name of a, whose record knows i-1" in shell("orphans").out


def test_orphans_of_one_name_at_two_providers_are_removed_one_after_the_other(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {name: [Resource("x", name, f"{name}-1", "running")] for name in ("local", "ssh")}
    for name in there:
        monkeypatch.setattr(providers.load(name), "list", lambda self: there[self.name])
    removed: list[tuple[str, str]] = []

    def carry_out(app: object, planned: Planned, *_: object) -> int:
        for action in planned.plan.actions:
            removed.append((action.deployment, action.provider))
            there[action.provider] = []
        return 0

    monkeypatch.setattr("runner.cli.orphans.carry_out", carry_out)
    first, second = (shell("orphans", "--destroy", "--yes") for _ in range(2))
    assert (first.code, second.code, removed) == (1, 0, [("x", "local"), ("x", "ssh")])
    assert "x at ssh" in first.err


def test_faulty_settings_stop_the_search_for_orphans(shell: Shell) -> None:
    """Somebody else's resources would be found under another id, or in another place."""
    shell.small.write("runner.yaml", "id: UPPER\n")
    answer = shell("orphans", "--destroy", "--yes", "--json")
    assert (answer.code, answer.json["error"]["where"]) == (3, "runner.yaml:1")


@pytest.mark.parametrize("command", ["events", "history"])
def test_name_that_nobody_ever_used_is_a_mistake(shell: Shell, command: str) -> None:
    shell.apply("web")
    assert shell(command, "web").code == 0
    for name in ("wbe", "../web", "x/y"):
        answer = shell(command, name, "--json")
        assert (answer.code, answer.error) == (3, "unknown-deployment")
    assert "did you mean web?" in shell(command, "wbe").err


@pytest.mark.parametrize("words", [("stop", "web"), ("destroy", "web", "--yes")])
def test_hold_keeps_the_file_as_it_is_too(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """An edit that stayed would be carried out when the hold ends."""
    text = "template: app\nhold: {until: 2999-01-01, reason: demo}\n"
    shell.small.deployment("web", text)
    running = [Resource("web", "local", "x", "running", digest=shell.small.load().desired["web"].digest)]
    records.write(shell.small.repo, make.record(shell.small.load().desired["web"]))
    monkeypatch.setattr(providers.load("local"), "list", lambda self: running)
    answer = shell(*words, "--json")
    assert (answer.code, answer.error) == (4, "on-hold")
    assert "demo" in answer.json["error"]["message"]
    assert (shell.small.root / "deployments" / "web.yaml").read_text() == text


def test_start_leaves_the_file_of_what_is_to_run_alone(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running is the default: nothing has to be written for it."""
    monkeypatch.setattr("runner.cli._desired.carry_out", lambda *_: 0)
    for text in ("template: app\n", "template: app\nstate: running\n"):
        shell.small.deployment("web", text)
        assert shell("start", "web").code == 0
        assert (shell.small.root / "deployments" / "web.yaml").read_text() == text


def test_lock_stops_others_until_unlock(shell: Shell) -> None:
    shell.apply("a")
    assert shell("lock", "a", "--reason", "demo", "--json").json["locks"][0]["reason"] == "demo"
    again = shell("lock", "a", "--json")
    assert (again.code, again.error) == (4, "locked")
    (shell.small.root / "deployments" / "a.yaml").write_text("template: app\nstate: absent\n")
    refused = shell("reconcile", "--yes", "--allow-destroy", "--json")
    assert (refused.code, refused.error) == (4, "locked")
    assert "runner unlock a --reason" in refused.json["error"]["hint"]
    assert shell("unlock", "a", "--reason", "demo is over").code == 0
    assert shell("lock", "--json").json == {"locks": []}


def test_new_writes_a_file_that_is_valid_beside_the_others(shell: Shell) -> None:
    assert shell("new", "app", "first", "--set", "model=large", "--json").json["file"] == "deployments/first.yaml"
    second = shell("new", "app", "second", "--set", "owner='08'", "--json").json
    assert second["deployment"] == {"template": "app", "owner": "08", "ports": {"web": 8082, "api": 8083}}
    assert shell("validate", "--json").json["checked"] == 2
    assert (shell.small.root / "deployments" / "first.yaml").read_text().endswith("params: {model: large}\n")


def test_new_writes_nothing_that_would_be_invalid(shell: Shell) -> None:
    for words in (("soon", "x"), ("app", "x", "--set", "context=1"), ("app", "x", "--provider", "none")):
        assert shell("new", *words).code == 3
    assert list((shell.small.root / "deployments").iterdir()) == []


def test_doctor_goes_on_when_something_fails(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise CredentialsError("the key has expired", code="expired", hint="log in again")

    shell.apply("a")
    (shell.small.repo.record_file("a")).write_text("{")
    monkeypatch.setattr(providers.load("ssh"), "checks", fails)
    answer = shell("doctor", "--json")
    checks = {check["name"]: check for check in answer.json["checks"]}
    assert answer.code == 1
    assert (checks["ssh"]["ok"], checks["ssh"]["found"], checks["ssh"]["fix"]) == (
        False,
        "the key has expired",
        "log in again",
    )
    assert checks["records"]["found"].startswith("inventory/host_vars/a/access.yaml: ")
    assert {"git", "uv"} <= checks.keys()


def test_followed_log_is_one_json_document_for_each_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.apply("a")
    shell.there("a")
    monkeypatch.setattr(providers.load("local"), "logs", lambda *_, **__: iter(["one", "two"]))
    assert shell("logs", "a", "--json").json == {"name": "a", "lines": ["one", "two"]}
    lines = shell("logs", "a", "-f", "--json").out.splitlines()
    assert [json.loads(line) for line in lines] == [{"line": "one"}, {"line": "two"}]


def test_schema_is_written_and_checked(shell: Shell) -> None:
    assert shell("schema", "--check").code == 1
    assert shell("schema", "--write").code == 0
    assert shell("schema", "--check").code == 0
    assert shell("schema", "--check", "--json").json == {"current": True, "stale": [], "written": []}
    (shell.small.root / "schemas" / "template.schema.json").write_text("{}")
    stale = shell("schema", "--check", "--json")
    assert (stale.code, stale.json) == (
        1,
        {"current": False, "stale": ["schemas/template.schema.json"], "written": []},
    )
    assert shell("schema", "--write", "--json").json["written"] == ["schemas/template.schema.json"]
    written = json.loads((shell.small.root / "schemas" / "template.schema.json").read_text())
    assert written == shell("schema", "template", "--json").json


def test_secret_in_a_file_is_shown_nowhere(shell: Shell) -> None:
    canary = "canary-5f1c-value"
    shell.small.deployment("web", f"template: app\nparams: {{password: {canary}}}\nsecrets: {{key: {canary}}}\n")
    for words in (
        ("validate",),
        ("plan", "-v"),
        ("status",),
        ("doctor",),
        ("reconcile", "--json"),
        ("plan", "--markdown"),
    ):
        answer = shell(*words)
        assert canary not in answer.out + answer.err, words


def test_kinds_that_change_are_those_that_exit_2(shell: Shell) -> None:
    assert set(Kind) - {Kind.BLOCKED, Kind.HELD, Kind.NONE} == CHANGING
    shell.small.write("templates/app.yaml", APP)
    shell.small.deployment("web", "template: app\nhold: {until: 2999-01-01, reason: demo}\n")
    held = shell("plan", "--json")
    assert (held.code, held.json["summary"]["held"]) == (0, 1)


@pytest.mark.parametrize(
    ("asked", "applies"),
    [
        ((), "runner reconcile"),
        (("a",), "runner reconcile a"),
        (("--exclude", "b"), "runner reconcile --exclude=b"),
    ],
)
def test_a_plan_of_some_names_the_command_that_applies_those_only(
    shell: Shell, asked: tuple[str, ...], applies: str
) -> None:
    shell.small.deployment("a")
    shell.small.deployment("b", "template: app\nports: {web: 9090, api: 9091}\n")
    assert shell("plan", *asked).out.rstrip().endswith(f"To apply: {applies}")
