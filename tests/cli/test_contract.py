"""The contract of the command line: exit codes, JSON on standard output alone, and errors that say what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runner import records
from tests import factories as make
from tests.cli.shell import Shell

ROOT = Path(__file__).parent.parent.parent
APPLIED = ("a", "b", "c", "d")


# --- Exit codes ------------------------------------------------------------------------------------------------------


def test_nothing_to_do_is_0(shell: Shell) -> None:
    shell.apply(*APPLIED)
    for command in ("validate", "plan", "drift", "reconcile", "status"):
        assert shell(command, "--json").code == 0, command


def test_changes_pending_is_2(shell: Shell) -> None:
    shell.small.deployment("web")
    assert shell("plan").code == 2
    assert shell("drift").code == 2
    assert shell("plan", "--refresh-only").code == 0


def test_invalid_files_are_3(shell: Shell) -> None:
    shell.small.deployment("web", "template: ap\n")
    for command in ("validate", "plan", "drift", "reconcile"):
        answer = shell(command)
        assert (answer.code, answer.out) == (3, "")
        assert "deployments/web.yaml:1" in answer.err
        assert "did you mean app?" in answer.err


def test_blocked_is_4(shell: Shell) -> None:
    shell.apply("a")
    records.write(shell.small.repo, replace(make.record(make.desired("a")), provider="gone"))
    for command in ("plan", "drift", "reconcile"):
        assert shell(command).code == 4, command
    blocked = shell("plan", "--json").json
    assert [action["action"] for action in blocked["actions"]] == ["blocked"]
    assert blocked["summary"]["blocked"] == 1


def test_unasked_reconcile_changes_nothing_and_is_4(shell: Shell) -> None:
    shell.small.deployment("web")
    answer = shell("reconcile")
    assert answer.code == 4
    assert "Nothing was changed." in answer.err
    assert not (shell.small.root / ".runner" / "runs").exists()


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("plam",), "there is no command plam", "did you mean plan?"),
        (("xyzzy",), "there is no command xyzzy", "see: runner --help"),
        (("plan", "--bogus"), "No such option '--bogus'", "see: runner plan --help"),
        (("unlock", "a"), "Missing option '--reason'", "see: runner unlock --help"),
        (("plan", "x"), "there is no deployment x", "see: runner status"),
        (("plan", "alpah"), "there is no deployment alpah", "did you mean alpha?"),
        (("reconcile", "--wait", "soon"), "'soon' is not a duration such as 90s", "see: runner reconcile --help"),
        (("reconcile", "--allow-destroy", "0"), "'0' is not a number of destroys", "see: runner reconcile --help"),
        (("reconcile", "--allow-destroy", "x"), "'x' is not a number of destroys", "see: runner reconcile --help"),
        (("reconcile", "--plan", "none.json"), "none.json is not a saved plan", "make one: runner plan --out FILE"),
        (("reconcile", "--plan", "runner.yaml"), "runner.yaml is not a saved plan", "make one: runner plan --out FILE"),
        (("plan", "--out", "runner.yaml/x"), "runner.yaml/x cannot be written", "choose another file"),
        (("validate", "deployments/none.yaml"), "deployments/none.yaml is not a file", "name files below deployments/"),
        (("validate", "/etc/passwd"), "/etc/passwd is not in the repository", "give --root DIR"),
        (("validate", "inventory/x.yaml"), "inventory/x.yaml is nothing that is checked here", "or runner.yaml"),
        (("start", "none"), "deployments/none.yaml does not exist", "see: runner status"),
        (("restart", "alpha"), "alpha does not run", "runner start alpha"),
        (("access", "alpha"), "alpha was never deployed", "runner reconcile alpha"),
        (("logs", "alpha"), "alpha has no output: nothing is there", "runner reconcile alpha"),
        (("unlock", "alpha", "--reason", "x"), "alpha is not locked", "see: runner lock"),
        (("templates", "ap"), "there is no template ap", "did you mean app?"),
        (("new", "ap", "x"), "there is no template ap", "did you mean app?"),
        (("new", "app", "alpha"), "deployments/alpha.yaml exists already", "choose another name, or edit it"),
        (("new", "app", "../x"), "'../x' is not a name for a deployment", "small letters"),
        (
            ("new", "needy", "x", "--set", "image=y"),
            "where from, env:NAME or file:PATH is needed",
            "--set hub=env:NAME",
        ),
        (("schema", "plan"), "'plan' is not one of", "see: runner schema --help"),
        (("--root", "/none", "plan"), "/none is not a folder", "give --root the folder of a repository"),
    ],
)
def test_wrong_usage_is_3_and_says_what_to_do(shell: Shell, words: tuple[str, ...], message: str, hint: str) -> None:
    shell.small.deployment("alpha", "template: app\nstate: stopped\n")
    shell.small.write("inventory/x.yaml", "a: 1\n")
    answer = shell(*words)
    assert (answer.code, answer.out) == (3, "")
    assert message in answer.err
    assert hint in answer.err
    as_json = shell("--json", *words)
    assert (as_json.code, as_json.err) == (3, "")
    assert message in as_json.json["error"]["message"]
    assert hint in as_json.json["error"]["hint"]


def test_command_without_words_shows_its_help(shell: Shell) -> None:
    answer = shell()
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith("Usage: runner [OPTIONS] COMMAND [ARGS]...")


# --- JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", ["validate", "plan", "drift", "status", "orphans", "lock", "events", "doctor", "version"]
)
def test_json_may_stand_before_or_after_the_command(shell: Shell, command: str) -> None:
    shell.small.deployment("web")
    before, after = shell("--json", command), shell(command, "--json")
    assert (before.code, before.json) == (after.code, after.json)
    assert after.json
    assert after.err == ""


def test_plan_is_the_document_of_the_contract(shell: Shell) -> None:
    shell.small.deployment("web")
    document = shell("plan", "--json").json
    assert document.keys() >= {"format", "commit", "actions", "summary"}
    assert document["format"] == 1
    [action] = document["actions"]
    assert action.pop("resolved")["place"] == "this machine"
    assert action == {
        "deployment": "web",
        "provider": "local",
        "action": "create",
        "reason": "new",
        "hint": "",
        "code": "",
        "changes": [],
        "exposure": None,
        "effect": {"restarts": False, "deletes": [], "leaves": [], "bytes": None},
        "guards": [],
        "price": {
            "hourly_before": 0.0,
            "hourly_after": 0.0,
            "currency": "USD",
            "source": "own hardware",
            "as_of": "",
        },
    }
    assert document["summary"].items() >= {"create": 1, "destroy": 0, "hourly_delta": 0, "monthly_delta": 0}.items()


def test_every_fault_is_an_object_with_code_place_words_and_hint(shell: Shell) -> None:
    shell.small.deployment("web", "template: app\nporvider: local\nstate: on\n")
    answer = shell("validate", "--json")
    assert (answer.code, answer.err) == (3, "")
    first, second = answer.json["errors"]
    assert (
        answer.json["error"]
        == first
        == {
            "code": "unknown-field",
            "where": "deployments/web.yaml:2",
            "field": "porvider",
            "message": "porvider is not a known field",
            "hint": "did you mean provider?",
        }
    )
    assert (second["code"], second["where"]) == ("invalid-value", "deployments/web.yaml:3")


def test_notes_and_warnings_never_mix_with_json(shell: Shell) -> None:
    shell.apply("a")
    shell.there("orphan")
    answer = shell("plan", "--json", "--out", "plan.json")
    assert [action["action"] for action in answer.json["actions"]] == ["none"]
    assert "Saved." in answer.err
    assert "1 orphan: " in answer.err
    assert "Saved." not in shell("plan", "--json", "--out", "plan.json", "-q").err
