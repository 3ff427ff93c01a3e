"""The cache changes how long a load takes, and nothing else. Entries are forged to see whether it was used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.load import Loaded, load
from runner.parse_cache import sealed
from tests.small import APP, Small

WEB = """\
template: app
owner: team
hold: {until: 2026-12-24, reason: demo week}
params: {text: "{{ 7*7 }} é", rate: 1.5, extras: [a, 1]}
secrets: {key: env:KEY}
budget: {max_hourly: 2}
"""


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(tmp_path / "repo")
    made.deployment("web", WEB)
    return made


def cache_file(small: Small) -> Path:
    return small.repo.local / "cache" / "load.json"


def entries(small: Small) -> set[str]:
    return set(json.loads(remembered(small))["entries"])


def remembered(small: Small) -> str:
    """The file without its sum."""
    return cache_file(small).read_text().partition("\n")[2]


def forge(small: Small) -> None:
    """Make every cached deployment belong to somebody who is in no file."""
    data = json.loads(remembered(small))
    for _, desired in data["entries"].values():
        desired["owner"] = "forged"
    cache_file(small).write_text(sealed(json.dumps(data)))


def owner(small: Small, name: str = "web") -> str:
    return small.load(use_cache=True).desired[name].owner


@pytest.fixture
def forged(small: Small) -> Small:
    """A repository whose cache is warm and tells tales."""
    small.load(use_cache=True)
    forge(small)
    assert owner(small) == "forged"
    return small


def everything(loaded: Loaded) -> list[Any]:
    return [loaded.desired, loaded.problems, loaded.names, loaded.settings, loaded.repo_id]


def test_cached_load_is_equal_to_a_load_without_cache(small: Small) -> None:
    plain = small.load()
    assert plain.desired["web"].notices
    assert everything(small.load(use_cache=True)) == everything(plain)
    assert entries(small) == {"web"}
    assert everything(small.load(use_cache=True)) == everything(plain)


def test_new_file_joins_those_that_are_remembered(forged: Small) -> None:
    forged.deployment("new", "template: app\nports: {web: 1, api: 2}\n")
    assert (owner(forged, "new"), owner(forged)) == ("", "forged")
    assert entries(forged) == {"new", "web"}


def test_deleted_file_is_forgotten(forged: Small) -> None:
    (forged.root / "deployments" / "web.yaml").unlink()
    assert forged.load(use_cache=True).desired == {}
    assert entries(forged) == set()


def test_changed_file_is_read_again(forged: Small) -> None:
    forged.deployment("web", WEB.replace("owner: team", "owner: another"))
    assert owner(forged) == "another"


def test_changed_file_is_read_again_when_size_and_time_are_the_same(forged: Small) -> None:
    path = forged.root / "deployments" / "web.yaml"
    before = path.stat()
    path.write_text(WEB.replace("owner: team", "owner: meat"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert owner(forged) == "meat"


CHANGES: dict[str, Any] = {
    "template": lambda small: small.write("templates/app.yaml", APP.replace("example/app:1", "example/app:2")),
    "template that nobody uses": lambda small: small.write("templates/off.yaml", APP),
    "new template": lambda small: small.write("templates/new.yaml", APP),
    "template gone": lambda small: (small.root / "templates" / "off.yaml").unlink(),
    "settings": lambda small: small.write("runner.yaml", "id: test\ndefaults: {labels: {a: b}}\n"),
    "settings gone": lambda small: (small.root / "runner.yaml").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_of_a_shared_file_forgets_everything(forged: Small, change: str) -> None:
    CHANGES[change](forged)
    assert owner(forged) == "team"
    assert everything(forged.load(use_cache=True)) == everything(forged.load())


DAMAGES: dict[str, Any] = {
    "empty": lambda text: "",
    "cut": lambda text: text[:-20],
    "not JSON": lambda text: "entries: {}",
    "a list": lambda text: "[]",
    "a number": lambda text: "7",
    "no settings": lambda text: text.replace('"settings"', '"sittengs"'),
    "settings of another kind": lambda text: json.dumps({**json.loads(text), "settings": 5}),
    "entries of another kind": lambda text: json.dumps({**json.loads(text), "entries": 5}),
    "entry of another kind": lambda text: json.dumps({**json.loads(text), "entries": {"web": 5}}),
    "entry cut": lambda text: text.replace('"digest"', '"dig"'),
    "entry without stamp": lambda text: json.dumps({**json.loads(text), "entries": {"web": [None, {}]}}),
}


@pytest.mark.parametrize("seal", [sealed, str])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_cache_is_ignored_and_written_again(forged: Small, damage: str, seal: Callable[[str], str]) -> None:
    path = cache_file(forged)
    damaged = DAMAGES[damage](remembered(forged))
    assert damaged != remembered(forged)
    path.write_text(seal(damaged))
    assert owner(forged) == "team"
    forge(forged)
    assert owner(forged) == "forged"


def test_cache_with_one_other_byte_is_ignored(forged: Small) -> None:
    """Whatever is read from it is not checked again."""
    path = cache_file(forged)
    path.write_text(path.read_text().replace('"forged"', '"forget"'))
    assert owner(forged) == "team"


def test_cache_that_cannot_be_written_is_no_fault(small: Small) -> None:
    (small.root / ".runner").write_text("a file where a folder should be")
    assert owner(small) == "team"


def test_ci_neither_reads_nor_writes_it(forged: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(forged.repo).desired["web"].owner == "forged"
    monkeypatch.setenv("CI", "true")
    assert load(forged.repo).desired["web"].owner == "team"
    cache_file(forged).unlink()
    load(forged.repo)
    assert not cache_file(forged).exists()


# --- Faults ----------------------------------------------------------------------------------------------------------


def test_faulty_files_are_never_remembered(small: Small) -> None:
    small.deployment("syntax", "template: [\n")
    small.deployment("field", "template: app\nporvider: local\n")
    small.deployment("template", "template: gone\n")
    first = small.load(use_cache=True).problems
    assert len(first) == 3
    assert entries(small) == {"web"}
    assert small.load(use_cache=True).problems == first


def test_file_that_becomes_faulty_is_reported(forged: Small) -> None:
    forged.deployment("web", "template: app\nstate: on\n")
    loaded = forged.load(use_cache=True)
    assert ([problem.code for problem in loaded.problems], loaded.desired) == (["invalid-value"], {})


@pytest.mark.parametrize(("path", "text"), [("templates/off.yaml", "name: x\n"), ("runner.yaml", "id: UPPER\n")])
def test_nothing_is_remembered_while_a_shared_file_is_faulty(small: Small, path: str, text: str) -> None:
    small.write(path, text)
    first = small.load(use_cache=True).problems
    assert first
    assert not cache_file(small).exists()
    assert small.load(use_cache=True).problems == first


def test_faults_between_files_are_found_among_remembered_ones(small: Small) -> None:
    small.deployment("rival", "template: app\n")
    first = small.load(use_cache=True).problems
    assert {problem.code for problem in first} == {"port-conflict"}
    assert entries(small) == {"rival", "web"}
    assert small.load(use_cache=True).problems == first
