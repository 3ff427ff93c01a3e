"""A command line in this process, in a repository of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from runner import records
from runner.cli import main
from runner.cli._app import App
from tests import factories as make
from tests.small import Small


@dataclass(frozen=True)
class Answer:
    code: Any
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        code: str = self.json["error"]["code"]
        return code


class Shell:
    """A person in a repository whose deployments are stopped: nothing has to run for a plan to be empty."""

    def __init__(self, small: Small, capfd: pytest.CaptureFixture[str]) -> None:
        self.small = small
        self._capfd = capfd

    def __call__(self, *words: str) -> Answer:
        App.latest = None
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(list(words))
        return Answer(caught.value.code, *self._capfd.readouterr())

    def apply(self, *names: str) -> None:
        """As if these had been applied and stopped."""
        for number, name in enumerate(names):
            ports = f"ports: {{web: {1000 + 2 * number}, api: {1001 + 2 * number}}}"
            self.small.deployment(name, f"template: app\nstate: stopped\n{ports}\n")
        for want in self.small.load().desired.values():
            records.write(self.small.repo, make.record(want, state="stopped", machine={"engine": "process"}))

    def there(self, name: str, digest: str = "") -> None:
        """Leave the mark of a stopped service, as the process engine does."""
        mark = {"repo": "test", "deployment": name, "digest": digest, "state": "stopped"}
        self.small.write(f"services/services/{name}/mark.json", json.dumps(mark))

    def delete(self, *names: str) -> None:
        for name in names:
            (self.small.root / "deployments" / f"{name}.yaml").unlink()
