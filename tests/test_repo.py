"""Where things are."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import repo as repository
from runner.errors import UsageError
from runner.repo import Repo


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("deployments", "templates"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_repository_is_found_from_any_folder_inside(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = root / "templates" / "deeper"
    inside.mkdir()
    monkeypatch.chdir(inside)
    assert repository.find().root == root


def test_given_root_is_taken_literally(root: Path) -> None:
    assert repository.find(root).root == root
    with pytest.raises(UsageError) as caught:
        repository.find(root / "templates")
    assert caught.value.code == "no-repository"


def test_no_repository_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for start in (None, tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError) as caught:
            repository.find(start)
        assert (caught.value.code, "--root" in caught.value.hint) == ("no-repository", True)


def test_messages_show_paths_from_the_root(root: Path) -> None:
    assert Repo(root).relative(root / "deployments" / "x.yaml") == "deployments/x.yaml"
    assert Repo(root).relative(Path("/etc/passwd")) == "/etc/passwd"
