"""The commit is read without starting git, and is the one that git would tell."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner import git

Git = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Git:
    """Git in a repository with one commit, apart from whoever runs the tests."""
    root = tmp_path / "repo"
    root.mkdir()
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example", "-c", "commit.gpgsign=false"]

    def call(*words: str, cwd: Path = root) -> str:
        command = ["git", *identity, *words]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout.strip()

    call("init", "-q", "-b", "main")
    (root / "a.txt").write_text("1")
    call("add", ".")
    call("commit", "-q", "-m", "First")
    return call


def test_head_is_what_git_says(run: Git, tmp_path: Path) -> None:
    root = tmp_path / "repo"
    commit = run("rev-parse", "HEAD")
    assert git.head(root) == commit
    run("pack-refs", "--all")
    assert not (root / ".git" / "refs" / "heads" / "main").exists()
    assert git.head(root) == commit
    run("checkout", "-q", "--detach")
    assert git.head(root) == commit


def test_head_of_a_worktree(run: Git, tmp_path: Path) -> None:
    run("worktree", "add", "-q", "-b", "side", str(tmp_path / "tree"))
    (tmp_path / "tree" / "b.txt").write_text("2")
    run("add", ".", cwd=tmp_path / "tree")
    run("commit", "-q", "-m", "Second", cwd=tmp_path / "tree")
    assert git.head(tmp_path / "tree") == run("rev-parse", "side") != git.head(tmp_path / "repo")


def test_no_commit_no_head(tmp_path: Path) -> None:
    assert git.head(tmp_path) == ""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert git.head(tmp_path) == ""


def test_log_names_the_commits_of_a_file(run: Git, tmp_path: Path) -> None:
    root = tmp_path / "repo"
    (root / "b.txt").write_text("2")
    run("add", ".")
    run("commit", "-q", "-m", "Second: a | b")
    [entry] = git.log(root, [root / "b.txt"], 10)
    assert (entry["author"], entry["subject"], entry["commit"]) == ("Ada", "Second: a | b", run("rev-parse", "HEAD"))
    assert len(git.log(root, [root / "a.txt", root / "b.txt"], 10)) == 2
    assert len(git.log(root, [root / "a.txt", root / "b.txt"], 1)) == 1


SUBJECTS = [
    b"a \x1f b \x1e c",
    "line \u2028 separator \u0085 and more".encode(),
    b"\xff\xfe no UTF-8",
    b"\x1b]0;title\x07 steers",
    b"gpgsig? %x00 %H",
    b"",
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subject_of_any_bytes_is_one_commit(run: Git, tmp_path: Path, subject: bytes) -> None:
    root = tmp_path / "repo"
    (root / "b.txt").write_text("2")
    run("add", ".")
    message = tmp_path / "message"
    message.write_bytes(subject)
    run("-c", "i18n.commitEncoding=UTF-8", "commit", "-q", "--allow-empty-message", "-F", str(message))
    [entry] = git.log(root, [root / "b.txt"], 10)
    assert entry["author"] == "Ada"
    assert entry["commit"] == run("rev-parse", "HEAD")
    assert len(git.log(root, [root / "a.txt", root / "b.txt"], 10)) == 2


@pytest.mark.parametrize(
    "head",
    [
        b"\xff\xfe",
        b"",
        b"ref: ../../../outside",
        b"ref: refs/../../../outside",
        b"ref: refs/heads/\x00",
        b"ref: /etc/hostname",
        b"not a commit",
        b"\x1b]0;title\x07",
        b"ref: refs/heads/" + b"x" * 100_000,
    ],
)
def test_head_that_git_would_not_write_is_no_commit(run: Git, tmp_path: Path, head: bytes) -> None:
    root = tmp_path / "repo"
    (tmp_path / "outside").write_text("a" * 40)
    (root / ".git" / "HEAD").write_bytes(head)
    assert git.head(root) == ""
    run  # noqa: B018 - it has made the repository


@pytest.mark.parametrize("link", [b"", b"gitdir: \x00", b"gitdir: \xff", b"gitdir: nowhere", b"\xff"])
def test_link_to_nowhere_is_no_repository(tmp_path: Path, link: bytes) -> None:
    (tmp_path / ".git").write_bytes(link)
    assert git.head(tmp_path) == ""


def test_no_repository_no_log(tmp_path: Path) -> None:
    assert git.log(tmp_path, [tmp_path / "a"], 10) == []
