"""Whose is it: an id is made once, never guessed, and never made where it would be lost or contradict a record."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner import identity, records, repo, yamlfile
from runner.domain import Kind, Record
from runner.errors import Blocked
from runner.models import Settings
from runner.workflow import make_plan
from tests import factories as make
from tests.small import Small

NO_ID = "# Ours.\nproviders:\n  local: {home: HOME, docker_socket: none}  # here\n"


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(tmp_path / "repo")
    made.write("runner.yaml", NO_ID.replace("HOME", str(tmp_path / "services")))
    made.deployment("web")
    return made


def test_ids_are_words_that_no_reader_takes_for_something_else() -> None:
    made = {identity.new_id() for _ in range(500)}
    assert len(made) == 500
    assert all(Settings.model_validate(yamlfile.parse(f"id: {each}\n")).id == each for each in made)


def test_id_is_made_once_and_the_rest_of_the_file_stays(small: Small) -> None:
    before = (small.root / "runner.yaml").read_text()
    loaded, made = identity.identified(small.load())
    assert made
    after = (small.root / "runner.yaml").read_text()
    assert after.startswith(before)
    assert re.fullmatch(r"# Made once.*\nid: ([a-z0-9]{10})\n", after[len(before) :])
    assert identity.identified(small.load())[0].repo_id == loaded.repo_id == small.load().repo_id
    assert not identity.identified(small.load())[1]


@pytest.mark.parametrize("text", [None, "id:\n", "id: ~ # later\n", "defaults: {provider: local}", "a: 1\r\n"])
def test_id_gets_into_whatever_there_is(small: Small, text: str | None) -> None:
    path = small.root / "runner.yaml"
    path.unlink()
    if text is not None:
        path.write_bytes(text.encode())
    loaded = identity.identified(small.load())[0]
    assert yamlfile.parse(yamlfile.read(path))["id"] == loaded.repo_id
    assert (path.read_bytes().count(b"\r\n") == path.read_bytes().count(b"\n")) is (text == "a: 1\r\n")


def test_processes_that_come_at_once_get_one_id(small: Small) -> None:
    words = "from runner import identity, load, repo; print(identity.identified(load.load(repo.find()))[0].repo_id)"
    command = [sys.executable, "-c", words]
    started = [subprocess.Popen(command, cwd=small.root, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert len({each.communicate()[0] for each in started}) == 1
    assert (small.root / "runner.yaml").read_text().count("id: ") == 1


def test_no_id_is_made_where_it_would_be_lost(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    before = (small.root / "runner.yaml").read_text()
    with pytest.raises(Blocked) as caught:
        identity.identified(small.load())
    assert (caught.value.code, (small.root / "runner.yaml").read_text()) == ("no-id", before)
    assert re.search(r"write id: [a-z0-9]{10} into runner.yaml, and commit it", caught.value.hint)


def test_no_second_id_is_made_where_records_have_one(small: Small) -> None:
    records.write(small.repo, make.record(make.desired("old"), repo="theirs"))
    with pytest.raises(Blocked) as caught:
        identity.identified(small.load())
    assert (caught.value.code, "theirs" in str(caught.value), "id: theirs" in caught.value.hint) == (
        "no-id",
        True,
        True,
    )


def test_without_an_id_a_plan_says_so_and_writes_nothing(small: Small) -> None:
    before = sorted(small.root.rglob("*"))
    planned = make_plan(small.repo)
    assert [(a.deployment, a.kind, a.reason) for a in planned.plan.actions] == [("web", Kind.CREATE, "new")]
    assert any("no id yet" in warning for warning in planned.observed.warnings)
    assert [path for path in sorted(small.root.rglob("*")) if path not in before and ".runner" not in path.parts] == []
    assert not (repo.data_home() / repo.NO_ID).exists()


@pytest.mark.parametrize(
    ("settings", "recorded", "told"),
    [
        ("id: b\n", "a", ("belongs to the repository a", "runner.yaml says b", "id: a")),
        ("{}\n", "a", ("belongs to the repository a", "runner.yaml has no id", "id: a")),
        ("id: b\n", "", ("names no repository", "runner.yaml says b", "runner adopt web")),
    ],
)
@pytest.mark.parametrize("file", ["there", "deleted"])
def test_mismatch_blocks_and_names_both(
    small: Small, settings: str, recorded: str, told: tuple[str, ...], file: str
) -> None:
    records.write(small.repo, make.record(small.load().desired["web"], repo=recorded))
    small.deployment("other", "template: app\nports: {web: 1, api: 2}\n")
    small.write("runner.yaml", settings)
    if file == "deleted":
        (small.root / "deployments" / "web.yaml").unlink()
    actions = {action.deployment: action for action in make_plan(small.repo).plan.actions}
    found = actions["web"]
    assert (found.kind, found.code) == (Kind.BLOCKED, "other-repository")
    assert all(word in f"{found.reason} → {found.hint}" for word in told)
    assert actions["other"].kind is Kind.CREATE


def test_what_is_recorded_under_our_id_is_ours() -> None:
    record: Record = make.record(repo="a")
    assert identity.foreign(record, "a") is None
    assert identity.foreign(None, "a") is None
