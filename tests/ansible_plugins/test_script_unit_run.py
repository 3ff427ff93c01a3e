"""The module that runs scripts, with folders of the test. `systemctl` is a program that writes down what it is asked
and says that every unit runs; what listens, and the health check, are real.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import ansible.module_utils
import pytest

from tests.ansible_plugins.module_run import PLUGINS

SYSTEMCTL = """#!/bin/sh
echo "$1 $(grep -c . {unit} 2>/dev/null)" >> {asked}
if [ "$1" = show ]; then printf 'Id=slipway-a-b-c.service\\nActiveState=active\\nNRestarts=0\\n'; fi
"""
CRLF = "-----BEGIN KEY-----\r\nMII\r\n-----END KEY-----\r\n"


@dataclass
class Scene:
    """One host's folders, and a script that is wanted there."""

    module: ModuleType
    root: Path
    port: int

    def params(self, **more: Any) -> dict[str, Any]:
        script = self.root / "script.sh"
        script.write_text("true\n")
        given: dict[str, Any] = {
            "repo": "a-b", "name": "c", "state": "started", "digest": "d1", "script": str(script),
            "sha256": hashlib.sha256(b"true\n").hexdigest(), "arguments": [], "env": {}, "secret_env": None,
            "ports": [self.port], "remove_data": False,
            "health": {"host": "127.0.0.1", "port": self.port, "protocol": "tcp", "timeout_s": 30},
        }  # fmt: skip
        return given | more

    def run(self, *, check: bool = False, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.module.run(SimpleNamespace(params=self.params(**more), check_mode=check))
        return answer

    def refused(self, **more: Any) -> str:
        with pytest.raises(self.module.Failure) as caught:
            self.run(**more)
        return str(caught.value)

    def files(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(self.root.rglob("*.*")) if path.suffix != ".asked"}

    def asked(self) -> list[str]:
        return [line.split()[0] for line in (self.root / "systemctl.asked").read_text().splitlines()]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    path = [*ansible.module_utils.__path__, str(PLUGINS / "module_utils")]
    monkeypatch.setattr(ansible.module_utils, "__path__", path)
    spec = importlib.util.spec_from_file_location("script_unit_of_test", PLUGINS / "modules" / "script_unit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "UNITS", str(tmp_path / "units"))
    monkeypatch.setattr(module, "DATA", str(tmp_path / "data" / "private"))
    monkeypatch.setattr(sys.modules["ansible.module_utils.systemd_units"], "HOME", str(tmp_path / "homes"))
    for name, text in {
        "systemctl": SYSTEMCTL.format(unit=tmp_path / "units" / "*.service", asked=tmp_path / "systemctl.asked"),
        "journalctl": "#!/bin/sh\n",
    }.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Scene(module, tmp_path, server.getsockname()[1])


def test_line_ends_of_windows_change_nothing_at_the_second_run(scene: Scene) -> None:
    wanted: dict[str, Any] = {"env": {"KEY": CRLF}, "arguments": ["one\r\nUser=root"]}
    assert scene.run(**wanted)["changed"]
    again = scene.run(**wanted)
    assert (again["changed"], again["differences"]) == (False, [])
    assert CRLF.encode() in (scene.root / "homes" / "a-b-c" / "environment").read_bytes()


@pytest.mark.parametrize("state", ["prepared", "started", "restarted", "stopped", "absent"])
def test_script_of_another_repository_is_never_touched(scene: Scene, state: str) -> None:
    scene.run()
    before = scene.files()
    said = scene.refused(state=state, repo="a", name="b-c")
    assert said == "slipway-a-b-c.service on this host belongs to c of the repository a-b"
    assert scene.files() == before


@pytest.mark.parametrize("state", ["prepared", "started", "stopped", "absent"])
def test_unit_without_a_mark_is_never_touched(scene: Scene, state: str) -> None:
    unit = scene.root / "units" / "slipway-expose-firewall.service"
    unit.parent.mkdir()
    unit.write_text("[Unit]\n")
    said = scene.refused(state=state, repo="expose", name="firewall")
    assert said == "there is a unit slipway-expose-firewall.service that is not ours"
    assert unit.read_text() == "[Unit]\n"
    assert not (scene.root / "homes").exists()


def test_script_that_leaves_the_loopback_later_is_named_and_stopped(scene: Scene) -> None:
    scene.run()
    with socket.create_server(("127.0.0.2", 0)) as other:
        port = other.getsockname()[1]
    wanted: dict[str, Any] = {"ports": [scene.port, port]}
    scene.run(**wanted)
    assert not scene.run(check=True, **wanted)["changed"]
    with socket.create_server(("0.0.0.0", port)):
        look = scene.run(check=True, **wanted)
        assert look["changed"]
        assert look["differences"] == [{"field": "listens", "before": f"0.0.0.0:{port}", "after": f"127.0.0.1:{port}"}]
        (scene.root / "systemctl.asked").unlink()
        said = scene.refused(**wanted)
    assert said == f"it listens on 0.0.0.0:{port}, where everybody can reach it. It was stopped again"
    assert scene.asked()[-2:] == ["stop", "disable"]


def test_what_a_bad_version_was_enabled_for_goes_with_it(scene: Scene) -> None:
    scene.run()
    unit = scene.root / "units" / "slipway-a-b-c.service"
    kept = unit.read_bytes()
    (scene.root / "systemctl.asked").unlink()
    with socket.create_server(("0.0.0.0", 0)) as outside:
        said = scene.refused(ports=[scene.port, outside.getsockname()[1]])
    assert said.endswith("The previous version was put back")
    assert unit.read_bytes() == kept
    new = f"disable {len([line for line in kept.splitlines() if line]) + 1}"  # it allows one port more
    asked = (scene.root / "systemctl.asked").read_text().splitlines()
    assert new in asked
    assert scene.asked()[-5:] == ["stop", "disable", "daemon-reload", "enable", "start"]


def test_command_with_control_characters_is_refused_before_anything_is_written(scene: Scene) -> None:
    said = scene.refused(arguments=["clear \x1b[2J"])
    assert said == "its command has the control character '\\x1b' in it; take it out"
    assert not (scene.root / "homes").exists()


def test_mark_says_whose_it_is(scene: Scene) -> None:
    scene.run(state="prepared")
    mark = json.loads((scene.root / "homes" / "a-b-c" / "mark.json").read_text())
    assert (mark["repo"], mark["deployment"]) == ("a-b", "c")
