"""Mutated files: whatever stands in deployments, templates and settings, a command answers in words, soon."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.attack import mutate
from tests.attack.report import Report
from tests.attack.shell import ask
from tests.small import APP, Small

RICH = """\
template: app
provider: [local]
state: running
machine: {engine: auto}
params: {model: large, context: 4096, rate: 0.25, debug: true, extras: [a, b], text: "some text"}
env: {MODE: production, NUMBER: 5}
secrets: {key: env:KEY, password: generate}
ports: {web: 8888, api: 8889}
access: {expose: {cidr: [10.0.0.0/8]}, auth: token, ports: {api: 8443}}
lifecycle: {idle: 30m, ttl: 8h, schedule: {start: "0 8 * * 1-5", stop: "0 20 * * *", timezone: Europe/Berlin}}
budget: {max_hourly: 1.50, max_monthly: 200}
protect: false
hold: {until: 2026-12-24, reason: "demo week"}
owner: ml-team
labels: {project: chatbot}
"""
SETTINGS = """\
id: test
defaults: {provider: local, owner: team}
providers:
  local: {home: HOME, docker_socket: HOME/none}
  ssh:
    hosts:
      gpu-1: {address: 192.0.2.10, user: ubuntu, key: ~/.ssh/id, gpu: L4, gpus: 1, vram_gb: 24, jump: gate}
      gate: {address: 192.0.2.1, port: 2222, become_password: "env:SUDO"}
"""
EVERY_HUGE = 50
"""One in so many is huge: each of those takes a while."""
COMMANDS = (
    ("validate",),
    ("validate", "--json"),
    ("validate",),
    ("validate", "--json"),
    ("plan", "--json"),
    ("status",),
)


def attack(seed: int, tries: int) -> Report:
    """So many wrong files, one at a time, in a repository whose other files are right."""
    report = Report("files", seed)
    dice = report.dice
    with tempfile.TemporaryDirectory() as folder:
        small = Small(Path(folder) / "repo")
        small.deployment("other", "template: app\nstate: stopped\nports: {web: 9001, api: 9002}\n")
        right = {
            "deployments/web.yaml": RICH,
            "templates/app.yaml": APP,
            "runner.yaml": SETTINGS.replace("HOME", f"{folder}/services"),
        }
        for path, text in right.items():
            small.write(path, text)
        for number in range(tries):
            path = dice.choice(("deployments/web.yaml", "deployments/web.yaml", "templates/app.yaml", "runner.yaml"))
            text = mutate.HUGE(dice, right[path]) if number % EVERY_HUGE == EVERY_HUGE - 1 else right[path]
            small.write(path, mutate.changed(dice, text))
            answer = ask(small.root, *dice.choice(COMMANDS))
            report.tried += 1
            report.figures[f"exit {answer.code}"] += 1
            for fault in answer.faults():
                report.fault(number, f"{path}: {fault}")
            small.write(path, right[path])
    return report
