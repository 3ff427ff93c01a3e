"""Services of one home are brought up at the same time by processes that share its files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from runner.ansible_plugins.module_utils import process_files
from runner.ansible_plugins.module_utils.process_files import LAUNCHER, Service
from runner.ansible_plugins.module_utils.process_steps import ensure_started

SERVICES = 8
ROUNDS = 25


class Daemon:
    """Stands in for supervisord, whose part is not asked for here: it does at once whatever it is told."""

    def __init__(self, _home: str) -> None: ...

    def __getattr__(self, _call: str) -> Any:
        return lambda *_words: None


def service(home: Path, name: str) -> Service:
    made = Service(
        {
            "repo": "r",
            "name": name,
            "home": str(home),
            "packages": [],
            "command": ["true"],
            "env": {},
            "secret_env": None,
            "health": {},
            "digest": "d",
        }
    )
    Path(made.folder).mkdir(parents=True)
    return made


def test_services_that_start_at_once_share_the_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_files, "Supervisor", Daemon)
    home = tmp_path / "100% ünï"

    def start(one: Service) -> None:
        for _ in range(ROUNDS):
            ensure_started(one, check=False, force=True)

    services = [service(home, f"web-{number}") for number in range(SERVICES)]
    with ThreadPoolExecutor(SERVICES) as pool:
        list(pool.map(start, services))
    assert (home / "launch.py").read_text() == LAUNCHER
    assert sorted(path.name for path in (home / "programs").iterdir()) == [f"{one.name}.conf" for one in services]
