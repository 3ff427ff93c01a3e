"""A repository in which everything has happened that leaves something behind: records, marks, pages, events, leases, a
cache, secrets. Nothing of it needs a network, Docker or Ansible.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from runner import access, locks, pages, records, runs, vault, yamlfile
from runner.redact import Redactor
from runner.vault_password import PASSWORD_ENV
from tests import factories as make
from tests.small import APP, Small

NAMES = ("web", "other")
SECRET = "canary-7f3a-secret"
ENVIRONMENT = {PASSWORD_ENV: "correct horse", "KEY": SECRET, "CI": "", "COLUMNS": "120", "NO_COLOR": "1"}
LOGS = "first line\nsecond line\n"


@contextlib.contextmanager
def environment(folder: Path) -> Iterator[None]:
    """What commands in this process see of the outside."""
    before = dict(os.environ)
    os.environ.update({**ENVIRONMENT, "XDG_DATA_HOME": f"{folder}/data", "HOME": f"{folder}/home"})
    os.environ.pop("CI")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def lived_in(folder: Path) -> Small:
    """The repository. `web` and `other` are stopped, as their files want."""
    small = Small(folder / "repo")
    for number, name in enumerate(NAMES):
        ports = f"{{web: {9000 + 2 * number}, api: {9001 + 2 * number}}}"
        small.deployment(
            name, f"template: app\nstate: stopped\nports: {ports}\nsecrets: {{key: env:KEY, password: generate}}\n"
        )
    loaded = small.load()
    panel = access.source(yamlfile.parse(APP))
    for name, want in loaded.desired.items():
        record = make.record(
            want, state="stopped", machine={"engine": "process", "id": "process", "address": "127.0.0.1"}
        )
        record = replace(record, spec=want.spec, digest=want.digest)
        records.write(small.repo, record)
        pages.write(small.repo, record, panel)
        vault.ensure(small.repo, name, want.spec["secrets"])
        mark = {"repo": "test", "deployment": name, "digest": want.digest, "state": "stopped"}
        small.write(f"services/services/{name}/mark.json", json.dumps(mark))
        small.write(f"services/services/{name}/service.log", LOGS)
    _run(small)
    small.load(use_cache=True)
    _lease(small)
    for path, text in GIT.items():
        small.write(f".git/{path}", text)
    return small


GIT = {"HEAD": "ref: refs/heads/main\n", "config": "[core]\n\tbare = false\n", "refs/heads/main": "1" * 40 + "\n"}


def _run(small: Small) -> None:
    run = runs.start(small.repo, runs.new_id(), Redactor())
    for name in NAMES:
        run.event(
            {
                "deployment": name,
                "kind": "step",
                "step": "Ensure it runs",
                "status": "ok",
                "seconds": 1.0,
                "message": "",
            }
        )
        run.event(
            {
                "deployment": name,
                "kind": "result",
                "step": "create",
                "status": "failed",
                "seconds": 2.0,
                "message": "no",
            }
        )
    run.close()


def _lease(small: Small) -> None:
    folder = locks.shared_folder(small.repo, "test") / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lease = replace(make.lease("other", "gone"), expires=1.0)
    (folder / "other.json").write_text(json.dumps(asdict(lease)))
