"""Setting the state changes one line and nothing that people wrote around it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import edit, yamlfile
from runner.errors import InvalidFiles, UsageError
from runner.repo import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    (tmp_path / "deployments").mkdir()
    return Repo(tmp_path)


def written(repo: Repo, before: str, state: str = "stopped") -> str:
    path = repo.deployment_file("web")
    path.write_bytes(before.encode())
    assert edit.set_state(repo, "web", state) is True
    return path.read_bytes().decode()


COMMENTED = """\
# yaml-language-server: $schema=../schemas/deployment.schema.json

template: "jupyter"   # quoted
provider: local
state: running # until the demo
params: {a: 'x',   b: "y"}

# the end
"""


def test_only_the_value_changes(repo: Repo) -> None:
    assert written(repo, COMMENTED) == COMMENTED.replace("state: running", "state: stopped")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # a value that is there
        ("state: running\ntemplate: a\n", "state: stopped\ntemplate: a\n"),
        ("template: a\nstate: running", "template: a\nstate: stopped"),
        ("template: a\r\nstate: running\r\nowner: b\r\n", "template: a\r\nstate: stopped\r\nowner: b\r\n"),
        ('template: a\nstate: "running"\n', "template: a\nstate: stopped\n"),
        ("template: a\nstate:\nowner: b\n", "template: a\nstate: stopped\nowner: b\n"),
        ("template: a\nstate: ~\n", "template: a\nstate: stopped\n"),
        ("{template: a, state: running, owner: b}\n", "{template: a, state: stopped, owner: b}\n"),
        ("template: é😀\u2028state: running\n", "template: é😀\u2028state: stopped\n"),
        ("params: {state: inner}\nstate: running\n", "params: {state: inner}\nstate: stopped\n"),
        ("template: a\nstate:\n  running\n", "template: a\nstate:\n  stopped\n"),
        # none: below the provider
        ("template: a\nprovider: b\nowner: c\n", "template: a\nprovider: b\nstate: stopped\nowner: c\n"),
        ("template: a\nprovider: b\r\nowner: c\n", "template: a\nprovider: b\r\nstate: stopped\nowner: c\n"),
        ("provider: [b,\n  c]\ntemplate: a\n", "provider: [b,\n  c]\nstate: stopped\ntemplate: a\n"),
        ("provider:\n  - b\n  - c\ntemplate: a\n", "provider:\n  - b\n  - c\nstate: stopped\ntemplate: a\n"),
        # none, and below the provider it would stand inside of something
        ("provider: [\n  b,\n]\ntemplate: a\n", "provider: [\n  b,\n]\ntemplate: a\nstate: stopped\n"),
        ("provider:\n  b\ntemplate: a\n", "provider:\n  b\ntemplate: a\nstate: stopped\n"),
        # none, and no provider: at the end
        ("template: a\n", "template: a\nstate: stopped\n"),
        ("template: a", "template: a\nstate: stopped\n"),
        ("template: a\r\nowner: b", "template: a\r\nowner: b\r\nstate: stopped\r\n"),
        ("template: a\nparams:\n  b: |\n    text\n", "template: a\nparams:\n  b: |\n    text\nstate: stopped\n"),
    ],
)
def test_edit(repo: Repo, before: str, after: str) -> None:
    assert written(repo, before) == after


def test_state_that_is_there_already_is_left_as_it_is_written(repo: Repo) -> None:
    path = repo.deployment_file("web")
    path.write_text('template: a\nstate: "stopped" # why\n')
    assert edit.set_state(repo, "web", "stopped") is False
    assert path.read_text() == 'template: a\nstate: "stopped" # why\n'


def test_file_keeps_its_permissions(repo: Repo) -> None:
    path = repo.deployment_file("web")
    path.write_text("template: a\n")
    path.chmod(0o600)
    edit.set_state(repo, "web", "stopped")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_file_that_does_not_exist(repo: Repo) -> None:
    with pytest.raises(UsageError) as caught:
        edit.set_state(repo, "web", "stopped")
    assert (caught.value.code, str(caught.value)) == ("unknown-deployment", "deployments/web.yaml does not exist")


@pytest.mark.parametrize(
    "text", ["{template: a}\n", "template: a\nstate: >\n  running\nowner: b\n", "template: a\n...\n"]
)
def test_file_that_cannot_be_edited_is_left_alone(repo: Repo, text: str) -> None:
    path = repo.deployment_file("web")
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        edit.set_state(repo, "web", "stopped")
    assert (caught.value.code, caught.value.hint) == ("cannot-edit", "write state: stopped into it by hand")
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("template: [\n", "bad-yaml"),
        ("state: a\nstate: b\n", "duplicate-key"),
        ("a: &x [*x]\n", "alias-not-allowed"),
        ("", "empty-file"),
    ],
)
def test_faulty_file_is_reported_and_left_alone(repo: Repo, text: str, code: str) -> None:
    path = repo.deployment_file("web")
    path.write_text(text)
    with pytest.raises(InvalidFiles) as caught:
        edit.set_state(repo, "web", "stopped")
    [problem] = caught.value.problems
    assert (problem.code, problem.file, path.read_text()) == (code, "deployments/web.yaml", text)


LINES = """\
template: a|provider: b|provider: [b,|  c]|  - d|state: running|state:|# x||owner: >|  text|params: {x: 1,|  y: 2}
...|labels:|  k: 'v'|---|state: 'running' # x|provider:""".replace("\n", "|").split("|")


@given(st.lists(st.sampled_from(LINES), max_size=7), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_file_is_edited_exactly_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], newline: str, ends: bool
) -> None:
    repo = Repo(tmp_path_factory.getbasetemp())
    path = repo.deployment_file("any")
    path.parent.mkdir(exist_ok=True)
    before = (newline.join(rows) + (newline if ends else "")).encode()
    path.write_bytes(before)
    try:
        edit.set_state(repo, "any", "absent")
    except (InvalidFiles, UsageError):
        assert path.read_bytes() == before
    else:
        after = path.read_bytes()
        assert yamlfile.parse(after.decode()) == {**yamlfile.parse(before.decode()), "state": "absent"}
        assert len(set(after.splitlines()) - set(before.splitlines())) == 1


@pytest.mark.parametrize("name", ["../templates/jupyter", "", "a/b", "A"])
def test_only_deployments_are_edited(repo: Repo, name: str) -> None:
    other = repo.root / "templates" / "jupyter.yaml"
    other.parent.mkdir()
    other.write_text("name: JupyterLab\n")
    with pytest.raises(UsageError):
        edit.set_state(repo, name, "stopped")
    assert other.read_text() == "name: JupyterLab\n"
