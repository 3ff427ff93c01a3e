"""`runner new`, as a person at a terminal and as a script."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from runner import new
from runner.load import read_templates
from tests.cli.shell import Shell
from tests.cli.terminal import talk
from tests.small import APP, Small

ROOT = Path(__file__).parent.parent.parent
REAL = sorted(path.stem for path in (ROOT / "templates").glob("*.yaml"))
EXAMPLES = {"image": "registry.example/app:1.0", "script": "https://example.org/run.sh", "sha256": "0" * 64}
"""Values of parameters that are required and have no default."""
HEADER = "# yaml-language-server: $schema=../schemas/deployment.schema.json\n"
CHAT = APP.replace("category: custom", "category: llm\nrequirements: {gpu: required, vram_gb: 4}").replace(
    "{description: Which model, default: small, choices: [small, large]}",
    '{description: Which model, default: small, pattern: "[a-z]+"}',
) + (
    "models:\n"
    "  - {id: small, name: Small, size_gb: 2, vram_gb: 4}\n"
    "  - {id: large, name: Large, size_gb: 40, vram_gb: 48}\n"
)
POOL = """\
id: test
providers:
  ssh:
    hosts:
      big: {address: 192.0.2.1, gpu: L4, gpus: 2, vram_gb: 24}
      tiny: {address: 192.0.2.2, gpu: T4, gpus: 1, vram_gb: 16}
      bare: {address: 192.0.2.3}
"""
WHERE = r"Where \[.+\]:"
GO_ON = (r"\[Enter\]:", "")
LATER = (r"Plan it now\? \[Y/n\]", "n")


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(tmp_path / "repo")
    made.write("templates/chat.yaml", CHAT)
    made.write("runner.yaml", POOL)
    return made


def written(small: Small, name: str) -> str:
    return (small.root / "deployments" / f"{name}.yaml").read_text()


# --- At a terminal ---------------------------------------------------------------------------------------------------


def test_enter_takes_the_default_everywhere(small: Small) -> None:
    asked = [r"Template \[app\]:", r"Name \[app\]:", r"Where \[local this machine\]:", r"\[Enter\]:", r"\[Y/n\]"]
    code, shown = talk(small.root, ["new"], [(question, "") for question in [*asked, LATER[0]]])
    assert code == 0  # that of the file: the plan only shows what is pending
    assert written(small, "app") == HEADER + "template: app\nprovider: local\n"
    assert shown.index("template: app") < shown.index("Write deployments/app.yaml?")
    assert shown.index("runner plan app") < shown.index("+ create")
    assert "2 more cannot be deployed yet" in shown


def test_every_question_can_be_answered(small: Small) -> None:
    answers = [
        (r"Template \[app\]:", "2"),
        (r"Name \[chat\]:", "talk"),
        (r"Model \[small\]:", "2"),
        (WHERE, "ssh big"),
        (WHERE, "ssh big, all GPUs"),
        (r"\[Enter\]:", "context=4096"),
        (r"\[Enter\]:", "env.A=a # b"),
        GO_ON,
        (r"\[Y/n\]", "y"),
        LATER,
    ]
    code, shown = talk(small.root, ["new"], answers)
    assert code == 0
    assert written(small, "talk") == HEADER + (
        "template: chat\nprovider: ssh\nmachine: {host: big, gpus: 2}\n"
        "params: {model: large, context: 4096}\nenv: {A: 'a # b'}\n"
    )
    marks = dict(re.findall(r"^ +\d+  (ssh .+?)  .*([✓?✗]) \w", shown, re.MULTILINE))
    assert marks == {
        "ssh big, all GPUs": "✓",
        "ssh big": "✗",
        "ssh tiny": "✗",
        "ssh bare": "✗",
        "ssh any host that fits": "✗",
    }
    assert "48 are needed" in shown


def test_answers_that_make_no_sense_are_asked_for_again(small: Small) -> None:
    small.deployment("taken")
    answers = [
        (r"Template \[app\]:", "chta"),
        (r"Template \[app\]:", "9"),
        (r"Template \[app\]:", "chat"),
        (r"Name \[chat\]:", "taken"),
        (r"Name \[chat\]:", "Bad"),
        (r"Name \[chat\]:", "fine"),
        (r"Model \[small\]:", "7"),
        (r"Model \[small\]:", "other"),
        (WHERE, "0"),
        (WHERE, "ssh bare"),
        (WHERE, "ssh tiny"),
        (r"\[Enter\]:", "contxt=1"),
        (r"\[Enter\]:", "context=1"),
        (r"\[Enter\]:", "context=1024"),
        GO_ON,
        (r"\[Y/n\]", ""),
        LATER,
    ]
    code, shown = talk(small.root, ["new"], answers)
    assert code == 0
    for said in (
        "did you mean chat?",
        "9 is none of them",
        "exists already",
        "'Bad' is not a name",
        "must match [a-z]+",
        "0 is none of them",
        "it does not fit there",
        "did you mean context?",
        "must be at least 512",
        "how much GPU memory other needs is not known",
    ):
        assert said in shown
    assert "provider: ssh\nmachine: {host: tiny}\nparams: {model: other, context: 1024}\n" in written(small, "fine")


def test_what_has_no_default_is_asked_for_even_when_all_else_is_given(small: Small) -> None:
    answers = [
        (r"Image to run \(image\):", "x/y:1"),
        ("file:PATH:", "hunter2"),
        ("file:PATH:", "env:HUB"),
        (r"\[Y/n\]", ""),
        LATER,
    ]
    code, shown = talk(small.root, ["new", "needy", "web"], answers)
    assert code == 0
    assert "never the secret itself" in shown
    assert written(small, "web") == HEADER + ("template: needy\nparams: {image: 'x/y:1'}\nsecrets: {hub: 'env:HUB'}\n")


def test_wizard_starts_at_the_template_that_asks_the_least(small: Small) -> None:
    """Not at the first of the alphabet, which may want a GPU."""
    small.write("templates/aaa.yaml", CHAT)
    _, shown = talk(small.root, ["new"], [(r"Template \[app\]:", "chat"), (r"Name \[chat\]:", "\x03")])
    assert "aaa" in shown


def test_wizard_writes_what_was_chosen_though_it_is_the_default(small: Small) -> None:
    """A default that changes later must not change what somebody has chosen."""
    small.write("templates/chat.yaml", CHAT.replace("gpu: required, vram_gb: 4", "gpu: optional"))
    answers = [(r"Name \[chat\]:", ""), (r"Model \[small\]:", ""), (WHERE, "local this machine"), GO_ON]
    talk(small.root, ["new", "chat"], [*answers, (r"\[Y/n\]", ""), LATER])
    assert written(small, "chat") == HEADER + "template: chat\nprovider: local\nparams: {model: small}\n"


def test_no_writes_nothing(small: Small) -> None:
    code, shown = talk(small.root, ["new", "app", "web"], [(r"\[Y/n\]", "n")])
    assert (code, "nothing was written" in shown) == (4, True)
    assert list((small.root / "deployments").iterdir()) == []


def test_given_flags_are_not_asked_for_and_their_faults_come_first(small: Small) -> None:
    words = ["new", "chat", "--set", "model=large", "--set", "machine.host=big", "--set", "machine.gpus=2"]
    answers = [(r"Name \[chat\]:", ""), GO_ON, (r"\[Y/n\]", ""), LATER]
    code, shown = talk(small.root, [*words, "--provider", "ssh"], answers)
    assert (code, "Where" in shown, "Model [" in shown) == (0, False, False)
    assert "machine: {host: big, gpus: 2}" in written(small, "chat")
    code, shown = talk(small.root, ["new", "chat", "--set", "context=1"], [(r"Name \[chat-2\]:", "")])
    assert (code, "must be at least 512" in shown) == (3, True)
    assert "Model [" not in shown


def test_port_with_the_name_of_a_parameter_can_be_set(small: Small) -> None:
    small.write(
        "templates/app.yaml",
        APP.replace("    web: {container", "    model: {container")
        .replace("port: web", "port: model")
        .replace("ports.web", "ports.model"),
    )
    answers = [(r"Name \[app\]:", ""), (WHERE, ""), (r"\[Enter\]:", "ports.model=9000"), GO_ON, (r"\[Y/n\]", ""), LATER]
    code, shown = talk(small.root, ["new", "app"], answers)
    assert (code, "ports.model  " in shown) == (0, True)
    assert "ports: {model: 9000}" in written(small, "app")


def test_yes_asks_nothing(small: Small) -> None:
    code, shown = talk(small.root, ["new", "chat", "--yes"], [])
    assert (code, written(small, "chat")) == (0, HEADER + "template: chat\n")
    assert "template: chat" in shown


# --- From a script ---------------------------------------------------------------------------------------------------


def test_script_gets_defaults_and_the_file(shell: Shell) -> None:
    answer = shell("new", "app", "--json")
    assert answer.json == {
        "name": "app",
        "file": "deployments/app.yaml",
        "deployment": {"template": "app"},
        "text": HEADER + "template: app\n",
    }
    assert shell("new", "app", "--json").json["name"] == "app-2"


def test_script_is_told_what_has_no_default(shell: Shell) -> None:
    for words, hint in ((("new",), "give TEMPLATE"), (("new", "needy"), "give --set image=…")):
        answer = shell(*words, "--yes", "--json")
        assert (answer.code, answer.error, answer.json["error"]["hint"]) == (3, "missing-answer", hint)


def test_template_cannot_be_set_aside(shell: Shell) -> None:
    assert shell("new", "app", "web", "--set", "template=needy", "--json").error == "bad-set"


@pytest.mark.parametrize("template", REAL)
def test_every_template_is_written_with_what_it_needs_and_nothing_else(shell: Shell, template: str) -> None:
    shutil.copy(ROOT / "templates" / f"{template}.yaml", shell.small.root / "templates")
    found = read_templates(shell.small.repo)[0][template]
    needed = [f"--set={key}={EXAMPLES[key]}" for key in new.questions(found, {})]
    shell.small.write("runner.yaml", POOL)
    answer = shell("new", template, "--yes", "--json", *needed)
    if answer.code and answer.error == "does-not-fit":  # not on this machine
        answer = shell("new", template, "--yes", "--json", *needed, "--provider", "ssh")
    assert answer.code == (0 if found.status == "active" else 3), answer.out
    if answer.code == 0:
        assert answer.json["deployment"].keys() <= {"template", "provider", "params", "ports"}
        assert shell("validate", answer.json["file"]).code == 0
