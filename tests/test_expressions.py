"""Expressions of templates: strict, sandboxed, and without any secret's value."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import expressions, vault
from runner.expressions import ExpressionError, SecretMarkers

CONTEXT: dict[str, Any] = {
    "params": {"model": "small", "size": 3, "text": "{{ 7*7 }}"},
    "ports": {"web": 8080},
    "secrets": {"optional": "", **SecretMarkers(frozenset({"password", "token"}))},
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("--port={{ ports.web }}", "--port=8080"),
        ("{{ params.size * 2 }}", "6"),
        ("{% if params.size > 2 %}big{% endif %}", "big"),
        ("{# nothing #}", ""),
        ("{{ params.text }}", "{{ 7*7 }}"),
        ("{{ params.none | default('x') }}", "x"),
        ("{{ [1, 2] | join(',') }}", "1,2"),
        ("line\n", "line\n"),
        ("{{ '<&>' }}", "<&>"),
    ],
)
def test_text(source: str, text: str) -> None:
    assert expressions.text(source, CONTEXT) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ unknown }}",
        "{{ params.unknown }}",
        "{{ secrets.unknown }}",
        "{{ params.model.deeper.still }}",
        "{{ unclosed",
        "{% if x %}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{{ 1 / 0 }}",
        "{{ params.size + 'x' }}",
        "{{ 'x' | nofilter }}",
        "{{ ''.__class__ }}",
        "{{ ().__class__.__bases__[0].__subclasses__() }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ params.update({'model': 'x'}) }}",
        "{{ params.clear() }}",
        "{{ range(10**9) }}",
    ],
)
def test_what_cannot_be_resolved_is_an_error(source: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        expressions.text(source, CONTEXT)
    assert str(caught.value)
    assert CONTEXT["params"]["model"] == "small"


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("{{ secrets.token }}", [{"secret": "token"}]),
        ("Bearer {{ secrets.token }}!", ["Bearer ", {"secret": "token"}, "!"]),
        ("{{ secrets.token }}{{ secrets.password }}", [{"secret": "token"}, {"secret": "password"}]),
        ("{{ params.model }}:{{ secrets.token }}", ["small:", {"secret": "token"}]),
    ],
)
def test_secrets_are_kept_apart(source: str, parts: list[Any]) -> None:
    assert expressions.value(source, CONTEXT) == {"secret_parts": parts}


def test_secret_that_is_not_given_is_empty_text() -> None:
    assert expressions.value("{{ secrets.optional }}", CONTEXT) == ""
    assert expressions.value("{{ secrets.token if secrets.optional else 'none' }}", CONTEXT) == "none"


@pytest.mark.parametrize(
    "change",
    ["secrets.token[1:]", "secrets.token[:4]", "secrets.token | upper", "secrets.token | reverse", "secrets.token[0]"],
)
def test_secret_that_is_cut_or_changed_is_an_error(change: str) -> None:
    with pytest.raises(ExpressionError, match="can only be used as it is"):
        expressions.value(f"{{{{ {change} }}}}", CONTEXT)


def test_fault_of_an_expression_says_where_and_what_it_sees() -> None:
    problem = expressions.problem(ExpressionError("'x' is undefined"), file="templates/app.yaml", field="service")
    assert problem.as_json() == {
        "code": "bad-expression",
        "where": "templates/app.yaml",
        "field": "service",
        "message": "the expression cannot be resolved: 'x' is undefined",
        "hint": "expressions see deployment, params, ports, container_ports, machine, model and secrets",
    }


@given(st.text(st.characters(exclude_characters="\x00")), st.text())
def test_any_value_arrives_as_it_was_written(written: str, secret: str) -> None:
    """Through the expression, and through the reveal that puts the secret in place."""
    context = {**CONTEXT, "params": {"text": written}}
    resolved = expressions.value("{{ params.text }}|{{ secrets.token }}|{{ params.text }}", context)
    assert vault.reveal(resolved, {"token": secret}) == f"{written}|{secret}|{written}"


pieces = st.sampled_from(["{{", "}}", "{%", "%}", "{#", "#}", "params", "secrets.token", "if", *".[]|()~1'"])


@given(st.lists(pieces | st.text(max_size=3), max_size=8).map(" ".join))
def test_any_template_text_is_resolved_or_an_expression_error(source: str) -> None:
    try:
        resolved = expressions.value(source, CONTEXT)
    except ExpressionError as error:
        resolved = str(error)
    assert isinstance(resolved, str) or resolved["secret_parts"]


HOSTILE = 'it\'s "x"; $(touch canary) `touch canary` & <b> \\ é'


def test_quoted_value_is_one_word_of_a_shell() -> None:
    assert shlex.split(expressions.text("run {{ params.x | quote }}", {"params": {"x": HOSTILE}})) == ["run", HOSTILE]


def test_json_is_safe_inside_single_quotes_of_a_shell() -> None:
    made = expressions.text("send '{\"model\": {{ params.x | tojson }}}'", {"params": {"x": HOSTILE}})
    assert json.loads(shlex.split(made)[1]) == {"model": HOSTILE}
