"""What `runner access` hands over to other programs: bare values, lines to source, the clipboard."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runner import records, vault
from tests import factories as make
from tests.cli.shell import Shell

VALUE = "it's $(id) `x` \\n"
"""Everything that a shell would make something else of."""


@pytest.fixture
def served(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A deployment with a secret of the caller's, a generated one, and one that is not to be had here."""
    monkeypatch.setenv("SLIPWAY_VAULT_PASSWORD", "of the test")
    monkeypatch.setenv("HUB", VALUE)
    monkeypatch.delenv("NOWHERE", raising=False)
    shell.small.deployment("web", "template: app\nsecrets: {HUB_TOKEN: env:HUB, MADE: generate}\n")
    want = shell.small.load().desired["web"]
    ports = {"api": {"url": "http://127.0.0.1:8081", "host": "127.0.0.1", "port": 8081, "protocol": "http"}}
    records.write(shell.small.repo, make.record(want, endpoints=ports))
    vault.ensure(shell.small.repo, "web", want.spec["secrets"])
    return shell


def test_secret_is_printed_bare(served: Shell) -> None:
    assert served("access", "web", "--secret", "HUB_TOKEN").out == VALUE + "\n"
    made = served("access", "web", "--secret", "MADE").out
    assert (len(made) > 10, made.count("\n"), "*" in made) == (True, 1, False)
    assert served("access", "web", "--secret", "MADE", "--json").json == {"name": "MADE", "value": made.rstrip("\n")}


def test_lines_to_source_give_a_shell_exactly_the_values(served: Shell) -> None:
    lines = served("access", "web", "--env").out
    program = lines + 'printf "%s|%s|%s" "$API_URL" "$HUB_TOKEN" "${#MADE}"'
    said = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=True).stdout
    url, token, length = said.split("|")
    assert (url, token) == ("http://127.0.0.1:8081", VALUE)
    assert int(length) > 10


def test_secret_goes_to_the_clipboard_and_not_onto_the_screen(
    served: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "wl-copy"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n/bin/cat > {tmp_path}/clipboard\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    answer = served("access", "web", "--secret", "HUB_TOKEN", "--copy")
    assert (answer.code, answer.out, (tmp_path / "clipboard").read_text()) == (0, "", VALUE)
    assert VALUE not in answer.err
    program.unlink()
    assert served("access", "web", "--secret", "HUB_TOKEN", "--copy", "--json").error == "no-clipboard"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--secret", "HUB_TOKN"), "unknown-secret"),
        (("--copy",), "usage"),
    ],
)
def test_wrong_words_are_told(served: Shell, words: tuple[str, ...], code: str) -> None:
    answer = served("access", "web", *words, "--json")
    assert (answer.code, answer.error) == (3, code)


def test_value_that_is_not_to_be_had_here_is_named(served: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUB")
    for words in (("--secret", "HUB_TOKEN"), ("--env",)):
        assert served("access", "web", *words, "--json").error == "missing-secret-value"
