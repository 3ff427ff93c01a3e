"""Options that a deployment adds to the command: those of the template's table, each with a value of its type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runner import extra_arguments
from tests.small import Small, told
from tests.test_templates import FOLDER, TEMPLATES

VLLM = TEMPLATES["vllm"].params["extra_args"].arguments


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--enable-auto-tool-choice", "--tool-call-parser=hermes"],
        ["--runner=pooling", "--convert=embed"],
        ["--max-num-seqs=16", "--cpu-offload-gb=1.5", "--seed=-1"],
    ],
)
def test_options_of_the_table_are_taken(words: list[str]) -> None:
    assert extra_arguments.problem(VLLM, words) == ""


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("--api-key=x", "is not an option that can be added"),
        ("--host=0.0.0.0", "is not an option"),
        ("--trust-remote-code", "is not an option"),
        ("--tool-cal-parser=hermes", "did you mean --tool-call-parser"),
        ("--tool-call-parser", "must be --tool-call-parser= and a word"),
        ("--tool-call-parser=", "a word"),
        ("--tool-call-parser=/etc/passwd", "a word"),
        ("--tool-call-parser=a b", "a word"),
        ("--tool-call-parser=$(id)", "a word"),
        ("--tool-call-parser=--host", "a word"),
        ("--tool-call-parser=a\n--host=0", "a word"),
        ("--enable-auto-tool-choice=true", "takes no value: write --enable-auto-tool-choice"),
        ("--max-num-seqs=many", "a whole number"),
        ("--runner=x", "one of auto, generate, pooling"),
        ("--runner", "one of auto"),
        ("hermes", "is not an option"),
        ("-tp=4", "is not an option"),
        ("--max-num-seqs 4", "is not an option"),
        (7, "is not an option"),
        ("{{ 7 * 7 }}", "is not an option"),
    ],
)
def test_everything_else_is_refused(word: Any, reason: str) -> None:
    assert reason in extra_arguments.problem(VLLM, [word])


def test_an_option_is_said_once() -> None:
    assert "is there twice" in extra_arguments.problem(VLLM, ["--seed=1", "--seed=2"])


@pytest.mark.parametrize("name", ["vllm", "tgi", "llamacpp"])
def test_they_end_the_command_and_faults_name_the_line(tmp_path: Path, name: str) -> None:
    small = Small(tmp_path / "repo")
    small.write(f"templates/{name}.yaml", (FOLDER / f"{name}.yaml").read_text())
    table = TEMPLATES[name].params["extra_args"].arguments
    word = next(f"{option}=7" for option, one in table.items() if one.type == "integer")
    head = f"template: {name}\nprovider: ssh\nmachine: {{address: 192.0.2.1}}\n"
    small.deployment("good", f"{head}params:\n  extra_args: [{word}]\n")
    small.deployment("bad", f"{head}params:\n  extra_args: [--api-key=x]\nports: {{api: 9999}}\n")
    loaded = small.load()
    assert loaded.desired["good"].spec["service"]["command"][-1] == word
    [(where, code, field, said, _)] = told(loaded.problems)
    assert (where, code, field) == ("deployments/bad.yaml:5", "invalid-value", "params.extra_args")
    assert "--api-key=x" in said


@pytest.mark.parametrize("name", ["vllm", "tgi", "llamacpp"])
def test_table_has_nothing_that_the_template_says_itself(name: str) -> None:
    template = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    own = {word.partition("=")[0].lstrip("{ '") for word in template["service"].get("command", [])}
    table = set(template["params"]["extra_args"]["arguments"])
    assert not table & (own | {"--host", "--port", "--api-key", "--api-key-file", "--trust-remote-code", "--model"})
