"""The read-only half of every command: what is chosen, what is allowed, and whether a saved plan still fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner import providers, records
from runner.domain import Action, Kind, Plan
from runner.errors import Blocked, InvalidFiles, UsageError
from runner.load import Loaded
from runner.observe import Observed
from runner.repo import Repo
from runner.workflow import Planned, Selection, make_plan, plan_loaded, require_allowed, require_same
from tests import factories as make
from tests.small import Small

PORTS = {"a": 1000, "b": 2000, "c": 3000}


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """Three deployments that were applied, and are stopped."""
    made = Small(tmp_path / "repo")
    for name, port in PORTS.items():
        made.deployment(name, f"template: app\nstate: stopped\nports: {{web: {port}, api: {port + 1}}}\n")
    for want in made.load().desired.values():
        records.write(made.repo, make.record(want, state="stopped", machine={}))
    return made


def kinds(planned: Planned) -> dict[str, str]:
    return {action.deployment: str(action.kind) for action in planned.plan.actions}


def delete(small: Small, *names: str) -> None:
    for name in names:
        (small.root / "deployments" / f"{name}.yaml").unlink()


# --- What is asked ---------------------------------------------------------------------------------------------------


def test_orphans_are_seen_where_nothing_is_deployed_any_more(tmp_path: Path) -> None:
    made = Small(tmp_path / "empty")
    mark = {"repo": "test", "deployment": "forgotten", "digest": "", "state": "stopped"}
    made.write("services/services/forgotten/mark.json", json.dumps(mark))
    assert [found.deployment for found in make_plan(made.repo).observed.orphans] == ["forgotten"]


def test_every_provider_of_the_settings_is_asked_once(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def listing(name: str) -> Callable[[object], list[object]]:
        def answer(_: object) -> list[object]:
            asked.append(name)
            return []

        return answer

    for name in providers.names():
        monkeypatch.setattr(providers.load(name), "list", listing(name))
    small.write("runner.yaml", f"id: test\nproviders:\n  local: {{home: {small.root}/services}}\n  ssh: {{}}\n")
    make_plan(small.repo)
    assert asked == ["local", "ssh"]
    asked.clear()
    make_plan(small.repo, Selection(("a",)))
    assert asked == ["local"]


# --- What is chosen --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (Selection(), ["a", "b", "c"]),
        (Selection(("b",)), ["b"]),
        (Selection(("b", "a")), ["a", "b"]),
        (Selection(exclude=("b",)), ["a", "c"]),
        (Selection(("a", "b"), exclude=("b",)), ["a"]),
        (Selection(("a",), exclude=("a",)), []),
    ],
)
def test_plan_is_of_what_was_chosen(small: Small, selection: Selection, chosen: list[str]) -> None:
    assert sorted(kinds(make_plan(small.repo, selection))) == chosen


def test_deleted_deployment_can_be_chosen_by_its_record(small: Small) -> None:
    delete(small, "b")
    assert kinds(make_plan(small.repo, Selection(("b",)))) == {"b": "destroy"}
    assert kinds(make_plan(small.repo, Selection(exclude=("b",)))) == {"a": "none", "c": "none"}


@pytest.mark.parametrize("selection", [Selection(("notbook",)), Selection(exclude=("notbook",))])
def test_unknown_name_gets_a_suggestion(small: Small, selection: Selection) -> None:
    small.deployment("notebook", "template: app\nstate: absent\n")
    with pytest.raises(UsageError) as caught:
        make_plan(small.repo, selection)
    assert (caught.value.code, str(caught.value)) == ("unknown-deployment", "there is no deployment notbook")
    assert caught.value.hint == "did you mean notebook?"


def test_fault_of_another_file_does_not_stop_a_plan_by_name(small: Small) -> None:
    small.deployment("b", "template: [\n")
    assert kinds(make_plan(small.repo, Selection(("a",)))) == {"a": "none"}
    for selection in (Selection(), Selection(("b",)), Selection(exclude=("b",))):
        with pytest.raises(InvalidFiles) as caught:
            make_plan(small.repo, selection)
        assert [problem.file for problem in caught.value.problems] == ["deployments/b.yaml"]


def test_faulty_template_stops_only_those_who_use_it(small: Small) -> None:
    small.write("templates/broken.yaml", "name: x\n")
    small.deployment("b", "template: broken\n")
    assert kinds(make_plan(small.repo, Selection(("a",)))) == {"a": "none"}
    with pytest.raises(InvalidFiles) as caught:
        make_plan(small.repo, Selection(("b",)))
    assert {problem.file for problem in caught.value.problems} == {"templates/broken.yaml"}


def test_faulty_settings_stop_even_those_who_tolerate_faults(small: Small) -> None:
    """Under default settings everything is looked for in the wrong place: it would all look gone."""
    small.write("runner.yaml", "id: test\nproviders: {local: {hmoe: /srv}}\n")
    with pytest.raises(InvalidFiles) as caught:
        plan_loaded(small.load())
    assert [problem.file for problem in caught.value.problems] == ["runner.yaml"]


def test_only_a_plan_of_everything_can_tell_orphans(small: Small) -> None:
    for name in ("a", "orphan"):
        mark = {"repo": "test", "deployment": name, "digest": "x", "state": "stopped"}
        small.write(f"services/services/{name}/mark.json", json.dumps(mark))
    assert [found.deployment for found in make_plan(small.repo).observed.orphans] == ["orphan"]
    for selection, chosen in ((Selection(("a",)), {"a"}), (Selection(exclude=("b",)), {"a", "c"})):
        seen = make_plan(small.repo, selection).observed
        assert (seen.orphans, set(seen.by_name)) == ([], chosen)


def test_damaged_record_blocks_its_own_deployment_and_no_other(small: Small) -> None:
    for name in ("b", "forgotten"):
        small.write(f"inventory/host_vars/{name}/access.yaml", "{")
    planned = {action.deployment: action for action in make_plan(small.repo).plan.actions}
    assert {name: action.code for name, action in planned.items() if action.kind is Kind.BLOCKED} == {
        "b": "damaged-record",
        "forgotten": "damaged-record",
    }
    assert planned["b"].reason.startswith("inventory/host_vars/b/access.yaml: the record cannot be read")
    assert planned["b"].hint.startswith("restore it from git")
    assert set(planned) == {"a", "b", "c", "forgotten"}


def test_planning_touches_nothing_but_the_cache(small: Small) -> None:
    before = {path: path.read_bytes() for path in small.root.rglob("*") if path.is_file()}
    make_plan(small.repo)
    after = {path: path.read_bytes() for path in small.root.rglob("*") if path.is_file()}
    assert {path.relative_to(small.root).parts[0] for path in after.keys() - before.keys()} <= {".runner"}
    assert before.items() <= after.items()


# --- What is allowed -------------------------------------------------------------------------------------------------


def planned(destroys: int, replaces: int, *, total: int, orphans: int = 0) -> Planned:
    names = [f"d{number}" for number in range(total)]
    actions = [Action(name, "local", Kind.DESTROY, "") for name in names[:destroys]]
    actions += [Action(f"orphan-{number}", "local", Kind.DESTROY, "") for number in range(orphans)]
    actions += [Action(name, "local", Kind.REPLACE, "") for name in names[destroys : destroys + replaces]]
    loaded = Loaded(Repo(Path()), names=frozenset(names))
    return Planned(loaded, {}, Observed(), Plan(tuple(actions)))


ANY = 0


@pytest.mark.parametrize(
    ("destroys", "replaces", "total", "allowed", "code"),
    [
        (0, 0, 5, None, ""),
        (1, 0, 5, None, "destroy-not-allowed"),
        (0, 1, 5, None, "destroy-not-allowed"),
        (1, 0, 5, ANY, ""),
        (0, 5, 5, ANY, ""),
        (1, 1, 5, 2, ""),
        (1, 1, 5, 1, "destroy-count"),
        (1, 1, 5, 3, "destroy-count"),
        (0, 0, 5, 1, "destroy-count"),
        # more than half, or all
        (2, 0, 4, ANY, ""),
        (3, 0, 5, ANY, "mass-destroy"),
        (3, 0, 5, 3, ""),
        (3, 1, 5, ANY, "mass-destroy"),
        (3, 1, 5, 4, ""),
        (3, 1, 5, 3, "destroy-count"),
        (2, 0, 2, ANY, "mass-destroy"),
        (2, 0, 2, None, "destroy-not-allowed"),
        (1, 0, 1, ANY, ""),
    ],
)
def test_destroys_that_are_allowed(destroys: int, replaces: int, total: int, allowed: int | None, code: str) -> None:
    plan = planned(destroys, replaces, total=total)
    if not code:
        require_allowed(plan, allowed)
        return
    with pytest.raises(Blocked) as caught:
        require_allowed(plan, allowed)
    assert caught.value.code == code
    assert "--allow-destroy" in caught.value.hint


def test_refusal_names_what_would_be_lost_and_the_number_to_spell_out() -> None:
    with pytest.raises(Blocked) as caught:
        require_allowed(planned(1, 1, total=3), None)
    assert str(caught.value) == "the plan destroys 1 and replaces 1: d0, d1"
    with pytest.raises(Blocked) as caught:
        require_allowed(planned(3, 1, total=4), ANY)
    assert str(caught.value) == "the plan destroys 3 of 4 deployments"
    assert caught.value.hint == "if that is meant: --allow-destroy 4"


def test_orphans_are_no_deployments() -> None:
    require_allowed(planned(0, 0, total=1, orphans=5), ANY)
    require_allowed(planned(1, 0, total=3, orphans=5), ANY)
    with pytest.raises(Blocked):
        require_allowed(planned(2, 0, total=3, orphans=5), ANY)


# --- A saved plan ----------------------------------------------------------------------------------------------------


def commit(small: Small, name: str) -> None:
    small.write(".git/HEAD", "ref: refs/heads/main\n")
    small.write(".git/refs/heads/main", name + "\n")


MOVES: dict[str, Any] = {
    "the commit": lambda small: commit(small, "b" * 40),
    "the files": lambda small: small.deployment("a", "template: app\nstate: stopped\nowner: me\n"),
    "what is observed": lambda small: small.write(
        "services/services/a/mark.json", '{"repo": "test", "deployment": "a", "digest": "x", "state": "stopped"}'
    ),
    "the actions": lambda small: records.remove(small.repo, "c"),  # then nothing is left to destroy
}


def test_saved_plan_fits_while_nothing_moves(small: Small) -> None:
    commit(small, "a" * 40)
    saved = make_plan(small.repo).plan
    assert saved.commit == "a" * 40
    require_same(saved, make_plan(small.repo))


@pytest.mark.parametrize("what", MOVES)
def test_saved_plan_is_refused_when_anything_moved(small: Small, what: str) -> None:
    commit(small, "a" * 40)
    small.deployment("c", "template: app\nstate: absent\n")
    saved = make_plan(small.repo).plan
    MOVES[what](small)
    with pytest.raises(Blocked) as caught:
        require_same(saved, make_plan(small.repo))
    assert caught.value.code == "stale-plan"
    assert str(caught.value) == f"the saved plan no longer fits: {what} changed since"
    assert caught.value.hint == "make a new one: runner plan --out FILE"


def test_plan_of_other_names_is_refused(small: Small) -> None:
    saved = make_plan(small.repo, Selection(("a",))).plan
    with pytest.raises(Blocked):
        require_same(saved, make_plan(small.repo))


def test_plan_says_what_it_was_made_from(small: Small) -> None:
    made = make_plan(small.repo).plan
    assert made.inputs
    assert made.observed
    assert made.commit == ""  # no git here
