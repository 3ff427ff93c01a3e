"""What may be destroyed, and which saved plan may be applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import records
from tests import factories as make
from tests.cli.shell import Shell

ROOT = Path(__file__).parent.parent.parent
APPLIED = ("a", "b", "c", "d")


# --- Destroys --------------------------------------------------------------------------------------------------------


def test_destroy_needs_the_flag(shell: Shell) -> None:
    shell.apply(*APPLIED)
    shell.delete("a")
    answer = shell("reconcile", "--yes", "--json")
    assert (answer.code, answer.error) == (4, "destroy-not-allowed")
    assert answer.json["error"]["message"] == "the plan destroys 1 and replaces 0: a"
    assert records.read(shell.small.repo, "a") is not None


@pytest.mark.parametrize(
    ("deleted", "words", "error"),
    [
        (("a",), ("--allow-destroy", "2"), "destroy-count"),
        (("a", "b", "c"), ("--allow-destroy",), "mass-destroy"),
        (APPLIED, ("--allow-destroy",), "mass-destroy"),
        (APPLIED, ("--allow-destroy", "3"), "destroy-count"),
    ],
)
def test_mass_destroy_needs_the_number(
    shell: Shell, deleted: tuple[str, ...], words: tuple[str, ...], error: str
) -> None:
    shell.apply(*APPLIED)
    shell.delete(*deleted)
    answer = shell("reconcile", "--yes", "--json", *words)
    assert (answer.code, answer.error) == (4, error)
    assert all(records.read(shell.small.repo, name) for name in APPLIED)


@pytest.mark.parametrize(
    ("deleted", "words"),
    [
        (("a",), ("--allow-destroy",)),
        (("a", "b"), ("--allow-destroy",)),
        (("a", "b", "c"), ("--allow-destroy", "3")),
        (APPLIED, ("--allow-destroy", "4")),
    ],
)
def test_destroy_that_is_allowed_goes_on_to_ask(shell: Shell, deleted: tuple[str, ...], words: tuple[str, ...]) -> None:
    shell.apply(*APPLIED)
    shell.delete(*deleted)
    answer = shell("reconcile", *words)
    assert answer.code == 4
    assert "There is nobody to ask" in answer.err


def test_protected_deployment_blocks_although_its_file_is_gone(shell: Shell) -> None:
    shell.apply("a", "b")
    want = shell.small.load().desired["a"]
    records.write(shell.small.repo, make.record(want, protect=True, machine={}))
    shell.delete("a")
    answer = shell("reconcile", "--yes", "--allow-destroy", "--json")
    assert answer.code == 4
    assert [action["action"] for action in answer.json["plan"]["actions"]] == ["blocked", "none"]


def test_destroy_command_asks_first_and_leaves_the_file_alone(shell: Shell) -> None:
    shell.apply("a")
    before = (shell.small.root / "deployments" / "a.yaml").read_text()
    answer = shell("destroy", "a", "--json")
    assert (answer.code, answer.error) == (4, "not-confirmed")
    assert (shell.small.root / "deployments" / "a.yaml").read_text() == before


# --- Saved plans -----------------------------------------------------------------------------------------------------


def test_saved_plan_is_refused_when_files_moved(shell: Shell) -> None:
    shell.small.deployment("web")
    assert shell("plan", "--out", "plan.json").code == 2
    shell.small.deployment("web", "template: app\nowner: me\n")
    answer = shell("reconcile", "--plan", "plan.json", "--json")
    assert (answer.code, answer.error) == (4, "stale-plan")
    assert answer.json["error"]["message"] == "the saved plan no longer fits: the files changed since"


def test_saved_plan_is_refused_when_the_world_moved(shell: Shell) -> None:
    shell.small.deployment("web")
    shell("plan", "--out", "plan.json")
    shell.there("web")
    answer = shell("reconcile", "--plan", "plan.json", "--json")
    assert (answer.code, answer.error) == (4, "stale-plan")


def test_saved_plan_that_fits_is_applied_without_a_question(shell: Shell) -> None:
    shell.apply("a")
    shell("plan", "--out", "plan.json")
    assert shell("reconcile", "--plan", "plan.json").code == 0


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 2, "actions": []}', '{"format": 1, "actions": [{}]}', "\xff"]
)
def test_damaged_plan_file_is_wrong_usage(shell: Shell, text: str) -> None:
    shell.small.write("plan.json", text.encode("latin-1"))
    answer = shell("reconcile", "--plan", "plan.json", "--json")
    assert (answer.code, answer.error) == (3, "bad-plan-file")
