"""Files of ours on a host. Units are systemd's business: the roles' molecule scenarios show them on real hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.ansible_plugins.module_utils.systemctl import UnitError, Units
from tests.ansible_plugins.module_run import run_module


def test_writes_what_differs_and_nothing_twice(tmp_path: Path) -> None:
    one, other = tmp_path / "deep" / "one", tmp_path / "other"
    other.write_text("as it is\n")
    other.chmod(0o644)
    files = {str(one): "new\n", str(other): "as it is\n"}
    tried = run_module("host_files", check=True, diff=True, files=files)
    assert (tried["changed"], tried["changed_files"], one.exists()) == (True, [str(one)], False)
    assert tried["diff"] == [
        {"before_header": str(one), "after_header": str(one), "before": "", "after": "new\n"},
    ]
    assert run_module("host_files", files=files)["changed_files"] == [str(one)]
    assert (one.read_text(), one.stat().st_mode & 0o777) == ("new\n", 0o644)
    assert not run_module("host_files", files=files)["changed"]


def test_mode_counts_as_well(tmp_path: Path) -> None:
    path = tmp_path / "file"
    run_module("host_files", files={str(path): "x"}, mode="0600")
    path.chmod(0o644)
    assert run_module("host_files", files={str(path): "x"}, mode="0600")["changed"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_removes_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    files = {str(path): "", str(tmp_path / "never"): ""}
    assert run_module("host_files", check=True, files=files, state="absent")["changed"]
    assert path.exists()
    assert run_module("host_files", files=files, state="absent")["changed_files"] == [str(path)]
    assert not run_module("host_files", files=files, state="absent")["changed"]


def test_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = run_module("host_files", files={str(tmp_path / "file" / "below"): "x"})
    assert answer["failed"]
    assert str(tmp_path / "file") in answer["msg"]


def test_refusal_of_systemd_has_its_words() -> None:
    units = Units(lambda words: (1, "", f"Failed to {words[1]} it.\n"))
    with pytest.raises(UnitError, match=r"^systemctl start x: Failed to start it\.$"):
        units.must("start", "x")
