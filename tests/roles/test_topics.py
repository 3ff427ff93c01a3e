"""The order of a role's topics, with real Ansible under the strategy `free`. What the topics do is left out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.roles.test_decisions import Case, evaluate

ROOT = Path(__file__).resolve().parents[2]
LOCAL = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
PLAY = """
- hosts: all
  strategy: free
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact: {slipway_host: {asked: {}}, cacheable: true}
    - ansible.builtin.include_role: {name: ROLE}
"""


def order(folder: Path, role: str, every: list[str], wanted: dict[str, list[str]]) -> dict[str, list[str]]:
    """Host → the topics that came up there, one after the other."""
    copy = folder / "roles" / role
    shutil.copytree(ROOT / "roles" / role / "tasks", copy / "tasks")
    (copy / "vars").mkdir()
    said = {f"__{role}_topics": "{{ wanted }}", f"__{role}_question": {}}
    (copy / "vars" / "main.yml").write_text(json.dumps(said))
    for topic in every:
        (copy / "tasks" / f"{topic}.yml").write_text(f"- ansible.builtin.debug: {{msg: 'topic {topic}'}}\n")
    hosts = {host: {**LOCAL, "wanted": {topic: topic in topics for topic in every}} for host, topics in wanted.items()}
    (folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
    (folder / "play.yml").write_text(PLAY.replace("ROLE", role))
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", "hosts.yml", "play.yml"],
        cwd=folder,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LIBRARY": str(ROOT / "runner/ansible_plugins/modules")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = re.findall(r'ok: \[(\w+)\] => \{\s*"msg": "topic (\w+)"', done.stdout)
    return {host: [topic for where, topic in seen if where == host] for host in wanted}


@pytest.mark.parametrize("role", ["base", "docker", "nvidia"])
def test_topics_keep_their_order_whatever_neighbours_need(tmp_path: Path, role: str) -> None:
    every = list(evaluate(Case("", role, {}, []), f"__{role}_topics"))
    kinds = [every[-1:], every[:1], every[1::2], every[::2], every, []]
    wanted = {f"host{number}": kinds[number % len(kinds)] for number in range(12)}
    assert order(tmp_path, role, every, wanted) == wanted
