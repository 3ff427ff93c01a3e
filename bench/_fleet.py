"""Makes a repository of N deployments that are applied and up to date, without running N services.

Each is a `state: stopped` notebook of the real template, with its record and with the mark that the process engine
leaves behind, and none says the same as another. Run as a command, so that the benchmark itself stays small.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from bench._measure import ROOT
from runner import records, specs
from runner.domain import Desired, Record
from runner.load import load
from runner.repo import Repo

REPO_ID = "bench"
FIRST_PORT = 10_000

DEPLOYMENT = """\
# yaml-language-server: $schema=../schemas/deployment.schema.json
# Notebook {number} of the fleet.
template: jupyter
provider: local
state: stopped
machine: {{engine: process}}
env:
  NOTEBOOK_NUMBER: {number}
  DATA_FOLDER: /data/team-{team}/{name}
secrets:
  password: env:NOTEBOOK_{number}_PASSWORD
ports:
  web: {port}
owner: team-{team}
labels: {{project: project-{number}, cost-center: "{cost_center}"}}
"""
BLOCK = """\
resource "terraform_data" "{name}" {{
  input = {{
    template = "jupyter"
    provider = "local"
    state    = "stopped"
    machine  = {{ engine = "process" }}
    env      = {{ NOTEBOOK_NUMBER = "{number}", DATA_FOLDER = "/data/team-{team}/{name}" }}
    secrets  = {{ password = "env:NOTEBOOK_{number}_PASSWORD" }}
    ports    = {{ web = {port} }}
    owner    = "team-{team}"
    labels   = {{ project = "project-{number}", cost-center = "{cost_center}" }}
  }}
}}
"""


def build(root: Path, count: int) -> None:
    """The repository in `root`, its services in `root/services`, and the same as N blocks in `root/terraform`."""
    _layout(root)
    blocks = []
    for number in range(count):
        name = f"notebook-{number:05}"
        words = {
            "name": name,
            "number": number,
            "team": number % 37,
            "port": FIRST_PORT + number,
            "cost_center": f"{number:06x}",
        }
        (root / "deployments" / f"{name}.yaml").write_text(DEPLOYMENT.format(**words))
        blocks.append(BLOCK.format(**words))
    (root / "terraform").mkdir()
    (root / "terraform" / "main.tf").write_text("\n".join(blocks))
    loaded = load(Repo(root), use_cache=False)
    loaded.require_valid()
    for want in loaded.desired.values():
        _apply(loaded.repo, want)


def _layout(root: Path) -> None:
    for folder in ("deployments", "inventory/host_vars", "services/services"):
        (root / folder).mkdir(parents=True)
    shutil.copytree(ROOT / "templates", root / "templates")
    shutil.copy(ROOT / "inventory" / "deployments.yaml", root / "inventory")
    settings = f"id: {REPO_ID}\nproviders:\n  local: {{home: {root / 'services'}}}\n"
    (root / "runner.yaml").write_text(settings)


def _apply(repo: Repo, want: Desired) -> None:
    """What one `runner reconcile`, and another one after `state: stopped`, leave behind."""
    record = Record(
        deployment=want.name,
        provider="local",
        state="stopped",
        digest=want.digest,
        spec=want.spec,
        machine={"id": "process", "address": "127.0.0.1", "engine": "process"},
        endpoints=specs.endpoints(want.spec, "127.0.0.1"),
        health=specs.health_check(want.spec, "127.0.0.1"),
        price=want.price,
        owner=want.owner,
        file=want.file,
        repo=REPO_ID,
    )
    file = repo.record_file(want.name)
    file.parent.mkdir()
    file.write_text(records.to_text(record))
    service = repo.root / "services" / "services" / want.name
    (service / "data").mkdir(parents=True)
    mark = {"deployment": want.name, "digest": want.digest, "repo": REPO_ID, "state": "stopped"}
    (service / "mark.json").write_text(json.dumps(mark))


if __name__ == "__main__":
    build(Path(sys.argv[1]), int(sys.argv[2]))
