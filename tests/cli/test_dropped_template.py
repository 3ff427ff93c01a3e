"""A template is one file: dropped into templates/, every command knows it. That it also runs is shown by the tests of
integration (beacon) and of the end (spark), whose templates are dropped the same way.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.conftest import ROOT, RepoBuilder

DROPPED = ROOT / "tests" / "integration" / "beacon.yaml"


def test_dropped_file_is_a_template_for_every_command(repo: RepoBuilder) -> None:
    shutil.copy(DROPPED, repo.root / "templates" / "dropped.yaml")
    assert "dropped" in repo.run("templates").stdout
    assert json.loads(repo.run("templates", "dropped", "--json").stdout)["id"] == "dropped"
    assert repo.run("new", "dropped", "mine", "--provider", "local").returncode == 0
    assert repo.run("validate").returncode == 0
    done = repo.run("plan", "--json")
    assert done.returncode == 2
    [action] = json.loads(done.stdout)["actions"]
    assert (action["deployment"], action["action"]) == ("mine", "create")


def test_fault_in_a_dropped_file_is_reported_there(repo: RepoBuilder) -> None:
    Path(repo.root / "templates" / "dropped.yaml").write_text(DROPPED.read_text().replace("health:", "helth:"))
    done = repo.run("validate", "--json")
    assert done.returncode == 3
    assert "templates/dropped.yaml" in done.stdout
