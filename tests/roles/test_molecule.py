"""Every molecule scenario of every role, on lab hosts. `make e2e ARGS='-k molecule'`; one: `-k docker`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.host import LabError
from tests.roles import machines

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path.parent for path in ROOT.glob("roles/*/molecule/*/molecule.yml"))
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

pytestmark = [pytest.mark.ssh, pytest.mark.slow]  # only real hosts show that a role works, and does nothing twice


@pytest.fixture(scope="module", autouse=True)
def _lab() -> None:
    try:
        machines.prepare()
    except LabError as error:
        pytest.skip(f"no lab: {error}")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: f"{path.parents[1].name}-{path.name}")
def test_molecule(scenario: Path, tmp_path: Path) -> None:
    programs = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path),  # two runs at once do not share one
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        [programs / "molecule", "test", "--scenario-name", scenario.name],
        cwd=scenario.parents[1],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, COLOUR.sub("", done.stdout)[-8000:]
