"""Files of any size and kind cost little and are answered in a few lines: work is counted, not timed."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pytest

from runner import expressions
from runner.checked_files import MOST_OF_A_FILE
from runner.faults import MOST_FAULTS, odd_character, suggestion
from tests.small import APP, Small


def rows(count: int, row: str) -> str:
    return "".join(row.format(number) for number in range(count))


FILES = {
    "unknown keys": rows(20_000, "k{}: 1\n"),
    "keys like a known one": rows(15_000, "templat{}: 1\n"),
    "names of variables": "env:\n" + rows(12_000, "  {} x: a\n"),
    "params": "params:\n" + rows(15_000, "  p{}: a\n"),
    "ports": "ports:\n" + rows(12_000, "  p{}: 99999\n"),
    "unknown ports": "ports:\n" + rows(12_000, "  p{}: 80\n"),
    "providers": "provider: [" + rows(20_000, "p{},") + "p]\n",
    "options": "machine:\n" + rows(15_000, "  p{}: a\n"),
    "secrets": "secrets:\n" + rows(10_000, "  P{}: a\n"),
    "unknown secrets": "secrets:\n" + rows(8_000, "  p{}: generate\n"),
    "networks": "access: {expose: {cidr: [" + rows(20_000, "x{},") + "x]}}\n",
    "labels": "labels:\n" + rows(12_000, "  p{}: [a]\n"),
    "one long key": "k" * 200_000 + ": 1\n",
    "one long value": "state: " + "x" * 200_000 + "\n",
    "long keys": rows(1_000, "k" * 180 + "{}: 1\n"),
    "the same key": "owner: a\n" * 15_000,
    "depth": "labels:\n" + "".join(" " * depth + "b:\n" for depth in range(1, 650)),
}


@pytest.mark.parametrize("kind", FILES)
def test_faults_of_a_file_are_bounded_in_work_and_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    calls: list[Any] = []
    real = difflib.get_close_matches

    def counted(*words: Any, **more: Any) -> list[str]:
        calls.append(words)
        return real(*words, **more)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    small = Small(tmp_path / "repo")
    small.deployment("web", "template: app\n" + FILES[kind])
    problems = small.load().problems
    assert 0 < len(problems) <= MOST_OF_A_FILE + 1
    assert all(len(problem.message + problem.field + problem.hint) < 900 for problem in problems)
    assert len(calls) <= 2 * MOST_FAULTS + 10


def test_template_of_many_faults_is_bounded_too(tmp_path: Path) -> None:
    small = Small(tmp_path / "repo")
    small.write("templates/app.yaml", APP + rows(10_000, "k{}: 1\n"))
    small.write("runner.yaml", rows(10_000, "k{}: 1\n"))
    problems = small.load().problems
    assert len(problems) <= 2 * (MOST_OF_A_FILE + 1)
    assert [p.file for p in problems if p.code == "too-many-faults"] == ["runner.yaml", "templates/app.yaml"]


@pytest.mark.parametrize(
    "expression",
    [
        "{{ 'a' * 10**9 }}",
        "{{ 10**9 * 'a' }}",
        "{{ [0] * 10**9 }}",
        "{{ 9**99999 }}",
        "{{ '%999999999d' % 1 }}",
        "{{ 'a'.ljust(10**9) }}",
        "{{ 'a'|center(10**9) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ 1" + "+1" * 5000 + " }}",
        "{% for x in range(99999) %}{{ 'aaaaaaaaaa' }}{% endfor %}",
        "{{ range(10**9)|list }}",
        "{% set a = 'aa' %}" + "{% set a = a ~ a %}" * 40 + "{{ a|length }}",
        "{% set ns = namespace(x='aa') %}" + "{% set ns.x = ns.x ~ ns.x %}" * 22 + "x",
        "{% set a %}b{% endset %}{{ a }}",
        "{% for x in 'ab' %}{% for y in 'ab' %}{{ x }}{% endfor %}{% endfor %}",
        "{% for x in [[1], [2]] recursive %}{{ loop(x) }}{% endfor %}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m('a') }}",
        "{% filter upper %}a{% endfilter %}",
        "{% with a = 'b' %}{{ a }}{% endwith %}",
    ],
)
def test_expression_that_makes_much_of_little_is_a_fault(expression: str) -> None:
    with pytest.raises(expressions.ExpressionError):
        expressions.text(expression, {})


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("params", ""),
        ("par\u200bams", "ZERO WIDTH SPACE (U+200B) at place 4"),
        ("p\u0430rams", "CYRILLIC SMALL LETTER A (U+0430) at place 2"),
        ("params\u00a0", "NO-BREAK SPACE (U+00A0) at place 7"),
        ("\u202eparams", "RIGHT-TO-LEFT OVERRIDE (U+202E) at place 1"),
        ("\ue000", "a character (U+E000) at place 1"),
    ],
)
def test_odd_character_is_named(word: str, said: str) -> None:
    assert odd_character(word) == said
    assert said in suggestion(word, ["params", "ports"])


@pytest.mark.parametrize(
    "text",
    [
        "par\u200bams: {}\n",
        "env: {A\u200bB: x}\n",
        "params: {m\u043edel: small}\n",
        "ports: {we\u0432: 80}\n",
        "provider: l\u043ecal\n",
    ],
)
def test_word_that_only_looks_right_is_told_by_its_odd_character(tmp_path: Path, text: str) -> None:
    small = Small(tmp_path / "repo")
    small.deployment("web", "template: app\n" + text)
    [problem] = small.load().problems
    assert "(U+" in problem.hint
    assert problem.where == "deployments/web.yaml:2"


def test_file_that_is_called_by_a_look_alike_names_it(tmp_path: Path) -> None:
    small = Small(tmp_path / "repo")
    small.deployment("w\u0435b")
    [problem] = small.load().problems
    assert (problem.code, "CYRILLIC SMALL LETTER IE (U+0435)" in problem.hint) == ("bad-name", True)
