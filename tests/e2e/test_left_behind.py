"""Volumes that a service has left on a host are found and removed; those of another repository stay."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.conftest import RepoBuilder
from tests.lab import engine

pytestmark = pytest.mark.docker


def volumes(repo_id: str) -> list[str]:
    words = ["docker", "volume", "ls", "--quiet", "--filter", f"label=slipway-repo={repo_id}"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()


def left_by(repo_id: str) -> None:
    owner = f"slipway-{repo_id}-gone"
    marks = {"managed-by": "slipway", "slipway-repo": repo_id, "slipway-deployment": "gone", "slipway-container": owner}
    labels = [word for key, value in marks.items() for word in ("--label", f"{key}={value}")]
    subprocess.run(["docker", "volume", "create", *labels, f"{owner}-work"], check=True, capture_output=True)


def test_volumes_of_ours_are_removed_and_others_stay(repo: RepoBuilder) -> None:
    engine.start()
    repo.settings("id: t-left-ours\n")
    try:
        for repo_id in ("t-left-ours", "t-left-theirs"):
            left_by(repo_id)
        [found] = json.loads(repo.run("--json", "orphans").stdout)["orphans"]
        assert (found["deployment"], found["repository"], found["leftover"]) == ("gone", "t-left-ours", True)
        done = repo.run("orphans", "--destroy", "--yes")
        assert done.returncode == 0, done.stderr
        assert (volumes("t-left-ours"), len(volumes("t-left-theirs"))) == ([], 1)
        assert json.loads(repo.run("--json", "orphans").stdout)["orphans"] == []
    finally:
        for repo_id in ("t-left-ours", "t-left-theirs"):
            for name in volumes(repo_id):
                subprocess.run(["docker", "volume", "rm", name], check=True, capture_output=True)
