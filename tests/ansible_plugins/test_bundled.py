"""No value becomes a part of a program: our modules, by real Ansible, with Ansible's real markers in their options."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import hostile
from tests.ansible_plugins.module_run import PLUGINS
from tests.conftest import ROOT

MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py") if path.stem != "slipway_stub")
UNKNOWN = "no_such_option"
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")


def played(
    folder: Path, tasks: list[dict[str, Any]], given: dict[str, Any], *more: str, **environment: str
) -> list[dict[str, Any]]:
    """What each task of a playbook on this machine answers, through our ansible.cfg. `given` is a variable: data."""
    python = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": {"here": python}}}))
    asked = [{**task, "register": f"answer_{number}", "ignore_errors": True} for number, task in enumerate(tasks)]
    content = "{{ [" + ", ".join(f"answer_{number}" for number in range(len(tasks))) + "] | to_json }}"
    keep = {"ansible.builtin.copy": {"content": content, "dest": f"{folder}/answers"}, "check_mode": False}
    play = json.dumps([{"hosts": "here", "gather_facts": False, "vars": {"UNSAFE": given}, "tasks": [*asked, keep]}])
    (folder / "play.yml").write_text(play.replace('"UNSAFE": {', '"given": !unsafe {', 1))
    done = subprocess.run(
        [ANSIBLE, "-i", folder / "inventory.json", folder / "play.yml", *more],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers: list[dict[str, Any]] = json.loads((folder / "answers").read_text())
    return answers


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    return tmp_path / "sprung"


@pytest.mark.slow  # a process of Ansible for each task: only that shows what Ansible does to a text
@pytest.mark.parametrize("way", ["piped", "as a file", "dry run"])
def test_no_module_of_ours_runs_what_stands_in_its_options(tmp_path: Path, trap: Path, way: str) -> None:
    options = {UNKNOWN: "{{ given }}"}
    tasks: list[dict[str, Any]] = [{name: options} for name in MODULES]
    tasks += [{"slipway_hidden": {"module": name, "options": options}} for name in MODULES]
    more = ["--check"] if way == "dry run" else []
    pipelining = str(way != "as a file")
    answers = played(tmp_path, tasks, hostile.everywhere(trap), *more, ANSIBLE_PIPELINING=pipelining)
    refused = [bool(re.search(f"{UNKNOWN}|missing required arguments", answer["msg"])) for answer in answers]
    assert [name for name, right in zip(MODULES * 2, refused, strict=True) if not right] == []
    assert not trap.exists()


@pytest.mark.slow
def test_values_arrive_as_they_are_through_defaults_of_modules_too(tmp_path: Path, trap: Path) -> None:
    given = {str(tmp_path / name): value for name, value in hostile.values(trap).items()}
    task: dict[str, Any] = {"host_files": {}, "module_defaults": {"host_files": {"files": "{{ given }}"}}}
    [answer] = played(tmp_path, [task], given)
    assert answer["changed"]
    assert {name: Path(name).read_text() for name in given} == given
    assert not trap.exists()


@pytest.mark.slow
def test_modules_of_ansible_take_such_values_as_they_are(tmp_path: Path, trap: Path) -> None:
    given = hostile.values(trap)
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.command": {"argv": "{{ ['printf', '%s|'] + given.values() | list }}"}},
        {"ansible.builtin.copy": {"content": "{{ given | to_json }}", "dest": f"{tmp_path}/to"}},
        {"ansible.builtin.stat": {"path": "{{ given.values() | join('') }}"}},
    ]
    argv, _, stat = played(tmp_path, tasks, given)
    assert argv["stdout"] == "".join(f"{value}|" for value in given.values())
    assert json.loads((tmp_path / "to").read_text()) == given
    assert stat["stat"] == {"exists": False}
    assert not trap.exists()


@pytest.mark.slow
def test_answers_of_modules_are_no_templates(tmp_path: Path, trap: Path) -> None:
    said = json.dumps({"ansible_facts": {"said": hostile.templates(trap)["CURLY"]}})
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.command": {"argv": ["printf", "%s", "{{ given.said }}"]}},
        {"ansible.builtin.set_fact": {"copied": "{{ answer_0.stdout }}"}},
        {"ansible.builtin.command": {"argv": ["printf", "%s|%s", "{{ answer_0.stdout }}", "{{ copied }}"]}},
    ]
    assert played(tmp_path, tasks, {"said": said})[2]["stdout"] == f"{said}|{said}"
    assert not trap.exists()
