"""What makes a script a confined unit: its texts as systemd reads them, and the look at what listens."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from runner.ansible_plugins.module_utils import listening, systemd_units, unit_text

HARD = 'it\'s "quoted" $HOME %n `id` \\ end'


def text(command: list[str] | None = None) -> str:
    return unit_text.unit_text("mine", "slipway-r-mine", command or ["/bin/bash", "/x.sh"], "/env", [8091, 80])


def test_what_people_write_is_not_expanded_by_systemd() -> None:
    line = next(line for line in text(["/bin/bash", "/x.sh", HARD, "two\nlines"]).splitlines() if "ExecStart=" in line)
    assert line == (
        'ExecStart="/bin/bash" "/x.sh" "it\'s \\"quoted\\" $$HOME %%n `id` \\\\ end" "two\\nlines"'
    )  # fmt: skip


def test_no_line_of_the_unit_comes_from_a_command() -> None:
    words = ["/bin/bash", "/x.sh", "a\rUser=root\rDynamicUser=no", "tab\there"]
    lines = [line for line in re.split(r"[\n\r]", text(words)) if "User=" in line]
    assert lines == [
        'ExecStart="/bin/bash" "/x.sh" "a\\rUser=root\\rDynamicUser=no" "tab\there"',
        "DynamicUser=yes",
    ]


@pytest.mark.parametrize("letter", ["\0", "\x07", "\x0b", "\x1b", "\x7f", "\x85"])
def test_other_control_characters_are_refused(letter: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        text(["/bin/bash", f"a{letter}b"])


def test_environment_refuses_a_zero_byte_without_telling_the_value() -> None:
    with pytest.raises(ValueError, match="KEY") as caught:
        unit_text.environment_text({"KEY": "s3cret\0more"})
    assert "s3cret" not in str(caught.value)


def test_environment_keeps_line_ends_inside_the_quotes() -> None:
    assert unit_text.environment_text({"A": 'x\r\nB="2"'}) == 'A="x\r\nB=\\"2\\""\n'


def test_environment_keeps_every_letter() -> None:
    assert unit_text.environment_text({"B": 1, "A": HARD}) == (
        'A="it\'s \\"quoted\\" \\$HOME %n \\`id\\` \\\\ end"\nB="1"\n'
    )


def test_unit_has_no_rights() -> None:
    lines = text().splitlines()
    for line in ("DynamicUser=yes", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict"):
        assert line in lines
    assert [line for line in lines if line.startswith("SocketBind")] == [
        "SocketBindDeny=any",
        "SocketBindAllow=tcp:80",
        "SocketBindAllow=tcp:8091",
    ]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "slipway-r-mine.service"
    file.write_text(text(["/bin/sh", "/x.sh", HARD]))
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, check=False)
    assert "Unknown" not in done.stderr


@pytest.mark.parametrize(("address", "seen"), [("127.0.0.1", []), ("0.0.0.0", ["0.0.0.0"])])
def test_what_listens_to_the_outside_is_seen(address: str, seen: list[str]) -> None:
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        assert listening.exposed([port]) == [(one, port) for one in seen]
    assert listening.exposed([port]) == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"ActiveState": "active", "SubState": "running"}, ("running", "")),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "ExecMainStatus": "7"},
            ("running", "it ends and is started again and again, last with status 7"),
        ),
        ({"ActiveState": "activating", "SubState": "start"}, ("pending", "start")),
        ({"ActiveState": "failed", "ExecMainStatus": "1"}, ("failed", "it ended by itself with status 1")),
        ({"ActiveState": "inactive"}, ("stopped", "")),
        ({}, ("stopped", "")),
    ],
)
def test_state_of_a_unit(facts: dict[str, str], said: tuple[str, str]) -> None:
    assert systemd_units.state(facts) == said


def test_marks_of_other_repositories_are_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd_units, "HOME", str(tmp_path))
    for repo in ("mine", "theirs"):
        folder = tmp_path / f"{repo}-web"
        folder.mkdir()
        (folder / "mark.json").write_text(
            f'{{"repo": "{repo}", "deployment": "web", "digest": "d", "wanted": "started", "health": {{}}}}'
        )
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "mark.json").write_text("{")
    monkeypatch.setattr(systemd_units, "show", lambda units: {unit: {"ActiveState": "active"} for unit in units})
    assert [(unit["deployment"], unit["unit"], unit["state"]) for unit in systemd_units.units("mine")] == [
        ("web", "slipway-mine-web.service", "running")
    ]


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Sat 2026-11-28 18:14:17 UTC", "2026-11-28T18:14:17+00:00"),
        ("Sat 2026-11-28 18:14:17 CET", ""),
        ("n/a", ""),
        ("", ""),
    ],
)
def test_time_of_systemd_becomes_iso(text: str, iso: str) -> None:
    assert systemd_units.moment(text) == iso
