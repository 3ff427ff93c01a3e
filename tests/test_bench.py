"""Benchmarks run, and say what they measured in one JSON line. How long anything took is not asked here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
BENCHMARKS = sorted(path.stem for path in (ROOT / "bench").glob("[a-z]*.py"))


def measure(name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", f"bench.{name}", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "dns error" in done.stderr:
        pytest.skip("no package index can be reached from here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["benchmark"] == name
    assert found["machine"].keys() >= {"cores", "python", "load_before"}
    return found


def test_start_is_compared_with_python_and_click() -> None:
    found = measure("cli_start")
    assert found["sides"].keys() == {"python -c pass", "python -c 'import click'", "runner --help", "runner version"}
    assert all(side["n"] == 2 and 0 < side["min_s"] <= side["median_s"] for side in found["sides"].values())
    assert found["ratios"]["runner --help / import click"].keys() == {"time", "cpu"}


def test_plan_is_measured_cold_and_warm() -> None:
    found = measure("plan_noop")
    ours = {"validate cold", "validate warm", "plan cold", "plan warm"}
    assert found["sides"]["10"].keys() - {"terraform plan"} == ours
    assert ("10" in found["ratios"]) == (shutil.which("terraform") is not None)


@pytest.mark.slow  # installs and starts JupyterLab twice: only this shows that both sides still come up
def test_file_to_healthy_is_compared_with_a_script() -> None:
    found = measure("file_to_healthy")
    assert found["sides"].keys() == {"script", "runner reconcile", "runner reconcile, nothing to do"}


@pytest.mark.ssh
@pytest.mark.slow  # installs the proxy and nginx on a host: only this shows that both sides still come up
def test_proxy_is_compared_with_nginx() -> None:
    found = measure("proxy")
    assert found["sides"].keys() == found["ratios"].keys() == {"1 KB", "64 KB"}
    assert all(side["requests_s"] > 0 for sides in found["sides"].values() for side in sides.values())


@pytest.mark.ssh
@pytest.mark.slow  # three hosts made one after the other: only this shows that all sides still do the same
def test_fleet_is_compared_with_scripts_and_plain_ansible() -> None:
    found = measure("ssh_fleet")
    sides = found["sides"]["host-docker × 1"]
    assert sides.keys() == {
        *(f"{side}, first" for side in ("script", "reconcile", "ansible-playbook")),
        *(f"{what}, nothing to do" for what in ("script", "plan", "reconcile", "drift --deep", "ansible-playbook")),
    }
    assert "reconcile, first / script, first" in found["ratios"]["host-docker × 1"]


def test_every_benchmark_is_tested_and_explained() -> None:
    own = Path(__file__).read_text(encoding="utf-8")
    explained = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    assert BENCHMARKS
    assert [
        name for name in BENCHMARKS if f'measure("{name}")' not in own or f"python -m bench.{name}" not in explained
    ] == []


def test_script_installs_what_the_template_does() -> None:
    from bench.file_to_healthy import SCRIPT
    from runner import yamlfile

    process = yamlfile.parse((ROOT / "templates" / "jupyter.yaml").read_text())["service"]["process"]
    written = SCRIPT.read_text()
    shell, option, program, *told = process["command"]  # a shell writes one file before; the script does it its way
    assert (shell, option, "page_config.json" in program, "JUPYTER_CONFIG_PATH" in program) == ("sh", "-c", True, True)
    words = [*process["packages"], "page_config.json", *(word for word in told if "{{" not in word)]
    assert [word for word in words if word not in written] == []
