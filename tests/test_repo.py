"""Where things are, and which repository this is."""

from __future__ import annotations

import subprocess
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


def origin(root: Path, url: str) -> str:
    (root / ".git").mkdir(exist_ok=True)
    other = '[remote "upstream"]\n\turl = https://elsewhere.example/x\n'
    (root / ".git" / "config").write_text(
        f'[core]\n\tbare = false\n{other}[remote "origin"]\n\turl = {url}\n\tfetch = +x\n'
    )
    return Repo(root).fallback_id


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


@pytest.mark.parametrize(
    "url",
    [
        "git@git.example:team/repo.git",
        "ssh://git@git.example/team/repo",
        "https://git.example/team/repo.git/",
        "https://x-access-token:canary@git.example/team/repo",
    ],
)
def test_every_clone_of_one_remote_has_one_id(root: Path, url: str) -> None:
    assert origin(root, url) == origin(root, "https://git.example/team/repo")


def test_other_remotes_and_folders_have_other_ids(root: Path) -> None:
    ids = {Repo(root).fallback_id, Repo(root / "x").fallback_id}
    ids |= {origin(root, url) for url in ("https://git.example/team/one", "https://git.example/team/two")}
    ids |= {origin(root, f"/srv/our repositories/{name}.git") for name in ("one", "two")}
    assert len(ids) == 6


@pytest.mark.parametrize("remote", ["https://git.example/team/repo", ""])
def test_worktree_is_the_repository_it_belongs_to(root: Path, tmp_path: Path, remote: str) -> None:
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example", "-c", "commit.gpgsign=false"]
    words = [["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "First"], ["worktree", "add", "-q", "tree/side"]]
    words += [["remote", "add", "origin", remote]] if remote else []
    for each in words:
        subprocess.run([*git, *each], cwd=root, check=True, capture_output=True)
    assert Repo(root / "tree" / "side").fallback_id == Repo(root).fallback_id
    assert Repo(root / "tree").fallback_id != Repo(root).fallback_id


def test_clone_that_is_a_submodule_is_a_repository_of_its_own(tmp_path: Path) -> None:
    ids = set()
    for name in ("one", "two"):
        (tmp_path / ".git" / "modules" / name).mkdir(parents=True)
        (tmp_path / name).mkdir()
        (tmp_path / name / ".git").write_text(f"gitdir: ../.git/modules/{name}\n")
        ids.add(Repo(tmp_path / name).fallback_id)
    assert len(ids) == 2


def test_messages_show_paths_from_the_root(root: Path) -> None:
    assert Repo(root).relative(root / "deployments" / "x.yaml") == "deployments/x.yaml"
    assert Repo(root).relative(Path("/etc/passwd")) == "/etc/passwd"
