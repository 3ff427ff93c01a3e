"""What the module exposure leaves behind when something fails, and who completes it. Files are real; systemd and nft
are stand-ins: programs that write down what they were told and fail where a test says so.
"""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import ansible.module_utils
import pytest

from tests.ansible_plugins.module_run import PLUGINS, run_module

SYSTEMCTL = """#!/bin/sh
here=$(dirname "$0")
[ "$1" = is-active ] && { ! grep -qsFx "$3" "$here/dead"; exit; }
echo "$*" >> "$here/told"
[ ! -e "$here/broken" ] || ! echo "$*" | grep -qFf "$here/broken" || { echo 'Job failed' >&2; exit 1; }
"""


def unit(port: int) -> str:
    return f"slipway-expose@{port}.service"


class Host:
    """The folder of a proxy, and a systemd that can be broken."""

    def __init__(self, path: Path) -> None:
        self.folder, self._bin = path / "expose", path / "bin"
        self.folder.mkdir()
        self._bin.mkdir()
        for name, text in {"systemctl": SYSTEMCTL, "nft": "#!/bin/sh\n", "journalctl": "#!/bin/sh\n"}.items():
            (self._bin / name).write_text(text)
            (self._bin / name).chmod(0o755)
        self.path = f"{self._bin}{os.pathsep}{os.environ['PATH']}"

    def break_at(self, *commands: str) -> None:
        """From now on exactly what has one of these in it fails."""
        (self._bin / "broken").unlink(missing_ok=True)
        if commands:
            (self._bin / "broken").write_text("\n".join(commands) + "\n")

    def kill(self, port: int) -> None:
        """Its process does not run, and cannot be started."""
        (self._bin / "dead").write_text(unit(port) + "\n")
        self.break_at(f"reload-or-restart {unit(port)}")

    def open(self, name: str, *ports: int, **more: Any) -> dict[str, Any]:
        where = [{"port": port, "upstream": 8000, "protocol": "http"} for port in ports]
        given = {"host": f"{name}.example.com", "named": True, "auth": "none", "ports": where, **more}
        return self._run(site=f"team.{name}", **given)

    def close(self, name: str) -> dict[str, Any]:
        return self._run(state="absent", site=f"team.{name}")

    def told(self) -> list[str]:
        """What systemd was told by the last run."""
        return (self._bin / "told").read_text().splitlines()

    def _run(self, **arguments: Any) -> dict[str, Any]:
        (self._bin / "told").write_text("")
        return run_module("exposure", **arguments)

    def has(self, name: str) -> bool:
        """Whether the files say that a site is there."""
        return bool(list(self.folder.rglob(f"team.{name}.caddy")))

    def noted(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "applied").read_text())
        return found


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    monkeypatch.setenv("PATH", made.path)
    with mock.patch.object(
        ansible.module_utils, "__path__", [*ansible.module_utils.__path__, str(PLUGINS / "module_utils")]
    ):
        proxy = importlib.import_module("ansible.module_utils.expose_proxy")
        proof = importlib.import_module("ansible.module_utils.expose_proof")
    us = SimpleNamespace(pw_uid=os.getuid(), pw_gid=os.getgid())
    monkeypatch.setattr(proxy, "FOLDER", str(made.folder))
    monkeypatch.setattr(proxy, "pwd", SimpleNamespace(getpwnam=lambda _: us))
    monkeypatch.setattr(os, "chown", lambda *_: None)  # the owner would be root
    monkeypatch.setattr(proof, "proved", lambda *_: None)
    return made


def test_second_run_changes_nothing(host: Host) -> None:
    assert host.open("a", 443)["changed"]
    assert not host.open("a", 443)["changed"]
    assert host.close("a")["changed"]
    assert not host.close("a")["changed"]


def test_failed_close_is_completed_by_the_next_run(host: Host) -> None:
    host.open("a", 443)
    host.open("b", 443)
    host.break_at(f"reload-or-restart {unit(443)}")
    assert host.close("a")["failed"]
    assert host.close("a")["failed"]  # the files say that it is gone, the process still serves it
    host.break_at()
    assert host.close("a")["changed"]
    assert f"reload-or-restart {unit(443)}" in host.told()
    assert not host.close("a")["changed"]


def test_failed_reload_of_the_firewall_is_completed_by_the_next_run(host: Host) -> None:
    host.open("a", 443)
    host.break_at("reload slipway-firewall")
    assert host.close("a")["failed"]
    host.break_at()
    assert host.close("a")["changed"]
    assert "reload slipway-firewall.service" in host.told()
    assert not host.close("a")["changed"]


def test_what_failed_is_put_back_in_the_process_too(host: Host) -> None:
    """The first of two ports takes the new site before the second fails: it has to forget it again."""
    host.open("b", 443)
    host.break_at(f"enable {unit(8443)}")
    said = host.open("a", 443, 8443)
    assert "is as it was before" in said["msg"]
    assert not host.has("a")
    assert host.told().count(f"reload-or-restart {unit(443)}") == 2
    assert f"disable --now {unit(8443)}" in host.told()
    host.break_at()
    assert not host.open("b", 443)["changed"]


def test_what_could_not_be_put_back_is_not_called_closed(host: Host) -> None:
    host.open("b", 443)
    host.break_at(f"reload-or-restart {unit(443)}")
    said = host.open("a", 443)
    assert "may be open" in said["msg"]
    assert "as it was before" not in said["msg"]
    assert host.noted()["443"] == "wait team.a"
    host.break_at()
    assert host.close("a")["changed"]
    assert f"reload-or-restart {unit(443)}" in host.told()


def test_broken_port_of_another_blocks_nobody(host: Host) -> None:
    for name, port in {"a": 443, "b": 9443, "c": 8443}.items():
        host.open(name, port)
    host.kill(9443)
    assert host.open("d", 10443)["changed"]
    assert host.open("a", 443, cidr=["10.0.0.0/8"])["changed"]
    assert host.close("c")["changed"]
    assert not host.close("c")["changed"]
    assert not host.open("a", 443, cidr=["10.0.0.0/8"])["changed"]
    assert host.open("b", 9443)["failed"]  # its own


def test_run_killed_before_the_firewall_is_completed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.open("b", 443)
    proxy = importlib.import_module("ansible.module_utils.expose_proxy").Proxy
    with monkeypatch.context() as patch:
        patch.setattr(proxy, "_filter", mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            host.open("a", 7443)
    assert host.open("a", 7443)["changed"]
    assert host.told()[0] == "reload slipway-firewall.service"
    assert not host.open("a", 7443)["changed"]
