"""What the module `docker_engine` asks of systemd. The molecule scenario of the role docker shows it on real hosts."""

from __future__ import annotations

import runpy
from collections.abc import Sequence
from typing import Any
from unittest import mock

import ansible.module_utils
import pytest

from runner.ansible_plugins.module_utils.systemctl import Units
from tests.ansible_plugins.module_run import PLUGINS


@pytest.fixture(scope="module")
def engine() -> dict[str, Any]:
    """The module's functions."""
    path = [*ansible.module_utils.__path__, str(PLUGINS / "module_utils")]
    with mock.patch.object(ansible.module_utils, "__path__", path):
        return runpy.run_path(str(PLUGINS / "modules" / "docker_engine.py"), run_name="docker_engine")


class Systemd:
    """A host's systemd that knows one unit: it answers questions, and writes down what it was told to do."""

    def __init__(self, *, active: bool, enabled: bool, log: str = "") -> None:
        self.told: list[str] = []
        self._says = {"is-active": active, "is-enabled": enabled}
        self._log = log

    def __call__(self, words: Sequence[str]) -> tuple[int, str, str]:
        if words[0] == "journalctl":
            return 0, self._log, ""
        verb = words[1]
        if verb in self._says:
            return (0 if self._says[verb] else 3), "", ""
        self.told.append(verb)
        return 0, "", ""


@pytest.mark.parametrize(
    ("active", "enabled", "told"),
    [
        (True, True, []),
        (False, True, ["reset-failed", "start"]),
        (True, False, ["enable"]),
        (False, False, ["reset-failed", "enable", "start"]),
    ],
)
def test_only_what_is_missing_is_done(engine: dict[str, Any], active: bool, enabled: bool, told: list[str]) -> None:
    systemd = Systemd(active=active, enabled=enabled)
    assert engine["started"](Units(systemd), check=False) is bool(told)
    assert systemd.told == told


def test_dry_run_says_the_same_and_does_nothing(engine: dict[str, Any]) -> None:
    systemd = Systemd(active=False, enabled=False)
    assert engine["started"](Units(systemd), check=True)
    assert systemd.told == []


def test_complaint_is_the_line_that_says_what_is_wrong(engine: dict[str, Any]) -> None:
    log = 'starting up\nunable to configure the Docker daemon with file: unknown option "nonsense"\n\nstopped\n'
    assert engine["complaint"](Units(Systemd(active=False, enabled=True, log=log))).endswith('"nonsense"')
    dull = "one\n\ntwo\n"
    assert engine["complaint"](Units(Systemd(active=False, enabled=True, log=dull))) == "one | two"
