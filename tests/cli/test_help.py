"""Help is there for every command, costs next to nothing, and the program behaves like one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.cli import cli, main
from runner.cli._app import App
from tests.cli.shell import Shell

ROOT = Path(__file__).parent.parent.parent
COMMANDS = cli.list_commands(None)  # type: ignore[arg-type]  # it is not asked for
APPLIED = ("a", "b", "c", "d")


# --- Help ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(shell: Shell, command: str) -> None:
    for option in ("--help", "-h"):
        answer = shell(command, option)
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.startswith(f"Usage: runner {command} ")
        assert len(answer.out.splitlines()) > 4


def test_help_lists_every_command_once_under_a_heading_that_is_known(shell: Shell) -> None:
    text = shell("--help").out
    headings = [line[:-1] for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Options", "Deploy", "Use", "Look", "Choose", "Set up"]
    assert all(text.count(f"\n  {command} ") == 1 for command in COMMANDS)


def test_help_works_outside_of_a_repository_and_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom runner.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as done: assert done.code == 0\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    root = str(ROOT)
    environment = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)
    assert "Exit codes: 0 done or nothing to do, 1 failed, 2 changes pending (plan, drift),\n" in done.stdout
    imported = set(done.stderr.split())
    assert "click" in imported
    assert not imported & {"pydantic", "ansible", "ansible_runner", "jinja2", "yaml", "rich", "httpx"}


def test_plan_of_remembered_files_imports_neither_pydantic_nor_ansible(shell: Shell) -> None:
    shell.apply(*APPLIED)
    shell("plan")
    program = (
        "import sys\nfrom runner.cli import main\n"
        "try: main(['plan', '-q'])\n"
        "except SystemExit as done: assert done.code == 0\n"
        "assert not {'pydantic', 'ansible', 'jinja2', 'rich'} & set(sys.modules), sorted(sys.modules)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], cwd=shell.small.root, env=environment, check=True)


def test_version_may_be_asked_for_as_an_option(shell: Shell) -> None:
    assert shell("--version").out == shell("version").out != ""
    assert shell("--version", "--json").json == shell("version", "--json").json


# --- As a program ----------------------------------------------------------------------------------------------------


def test_program_ends_with_the_code_and_without_a_traceback(shell: Shell) -> None:
    shell.small.deployment("web", "template: [\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for words, code in ((["validate"], 3), (["version"], 0), (["nonsense"], 3)):
        done = subprocess.run(
            [sys.executable, "-m", "runner", *words],
            cwd=shell.small.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        assert bool(done.stdout) is (code == 0)


def test_bug_keeps_its_traceback(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("runner.load.scan", broken)
    App.latest = None
    with pytest.raises(ZeroDivisionError):
        main(["plan"])
