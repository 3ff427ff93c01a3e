"""`tools/bootstrap` with a stand-in for uv that writes down how it was called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RUNTIME = "sync --frozen --inexact --python PYTHON --no-dev --quiet"
DEV = "sync --frozen --inexact --python PYTHON --quiet"

FAKE_UV = """#!/bin/sh
[ "$1" = version ] && exit "${UV_VERSION_ANSWER:-0}"
echo "$@" >>"$CALLS"
mkdir -p .venv/bin && ln -sf "$BASE_PYTHON" .venv/bin/python
exit "${UV_SYNC_ANSWER:-0}"
"""


class Checkout:
    """A copy of what the bootstrap reads, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file = folder.parent / "calls"
        self.bin = folder.parent / "bin"
        self.bin.mkdir()
        (folder / "tools").mkdir(parents=True)
        for name in ("uv.lock", "pyproject.toml", "tools/bootstrap"):
            shutil.copy(ROOT / name, folder / name)
        self.program("uv", FAKE_UV)
        self.base_python = str(Path(sys.executable).resolve())
        (self.bin / "python3").symlink_to(self.base_python)

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "tools/bootstrap", *arguments],
            env={
                "PATH": f"{self.bin}{os.pathsep}/usr/bin{os.pathsep}/bin",
                "HOME": str(self.folder.parent),
                "CALLS": str(self.calls_file),
                "BASE_PYTHON": self.base_python,
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[str]:
        """How uv was called since the last look."""
        text = self.calls_file.read_text() if self.calls_file.exists() else ""
        self.calls_file.unlink(missing_ok=True)
        found = text.replace(self.base_python, "PYTHON").replace(str(self.bin / "python3"), "PYTHON")
        return found.replace(f"{self.folder}/.venv/bin/python", "PYTHON").splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def test_second_run_does_nothing(checkout: Checkout) -> None:
    assert checkout.run().returncode == 0
    assert checkout.calls() == [RUNTIME]
    again = checkout.run()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert checkout.calls() == []


def test_dev_includes_runtime(checkout: Checkout) -> None:
    checkout.run("--dev")
    checkout.run()
    assert checkout.calls() == [DEV]


def test_runtime_does_not_include_dev(checkout: Checkout) -> None:
    checkout.run()
    checkout.run("--dev")
    assert checkout.calls() == [RUNTIME, DEV]


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml"])
def test_a_changed_file_installs_again(checkout: Checkout, name: str) -> None:
    checkout.run()
    with (checkout.folder / name).open("a") as file:
        file.write("# changed\n")
    checkout.run()
    assert checkout.calls() == [RUNTIME, RUNTIME]


def test_a_failed_install_is_repeated(checkout: Checkout) -> None:
    failed = checkout.run(UV_SYNC_ANSWER="2")
    assert failed.returncode == 1
    assert "type the same command again" in failed.stderr
    assert checkout.run().returncode == 0
    assert checkout.calls() == [RUNTIME, RUNTIME]


def test_a_moved_checkout_starts_afresh(checkout: Checkout) -> None:
    checkout.run()
    (checkout.folder / ".venv/of-the-old-place").touch()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    assert checkout.run().returncode == 0
    assert not (checkout.folder / ".venv/of-the-old-place").exists()


def test_a_python_that_is_gone_starts_afresh(checkout: Checkout) -> None:
    checkout.run()
    (checkout.folder / ".venv/bin/python").unlink()
    (checkout.folder / ".venv/bin/python").symlink_to("/nonexistent")
    assert checkout.run().returncode == 0
    assert checkout.calls() == [RUNTIME, RUNTIME]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_nothing_is_removed_where_nothing_may_be_written(checkout: Checkout) -> None:
    checkout.run()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    checkout.folder.chmod(0o555)
    try:
        refused = checkout.run()
    finally:
        checkout.folder.chmod(0o755)
    assert (refused.returncode, "may not write" in refused.stderr) == (1, True)
    assert (checkout.folder / ".venv/bin/python").exists()


def test_an_old_python_is_named_with_the_cure(checkout: Checkout) -> None:
    (checkout.bin / "python3").unlink()
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        checkout.program(name, '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    refused = checkout.run()
    assert refused.returncode == 1
    assert "found: Python 3.9.2" in refused.stderr
    assert "apt-get install python3" in refused.stderr


def test_a_uv_that_is_too_old_is_not_used(checkout: Checkout) -> None:
    (checkout.folder / "tools/fetch_uv.py").write_text("import sys; sys.exit('fetching')")
    refused = checkout.run(UV_VERSION_ANSWER="2")
    assert refused.returncode == 1
    assert "fetching" in refused.stderr
    assert checkout.calls() == []


def test_an_unknown_argument_is_refused(checkout: Checkout) -> None:
    assert "only --dev is known" in checkout.run("--fast").stderr
