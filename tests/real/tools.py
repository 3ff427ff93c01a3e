"""What the lane of real programs brings along: clients and a browser, each in an environment of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.lab.host import cache

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or ""
HERE = Path(__file__).parent


def python(name: str, *packages: str) -> str:
    """The Python of an environment with these packages; the test is skipped where the index is not reached."""
    folder = cache() / "real" / name
    found = folder / "bin/python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        uv = shutil.which("uv") or "uv"
        for command in (
            [uv, "venv", "--quiet", str(folder)],
            [uv, "pip", "install", "--quiet", "--python", str(found), *packages],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"{' '.join(packages)} cannot be installed here: {done.stderr.strip()[-200:]}")
        (folder / "complete").touch()
    return str(found)


def version(program: str, package: str) -> str:
    """Of a package in one of these environments."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([program, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def browse(script: str, folder: Path, **asked: Any) -> dict[str, Any]:
    """What a program of this folder, which steers a real browser, saw: its last line, as JSON."""
    if not BROWSER:
        pytest.skip("no chromium on this machine: install the package chromium")
    program = python("browser", "playwright")
    asked |= {"browser": BROWSER, "pictures": str(folder)}
    done = subprocess.run(
        [program, str(HERE / script)], input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen
