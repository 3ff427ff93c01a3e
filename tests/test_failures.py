"""The last failure is remembered until it is forgotten; a damaged memory stops nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import failures
from runner.failures import Failure
from runner.repo import Repo

FAILURE = Failure(
    "2026-11-21T01:00:00+00:00", "3511be8", "r1", "update", "Ensure it runs", "no", "", "unhealthy", "a\nb", True
)


def test_failure_is_kept_and_forgotten(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    failures.remember(repo, "web", FAILURE)
    assert failures.of(repo, ["web", "other"]) == {"web": FAILURE}
    assert failures.of(repo, ["other"]) == {}
    failures.forget(repo, "web")
    failures.forget(repo, "web")
    assert failures.of(repo, ["web"]) == {}


def test_name_of_an_orphan_is_no_file(tmp_path: Path) -> None:
    failures.remember(Repo(tmp_path), "../../web", FAILURE)
    failures.forget(Repo(tmp_path), "../../web")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"time": 1}', b'{"run": "r", "time": "now"}']
)
def test_damaged_memory_tells_nothing(tmp_path: Path, text: bytes) -> None:
    repo = Repo(tmp_path)
    failures.remember(repo, "web", FAILURE)
    (repo.local / "failures" / "web.json").write_bytes(text)
    assert failures.of(repo, ["web"]) == {}
