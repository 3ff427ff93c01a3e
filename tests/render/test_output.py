"""The door to the terminal: what goes where, in which colours, and what never gets through."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import Problem
from runner.redact import Redactor
from runner.render.output import Output, problems_text
from runner.render.style import Style, only_colors
from runner.render.text import width

PROBLEMS = [
    Problem("unknown-field", "is not known", "deployments/chat.yaml", 4, "params.modle", "did you mean params.model?"),
    Problem("bad-port", "must be between 1 and 65535", "deployments/chat.yaml", 12, "ports.api"),
    Problem("no-template", "there is no template olama", "deployments/x.yaml", 0, "template", "did you mean ollama?"),
]
ROOT = Path(__file__).parents[2]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def make(*, json: bool = False, color: bool | None = None, verbosity: int = 0, secret: str = "") -> Output:
    redactor = Redactor()
    redactor.add(secret)
    return Output(json, color, verbosity, redactor)


@pytest.mark.parametrize(
    ("env", "tty", "flag", "colour"),
    [
        ({}, True, None, True),
        ({}, False, None, False),
        ({"TERM": "dumb"}, True, None, False),
        ({"NO_COLOR": "1"}, True, None, False),
        ({"NO_COLOR": ""}, True, None, True),
        ({"FORCE_COLOR": "1"}, False, None, True),
        ({"FORCE_COLOR": "0"}, True, None, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, None, False),
        ({"FORCE_COLOR": "1"}, True, False, False),
        ({"NO_COLOR": "1"}, False, True, True),
    ],
)
def test_colour_is_decided_once_by_flag_environment_and_terminal(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], tty: bool, flag: bool | None, colour: bool
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Terminal() if tty else io.StringIO())
    assert make(color=flag).style.color is colour


def test_each_stream_decides_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", Terminal())
    output = make()
    assert (output.style.color, output.err_style.color, output.live) == (False, True, True)


@pytest.mark.parametrize(("columns", "cells"), [("100", 100), ("7", 40), ("0", 120), ("wide", 120)])
def test_columns_sets_the_width(monkeypatch: pytest.MonkeyPatch, columns: str, cells: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert make().style.width == cells


def test_a_result_is_text_or_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    make().result({"b": 1, "a": "é"}, lambda: "text")
    assert capsys.readouterr() == ("text\n", "")
    make(json=True).result({"b": 1, "a": "é"}, lambda: "text")
    assert capsys.readouterr() == ('{\n  "b": 1,\n  "a": "é"\n}\n', "")


def test_an_empty_text_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    make().result({}, str)
    assert capsys.readouterr() == ("", "")


def test_notes_and_warnings_leave_standard_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    output = make(json=True)
    output.note("a note")
    output.warn("a warning")
    assert capsys.readouterr() == ("", "a note\n! a warning\n")


def test_quiet_keeps_warnings_and_results(capsys: pytest.CaptureFixture[str]) -> None:
    output = make(verbosity=-1)
    output.note("a note")
    output.warn("a warning")
    output.result({}, lambda: "result")
    assert capsys.readouterr() == ("result\n", "! a warning\n")


def test_no_secret_gets_out_by_any_way(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "s3cret-s3cret"
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    for as_json in (False, True):
        output = make(json=as_json, secret=secret)
        output.result({secret: [secret, {"x": f"url?key={secret}"}]}, lambda: f"text {secret}")
        output.note(secret)
        output.warn(secret)
        output.show(secret)
        output.confirm(f"use {secret}?")
        output.problems([Problem("c", secret, secret, 1, secret, secret), Problem("c", secret, hint=secret)])
    out, err = capsys.readouterr()
    assert secret not in out + err
    assert "•••" in out
    assert "•••" in err


def test_a_numeric_secret_does_not_tear_up_json(capsys: pytest.CaptureFixture[str]) -> None:
    make(json=True, secret="1234").result({"port": 12345, "pin": 1234, "on": True}, str)
    assert json.loads(capsys.readouterr().out) == {"port": 12345, "pin": "•••", "on": True}


STEERING = {
    "\x1b]0;title\x07": "^[]0;title^G",
    "\x1b[2J\x1b[H": "^[[2J^[[H",
    "\x1b[31mred\x1b[0m": "red",
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\": "^[]8;;http://x^[\\link^[]8;;^[\\",
    "\x9b2J": "<U+009B>2J",
    "a\x08b\x7f": "a^Hb^?",
    "over\rwritten": "over^Mwritten",
    "user\u202etxt.exe": "user<U+202E>txt.exe",
    "\u2028": "<U+2028>",
    "one\ttwo\nthree\r\nfour": "one\ttwo\nthree\nfour",
    "Grüße 💡 日本語 👩‍💻": "Grüße 💡 日本語 👩‍💻",
}


@pytest.mark.parametrize("said", STEERING)
def test_what_would_steer_a_terminal_is_seen(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Names, logs, banners, errors of others: whatever way they take."""
    seen = STEERING[said]
    output = make(color=True)
    output.line({"line": said}, said)
    output.note(said)
    output.warn(said)
    out, err = capsys.readouterr()
    assert out == f"{seen}\n"
    assert err.count(seen) == 2
    output.problems([Problem("c", f"x{said}x", said, 1, said, said), Problem("c", said, hint=said)])
    assert not re.search("[\x00-\x08\x0b-\x1a\x7f-\x9f\u202a-\u202e]", capsys.readouterr().err)


@pytest.mark.parametrize("said", [*STEERING, "\u200b\ufeff\x85"])
def test_json_says_everything_and_steers_nothing(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = make(json=True)
    output.line({"line": said}, said)
    output.result({said: [said]}, str)
    out = capsys.readouterr().out
    first, _, rest = out.partition("\n")
    assert json.loads(first) == {"line": said}
    assert json.loads(rest) == {said: [said]}
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\ufeff]", out)


@given(st.text())
def test_only_colours_reach_a_terminal(text: str) -> None:
    attack = f"{text}\x1b]52;c;aGk=\x07\x1b[31mred\x1b[0m\x1b[2J\x9b5n\x1b[?1049h"
    safe = only_colors(attack)
    assert safe.replace("\x1b[31m", "").replace("\x1b[0m", "").count("\x1b") == 0
    assert "\x9b" not in safe
    assert "red" in safe


def test_problems_are_grouped_by_file_and_say_what_to_do() -> None:
    assert problems_text(PROBLEMS, style=Style(width=80)).splitlines() == [
        "✗ 3 problems in 2 files",
        "",
        "deployments/chat.yaml:4   params.modle  is not known",
        "                                        → did you mean params.model?",
        "deployments/chat.yaml:12  ports.api     must be between 1 and 65535",
        "",
        "deployments/x.yaml  template  there is no template olama",
        "                              → did you mean ollama?",
    ]


def test_problems_stack_where_it_is_narrow() -> None:
    lines = problems_text(PROBLEMS, style=Style(width=50)).splitlines()
    assert lines[2:5] == [
        "deployments/chat.yaml:4   params.modle",
        "    is not known",
        "    → did you mean params.model?",
    ]
    assert all(width(line) <= 50 for line in lines)


def test_a_problem_without_a_file_is_a_sentence_and_a_hint() -> None:
    text = problems_text([Problem("usage", "there is no deployment chta", hint="did you mean chat?")], style=Style())
    assert text == "✗ there is no deployment chta\n  → did you mean chat?"


def test_problems_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    make(json=True).problems(PROBLEMS)
    document = json.loads(capsys.readouterr().out)
    assert document["error"] == {
        "code": "unknown-field",
        "where": "deployments/chat.yaml:4",
        "field": "params.modle",
        "message": "is not known",
        "hint": "did you mean params.model?",
    }
    assert [error["code"] for error in document["errors"]] == ["unknown-field", "bad-port", "no-template"]


@pytest.mark.parametrize(
    ("typed", "default", "answer"),
    [
        ("y\n", False, True),
        ("YES\n", False, True),
        ("\n", False, False),
        ("\n", True, True),
        ("n\n", True, False),
        ("", True, False),
        ("yes, all\n", False, False),
    ],
)
def test_confirm(monkeypatch: pytest.MonkeyPatch, typed: str, default: bool, answer: bool) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert make().confirm("Apply?", default) is answer


def test_confirm_without_a_terminal_is_no_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert make().confirm("Apply?", default=True) is False
    assert "--yes" in capsys.readouterr().err


def test_an_encoding_without_our_symbols_gets_stand_ins() -> None:
    code = (
        "from runner.redact import Redactor; from runner.render.output import Output\n"
        "out = Output(False, None, 0, Redactor()); out.result({}, lambda: 'L4 → L40S ✓ 漢 €1')\n"
        "Output(True, None, 0, Redactor()).result({'a': '→'}, str)"
    )
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=env)
    assert done.stdout == b'L4 > L40S + ? EUR 1\n{\n  "a": "\\u2192"\n}\n'


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_that_went_away_stops_nothing(stream: str, tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from runner.redact import Redactor; from runner.render.output import Output\n"
        "out = Output(False, None, 0, Redactor())\n"
        "say = out.note if sys.argv[1] == 'stderr' else lambda text: out.result({}, lambda: text)\n"
        "for _ in range(3000): say('line ' * 40)\n"
        "pathlib.Path(sys.argv[2]).write_text('done')"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code, stream, str(tmp_path / "end")],
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=writer if stream == "stdout" else subprocess.PIPE,
        stderr=writer if stream == "stderr" else subprocess.PIPE,
    )
    os.close(writer)
    assert done.returncode == 0
    assert not done.stdout
    assert not done.stderr
    assert (tmp_path / "end").read_text() == "done"
