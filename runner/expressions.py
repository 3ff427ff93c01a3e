"""Resolves the `{{ … }}` of templates: Jinja2, sandboxed, strict. Never applied to what deployments say.

An expression sees `deployment` (name, owner, labels), `params`, `ports` (host ports), `container_ports`, `machine` (the
provider options), `model` (catalogue entry of params.model, or none) and `secrets`. Access texts also see
`urls.<port>`.
In texts that people paste, `quote` makes a word of a shell of a value, and `tojson` a string of JSON, of Python, or of
JSON inside single quotes of a shell.
A secret is not known here: it becomes a marker, and the resolved text a list of parts for `vault.reveal`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.runtime import new_context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from runner.errors import Problem

MARK = "\x00"
"""Cannot occur in YAML text, so no value can forge a marker."""

Resolved = str | dict[str, Any]
"""Text, or {"secret_parts": ["text", {"secret": name}, …]}."""


class ExpressionError(Exception):
    """An expression of a template cannot be resolved."""


class SecretMarkers(Mapping[str, str]):
    """`secrets.NAME` inside an expression."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def __getitem__(self, name: str) -> str:
        if name not in self._names:
            raise KeyError(name)
        return f"{MARK}{name}{MARK}"

    def __iter__(self) -> Any:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _shown(value: Any) -> Any:
    """What nobody gave a value is nothing, not the word None."""
    return "" if value is None else value


_environment = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=_shown
)
_environment.filters["quote"] = lambda value: shlex.quote(str(value))


@cache
def _compiled(source: str) -> Any:
    return _environment.from_string(source)


class Scope(dict[str, Any]):
    """What several expressions see: Jinja's own form of it, which costs more than most expressions, is made once."""

    @cached_property
    def jinja(self) -> Any:
        """The same for Jinja."""
        return new_context(_environment, None, {}, self, globals=_environment.globals)


def text(source: str, context: Mapping[str, Any]) -> str:
    """The text of one expression. Raises ExpressionError."""
    if "{" not in source:
        return source
    try:
        compiled = _compiled(source)
        if isinstance(context, Scope) and "set" not in source:  # what an expression sets, others must not see
            return "".join(compiled.root_render_func(context.jinja))
        return str(compiled.render(context))
    except TemplateError as error:
        raise ExpressionError(str(error)) from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise ExpressionError(f"{type(error).__name__}: {error}") from error


def value(source: str, context: Mapping[str, Any]) -> Resolved:
    """Like `text`, with secrets kept apart. Raises ExpressionError also when a secret was cut or changed."""
    rendered = text(source, context)
    if MARK not in rendered:
        return rendered
    pieces = rendered.split(MARK)
    if len(pieces) % 2 == 0 or not {*pieces[1::2]} <= context["secrets"].keys():
        raise ExpressionError("a secret can only be used as it is: its value is not known here")
    parts = [{"secret": piece} if index % 2 else piece for index, piece in enumerate(pieces)]
    return {"secret_parts": [part for part in parts if part != ""]}


def problem(error: ExpressionError, *, file: str, field: str) -> Problem:
    """The fault of one expression of one template."""
    return Problem(
        "bad-expression",
        f"the expression cannot be resolved: {error}",
        file=file,
        field=field,
        hint="expressions see deployment, params, ports, container_ports, machine, model and secrets",
    )
