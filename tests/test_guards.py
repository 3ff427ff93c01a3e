"""What protects a deployment is never lowered in silence, and counts from the moment it was committed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner import git, guards, plan, records
from runner.committed import committed
from runner.domain import Committed, Guard, Hold, Kind
from runner.render.plan import plan_text
from runner.render.plan_data import plan_from_json, plan_json
from runner.render.plan_markdown import plan_markdown
from runner.render.style import Style
from runner.workflow import make_plan
from tests import factories as make
from tests.small import Small

TODAY = make.TODAY
WANT = make.desired()
SAFE = make.record(protect=True)
HELD = Committed(hold_until="2026-12-24")


def with_ttl(ttl: str | None, **overrides: Any) -> Any:
    return make.desired(spec=make.spec(lifecycle={"ttl": ttl} if ttl else {}), **overrides)


def ttl_record(ttl: str) -> Any:
    return make.record(with_ttl(ttl))


PROTECT = Guard("protect", "true", "false")
CASES: list[Any] = [
    ("nothing was there", WANT, None, None, []),
    ("applied, lifted", WANT, SAFE, None, [PROTECT]),
    ("committed, never applied, lifted", WANT, make.record(), Committed(protect=True), [PROTECT]),
    ("lifted by what is to go", replace(WANT, state="absent"), SAFE, None, [PROTECT]),
    ("kept", replace(WANT, protect=True), SAFE, Committed(protect=True), []),
    ("raised", replace(WANT, protect=True), make.record(), None, []),
    ("hold removed", WANT, None, HELD, [Guard("hold", "until 2026-12-24", "none")]),
    ("hold of a deleted file", None, make.record(), HELD, [Guard("hold", "until 2026-12-24", "none")]),
    (
        "hold shortened",
        replace(WANT, hold=Hold("2026-08-01", "x")),
        None,
        HELD,
        [Guard("hold", "until 2026-12-24", "until 2026-08-01")],
    ),
    ("hold made longer", replace(WANT, hold=Hold("2027-01-01", "x")), None, HELD, []),
    ("hold was over", WANT, None, Committed(hold_until="2026-06-15"), []),
    ("ttl longer", with_ttl("90m"), ttl_record("1h"), None, [Guard("lifecycle.ttl", "1h", "90m")]),
    ("ttl removed", with_ttl(None), ttl_record("1h"), None, [Guard("lifecycle.ttl", "1h", "none")]),
    ("ttl shorter", with_ttl("59m"), ttl_record("1h"), None, []),
    ("ttl committed", with_ttl("2h"), None, Committed(ttl="1h"), [Guard("lifecycle.ttl", "1h", "2h")]),
    ("several", with_ttl(None), replace(ttl_record("1h"), protect=True), None, [PROTECT, "lifecycle.ttl"]),
]


@pytest.mark.parametrize(("want", "record", "agreed", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_is_lowered(want: Any, record: Any, agreed: Any, expected: list[Any]) -> None:
    found = guards.lowered(want, record, agreed, TODAY)
    assert [g.field if isinstance(e, str) else g for g, e in zip(found, expected, strict=True)] == expected


OTHERWISE: list[Any] = [
    ("alone", make.desired(), make.seen()),
    ("with another change", make.desired(spec=make.spec(params={"model": "large"})), make.seen()),
    ("with a replacement", make.desired(spec=make.spec(machine={"engine": "docker"})), make.seen()),
    ("with a stop", make.desired(state="stopped"), make.seen()),
    ("with its end", make.desired(state="absent"), make.seen()),
    ("unhealthy", make.desired(), make.seen(health="unhealthy")),
    ("on hold", make.desired(hold=Hold("2026-12-24", "x")), make.seen()),
    ("cannot be seen", make.desired(), replace(make.nothing(), error="down")),
]


@pytest.mark.parametrize(("want", "have"), [c[1:] for c in OTHERWISE], ids=[c[0] for c in OTHERWISE])
def test_lifted_protection_is_a_line_of_every_plan(want: Any, have: Any) -> None:
    made = plan.plan({"web": want}, {"web": SAFE}, {"web": have}, today=TODAY)
    style = Style()
    assert "lowers a guard: protect true → false" in plan_text(made, style=style)
    assert "| 🛡️ lowers | <code>web</code> | <code>protect</code> | true | false |" in plan_markdown(made, style=style)
    document = plan_json(made)
    assert document["actions"][0]["guards"] == [{"field": "protect", "before": "true", "after": "false"}]
    assert plan_from_json(document).actions[0].guards == (PROTECT,)


def test_lowered_guard_of_what_is_up_to_date_is_shown() -> None:
    made = plan.plan({"web": WANT}, {"web": make.record()}, {"web": make.seen()}, today=TODAY, committed={"web": HELD})
    assert made.actions[0].kind is Kind.NONE
    assert "lowers a guard: hold until 2026-12-24 → none" in plan_text(made, style=Style())
    assert "<code>hold</code>" in plan_markdown(made, style=Style())


def test_committed_protection_outlives_the_file() -> None:
    for record, agreed in ((SAFE, None), (make.record(), Committed(protect=True))):
        found = plan.decide(None, record, make.seen(), TODAY, agreed)
        assert (found.kind, found.code) == (Kind.BLOCKED, "protected")
    assert plan.decide(None, make.record(), make.seen(), TODAY, Committed()).kind is Kind.DESTROY


# --- from git ---------------------------------------------------------------------------------------------------------

Git = Callable[..., str]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "inside" / "repo")


@pytest.fixture
def run(small: Small) -> Git:
    """git, in a repository that has ours in a folder."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example", "-c", "commit.gpgsign=false"]

    def run(*words: str) -> str:
        done = subprocess.run(["git", *who, *words], cwd=small.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    subprocess.run(["git", "init", "-q", "-b", "main", str(small.root)], check=True)
    return run


def commit(run: Git, message: str = "Change") -> None:
    run("add", "-A")
    run("commit", "-q", "--allow-empty", "-m", message)


GUARDED = "template: app\nprotect: true\nhold: {until: 2026-12-24, reason: demo}\nlifecycle: {ttl: 8h}\n"
AGREED = Committed(protect=True, hold_until="2026-12-24", ttl="8h")


def agreed(small: Small, *deleted: str) -> dict[str, Committed]:
    return committed(small.repo, git.head(small.root), deleted)


def test_changed_and_deleted_files_are_compared_with_the_commit(small: Small, run: Git) -> None:
    for name in ("changed", "deleted", "same"):
        small.deployment(name, GUARDED)
    commit(run)
    assert agreed(small) == {}
    small.deployment("changed")
    small.deployment("new")
    (small.root / "deployments" / "deleted.yaml").unlink()
    assert agreed(small, "deleted") == {"changed": AGREED, "deleted": AGREED}


def test_deletion_that_was_committed_long_ago_still_counts(small: Small, run: Git) -> None:
    small.deployment("web", GUARDED)
    commit(run)
    (small.root / "deployments" / "web.yaml").unlink()
    commit(run)
    commit(run)
    assert agreed(small, "web", "never-there") == {"web": AGREED}
    small.deployment("web", GUARDED.replace("protect: true", "protect: false"))
    commit(run)
    (small.root / "deployments" / "web.yaml").unlink()
    commit(run)
    assert agreed(small, "web")["web"].protect is False


def test_branch_is_compared_with_where_it_began(small: Small, run: Git, monkeypatch: pytest.MonkeyPatch) -> None:
    small.deployment("web", GUARDED)
    commit(run)
    run("update-ref", "refs/remotes/origin/main", "HEAD")
    run("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    small.deployment("web")
    commit(run)
    assert agreed(small) == {"web": AGREED}
    run("update-ref", "refs/remotes/origin/release", "HEAD")
    monkeypatch.setenv("GITHUB_BASE_REF", "release")
    assert agreed(small) == {}
    monkeypatch.setenv("GITHUB_BASE_REF", "../../x --output=/tmp/x")
    assert agreed(small) == {}


@pytest.mark.parametrize("text", ["protect: [", "", "protect: yes\nhold: 5\nlifecycle: []\n", "\x00"])
def test_file_that_could_not_be_loaded_has_guarded_nothing(small: Small, run: Git, text: str) -> None:
    small.deployment("web", text)
    commit(run)
    small.deployment("web")
    assert agreed(small) == {"web": Committed()}


def test_outside_of_git_nothing_was_agreed_on(small: Small) -> None:
    small.deployment("web")
    assert agreed(small, "web") == {}


def test_protection_that_was_committed_and_deleted_in_one_breath_blocks(small: Small, run: Git) -> None:
    small.deployment("web", "template: app\nprotect: true\n")
    commit(run)
    records.write(small.repo, make.record(small.load().desired["web"], protect=False))
    (small.root / "deployments" / "web.yaml").unlink()
    for _ in range(2):
        [action] = make_plan(small.repo).plan.actions
        assert (action.kind, action.code) == (Kind.BLOCKED, "protected")
        commit(run)
