"""Every fault that files can have: its code, its place, and the words that people read.

`deployment_faults.txt` holds what one line of a deployment can get wrong: the file (after `template: app`, unless it
names another), then `= LINE CODE FIELD: MESSAGE → HINT`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Problem
from tests.small import Small, told

TABLE = (Path(__file__).parent / "deployment_faults.txt").read_text(encoding="utf-8")
CASES = [tuple(block.rstrip().split("\n= ")) for block in TABLE.split("\n\n")]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "repo")


def shown(problem: Problem) -> str:
    hint = f" → {problem.hint}" if problem.hint else ""
    return f"{problem.line} {problem.code} {problem.field}: {problem.message}{hint}"


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text.replace("\n", " ") for text, _ in CASES])
def test_fault_of_one_field(small: Small, text: str, expected: str) -> None:
    small.deployment("web", text if text.startswith("template:") else f"template: app\n{text}\n")
    loaded = small.load()
    assert [shown(problem) for problem in loaded.problems] == [expected]
    assert {problem.file for problem in loaded.problems} == {"deployments/web.yaml"}
    assert not loaded.desired
    assert loaded.names == {"web"}


ONE_ROUND = [
    (
        "faults of the file do not hide those against template and provider",
        "state: started\nmachine: {enigne: auto}\nparams: {modle: small, context: 1}\nports: {wbe: 80}\nowner: 5\n",
        {"state", "machine.enigne", "params.modle", "params.context", "ports.wbe", "owner"},
    ),
    ("a port that is wrong makes no conflict", "ports: {web: 70000, api: 8080}\n", {"ports.web"}),
    ("a secret that is wrong is not missing", "template: needy\nsecrets: {hub: x}\n", {"secrets.hub", "params.image"}),
    (
        "options are not checked against a guessed provider",
        "provider: [ssh, '']\nmachine: {host: x}\n",
        {"provider[1]"},
    ),
    ("a mapping that is none hides only itself", "params: [x]\nports: {wbe: 1}\n", {"params", "ports.wbe"}),
    ("no template, wrong options", "template: ap\nmachine: {enigne: auto}\n", {"template", "machine.enigne"}),
    ("template of a wrong type", "template: [app]\nmachine: {enigne: auto}\n", {"template", "machine.enigne"}),
    (
        "unknown field beside",
        "x: 1\naccess: {expose: public, auth: none}\nenv: {1A: x}\n",
        {"x", "access.expose", "access.auth", "env.1A"},
    ),
]


@pytest.mark.parametrize(("text", "fields"), [pytest.param(*case[1:], id=case[0]) for case in ONE_ROUND])
def test_all_faults_of_a_file_come_in_one_round(small: Small, text: str, fields: set[str]) -> None:
    small.deployment("web", text if text.startswith("template:") else f"template: app\n{text}")
    assert {problem.field for problem in small.load().problems} == fields


def test_faulty_template_does_not_hide_faults_of_its_deployments(small: Small) -> None:
    small.write("templates/app.yaml", "name: x\n")
    small.deployment("web", "template: app\nstate: started\nmachine: {enigne: auto}\n")
    mine = [problem.field for problem in small.load().problems if problem.file == "deployments/web.yaml"]
    assert mine == ["state", "machine.enigne"]


def test_pasted_secret_is_never_repeated(small: Small) -> None:
    canary = "canary-5f1c-value"
    for number, place in enumerate(("params: {password: $}", "secrets: {password: $}", "env: {A: [$]}", "owner: {$}")):
        small.deployment(f"web-{number}", f"template: app\n{place.replace('$', canary)}\n")
    small.deployment("web-syntax", f"template: app\nsecrets: {{password: '{canary}\n")
    problems = small.load().problems
    assert len(problems) == 5
    assert canary not in str(problems)


# --- What a file is -------------------------------------------------------------------------------------------------

FILE_FAULTS: list[Any] = [
    ("not UTF-8", b"template: app\nowner: caf\xe9\n", ":2", "not-utf8", "the file is not UTF-8 text"),
    ("ten megabytes", b"#" * 10 * 1024 * 1024, "", "file-too-large", "the file is larger than 256 KiB"),
    ("empty", b"", "", "empty-file", "the file is empty"),
    ("no template", b"provider: local\n", ":1", "missing-field", "template is required"),
    ("duplicate key", b"template: app\nowner: a\nowner: b\n", ":3", "duplicate-key", "owner is given twice"),
    ("tab", b"template: app\nparams:\n\tmodel: x\n", ":3", "tab-indent", "a tab is used for indentation"),
    ("tag", b"template: !vault app\n", ":1", "tag-not-allowed", "the tag !vault is not supported here"),
    (
        "anchor bomb",
        b"template: app\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        ":2",
        "alias-not-allowed",
        "anchors and aliases are not supported here",
    ),
    (
        "Jinja without quotes",
        b"template: app\nowner: {{ me }}\n",
        ":2",
        "bad-key",
        "a key must be plain text",
    ),
]


@pytest.mark.parametrize(("raw", "line", "code", "message"), [pytest.param(*r[1:], id=r[0]) for r in FILE_FAULTS])
def test_fault_of_a_whole_file(small: Small, raw: bytes, line: str, code: str, message: str) -> None:
    small.deployment("web", raw)
    [problem] = small.load().problems
    assert (problem.where, problem.code, problem.message) == (f"deployments/web.yaml{line}", code, message)
    assert problem.hint


# --- Names and links -------------------------------------------------------------------------------------------------

E_ACUTE = "LATIN SMALL LETTER E WITH ACUTE (U+00E9) at place 2"
BAD_NAME = "a name has small letters, digits and hyphens, starts with a letter, and has at most 41 characters"
NOT_YAML = "deployments are files that end with .yaml"


@pytest.mark.parametrize(
    ("name", "code", "message", "hint"),
    [
        ("web.yml", "bad-file-name", NOT_YAML, "rename it to web.yaml"),
        ("web.YAML", "bad-file-name", NOT_YAML, "rename it to web.yaml"),
        ("web.json", "bad-file-name", NOT_YAML, "rename it to web.yaml"),
        ("notes.txt", "bad-file-name", NOT_YAML, "move it elsewhere"),
        ("Makefile", "bad-file-name", NOT_YAML, "move it elsewhere"),
        ("Web.yaml", "bad-name", BAD_NAME, "rename the file"),
        ("1web.yaml", "bad-name", BAD_NAME, "rename the file"),
        ("-web.yaml", "bad-name", BAD_NAME, "rename the file"),
        ("my_web.yaml", "bad-name", BAD_NAME, "rename the file"),
        ("my web.yaml", "bad-name", BAD_NAME, "rename the file"),
        ("web.prod.yaml", "bad-name", BAD_NAME, "rename the file"),
        ("wéb.yaml", "bad-name", BAD_NAME, f"rename the file: it has {E_ACUTE}"),
        ("w" * 42 + ".yaml", "bad-name", BAD_NAME, "rename the file"),
    ],
)
def test_fault_of_a_file_name(small: Small, name: str, code: str, message: str, hint: str) -> None:
    small.write(f"deployments/{name}", "template: app\n")
    assert told(small.load().problems) == [(f"deployments/{name}", code, "", message, hint)]


def test_names_that_differ_by_case_are_both_faulty(small: Small) -> None:
    small.deployment("web")
    small.deployment("Web")
    assert [(p.where, p.code, p.message) for p in small.load().problems] == [
        ("deployments/Web.yaml", "bad-name", BAD_NAME),
        ("deployments/web.yaml", "name-case", "differs from Web.yaml only by case"),
    ]


def test_nested_folder_is_a_fault(small: Small) -> None:
    small.write("deployments/team/web.yaml", "template: app\n")
    hint = "move its files up, or it elsewhere"
    message = "deployments are files directly in deployments/"
    assert told(small.load().problems) == [("deployments/team", "nested-folder", "", message, hint)]


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("/etc/hostname", "symlink-outside", "the link leads out of the repository"),
        ("../../secret.yaml", "symlink-outside", "the link leads out of the repository"),
        ("../none.yaml", "broken-symlink", "the link leads nowhere"),
        ("web.yaml", "broken-symlink", "the link leads nowhere"),
    ],
)
def test_fault_of_a_link(small: Small, target: str, code: str, message: str) -> None:
    (small.root.parent / "secret.yaml").write_text("template: app\n")
    (small.root / "deployments" / "web.yaml").symlink_to(target)
    [problem] = small.load().problems
    assert (problem.where, problem.code, problem.message) == ("deployments/web.yaml", code, message)
    assert problem.hint


@pytest.mark.parametrize("place", ["deployments/web.yaml", "templates/pipe.yaml", "runner.yaml"])
def test_pipe_is_a_fault_and_keeps_nobody_waiting(small: Small, place: str) -> None:
    (small.root / place).unlink(missing_ok=True)
    os.mkfifo(small.root / place)
    [problem] = small.load().problems
    assert (problem.where, problem.code) == (place, "not-a-file")


def test_device_is_a_fault(small: Small) -> None:
    (small.root / "deployments" / "web.yaml").symlink_to(os.devnull)
    assert small.load().problems[0].code == "symlink-outside"


def test_link_inside_the_repository_is_followed(small: Small) -> None:
    small.write("shared/app.yaml", "template: app\nowner: both\n")
    (small.root / "deployments" / "web.yaml").symlink_to("../shared/app.yaml")
    loaded = small.load()
    assert (loaded.problems, loaded.desired["web"].owner) == ([], "both")


def test_generated_and_hidden_entries_are_no_deployments(small: Small) -> None:
    for path in ("README.md", ".web.yaml.swp", ".git/x", "access/web.md"):
        small.write(f"deployments/{path}", "x")
    loaded = small.load()
    assert (loaded.problems, loaded.names) == ([], frozenset())


# --- Ports -----------------------------------------------------------------------------------------------------------


def test_one_port_of_one_machine_has_one_owner(small: Small) -> None:
    small.deployment("a")
    small.deployment("b", "template: app\nports:\n  api: 8082\n  web: 8080\n")
    small.deployment("c", "template: app\nports: {web: 8083, api: 8084}\n")
    message = "host port 8080 (web) is also used by a on the same machine"
    hint = "choose another: ports: {web: 8085}"  # a has 8081, b has 8082, c has 8083 and 8084
    assert told(small.load().problems) == [("deployments/b.yaml:4", "port-conflict", "ports.web", message, hint)]


def test_suggested_ports_are_free_and_differ(small: Small) -> None:
    for name in ("a", "b", "c"):
        small.deployment(name)
    hints = [problem.hint for problem in small.load().problems]
    ports = [int(hint.rstrip("}").rpartition(" ")[2]) for hint in hints]
    assert len(ports) == 4
    assert len({*ports, 8080, 8081}) == 6


def test_absent_deployment_needs_no_port(small: Small) -> None:
    small.deployment("a")
    small.deployment("b", "template: app\nstate: absent\n")
    assert small.load().problems == []
