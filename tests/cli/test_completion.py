"""Shells complete commands, names, templates and hosts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shell import Shell

ROOT = Path(__file__).parent.parent.parent
POOL = "id: test\nproviders: {ssh: {hosts: {box-1: {address: 192.0.2.1}, 'x$(id)': {address: 192.0.2.2}}}}\n"


def completed(shell: Shell, *words: str, folder: Path | None = None) -> list[str]:
    """What a shell would offer for the last of the words."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "_RUNNER_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(("runner", *words)),
        "COMP_CWORD": str(len(words)),
    }
    program = [sys.executable, "-c", "from runner.cli import main; main()"]
    done = subprocess.run(
        program, cwd=folder or shell.small.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return [line.removeprefix("plain,") for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("pl",), ["plan"]),
        (("plan", ""), ["chat", "web"]),
        (("plan", "web", "c"), ["chat"]),
        (("access", "w"), ["web"]),
        (("reconcile", "--exclude", "w"), ["web"]),
        (("new", "n"), ["needy"]),
        (("templates", "ap"), ["app"]),
        (("trust", ""), ["box-1", "chat", "web"]),
        (("nonsense", "c"), ["completion"]),
    ],
)
def test_completion_offers(shell: Shell, words: tuple[str, ...], offered: list[str]) -> None:
    shell.apply("web")
    shell.small.deployment("chat", "template: [\n")  # faults are no reason to offer less
    shell.small.deployment("web; id", "template: app\n")
    shell.small.write("runner.yaml", POOL)
    assert completed(shell, *words) == offered


def test_completion_outside_of_a_repository_offers_nothing(shell: Shell, tmp_path: Path) -> None:
    assert completed(shell, "plan", "", folder=tmp_path) == []
    assert completed(shell, "--root", str(shell.small.root), "templates", "ap", folder=tmp_path) == ["app"]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: Shell, name: str) -> None:
    answer = shell("completion", name)
    assert (answer.code, "_RUNNER_COMPLETE" in answer.out) == (0, True)


def test_completion_takes_the_shell_that_is_used(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert shell("completion", "--json").json["shell"] == "zsh"
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert shell("completion", "--json").error == "unknown-shell"


def test_bash_takes_the_script(shell: Shell) -> None:
    script = shell("completion", "bash").out
    program = script + "\ncomplete -p runner\n"
    done = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, text=True, check=True)
    assert "_runner_completion" in done.stdout
