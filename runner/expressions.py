"""Resolves the `{{ … }}` of templates: Jinja2, sandboxed, strict. Never applied to what deployments say.

An expression sees `deployment` (name, owner, labels), `params`, `ports` (host ports), `container_ports`, `machine` (the
provider options), `model` (catalogue entry of params.model, or none) and `secrets`. Access texts do not see
container_ports, but for each port, such as api:
- `urls.api`, as callers reach it;
- `endpoint.api`: url, tunnel (the same by one), exposed, auth (of the proxy: token, basic, none or empty), ca (a file);
- `curl.api`, `python.api`, `openai.api`, `ollama.api`, `node.api`: the start of code that gets through, with what
  proves callers to proxy and service, and the certificate to trust. `runner/snippets.py` says what each defines.
In texts that people paste, `quote` makes a word of a shell of a value, and `tojson` a string of JSON, of Python, or of
JSON inside single quotes of a shell.
A secret is not known here: it becomes a marker, and the resolved text a list of parts for `vault.reveal`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.runtime import Context, new_context
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


LONGEST = 256 * 1024
"""Characters of a result, and of what an expression makes on its way there."""
_GREATEST_POWER = 64
_WIDTH = re.compile(r"%[-+ #0]*(?:\([^)]*\)[-+ #0]*)?(?:[0-9*]|\.[0-9*])")
_PADDING = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map"})
"""Methods of texts that make any length of a number."""


class _Bounded(ImmutableSandboxedEnvironment):
    """The sandbox, in which no operation makes much of little."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Raises ValueError for what would take all memory."""
        if operator == "**" and not (isinstance(right, int | float) and abs(right) <= _GREATEST_POWER):
            msg = f"a power above {_GREATEST_POWER}"
            raise ValueError(msg)
        if operator == "*" and max(_repeated(left, right), _repeated(right, left)) > LONGEST:
            msg = "a text that is repeated too often"
            raise ValueError(msg)
        if operator == "%" and isinstance(left, str) and _WIDTH.search(left):
            msg = "a width after %"
            raise ValueError(msg)
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Without the methods that pad."""
        return not (isinstance(obj, str) and attr in _PADDING) and super().is_safe_attribute(obj, attr, value)


def _repeated(thing: Any, times: Any) -> int:
    return len(thing) * times if isinstance(thing, str | list | tuple) and isinstance(times, int) else 0


def _shown(value: Any) -> Any:
    """What nobody gave a value is nothing, not the word None."""
    return "" if value is None else value


_environment = _Bounded(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, finalize=_shown)
for _name in ("center", "format", "indent", "wordwrap", "filesizeformat"):
    _environment.filters.pop(_name)
_environment.filters["quote"] = lambda value: shlex.quote(str(value))


for _name in ("range", "lipsum", "cycler", "joiner", "namespace"):
    _environment.globals.pop(_name)  # they make any number of things of nothing
_STATEMENTS = (nodes.Output, nodes.If, nodes.For)
"""What a template may say beside expressions: no names that grow from step to step, no texts from elsewhere."""


@cache
def _compiled(source: str) -> Any:
    tree = _environment.parse(source)
    for node in tree.find_all(nodes.Stmt):
        if not isinstance(node, _STATEMENTS):
            raise TemplateSyntaxError("only if and for may stand between {% and %}", node.lineno)
        if isinstance(node, nodes.For) and (node.recursive or any(node.find_all(nodes.For))):
            raise TemplateSyntaxError("a for inside of a for", node.lineno)
    return _environment.from_string(tree)


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
        if isinstance(context, Scope):
            return _joined(compiled.root_render_func(context.jinja))
        return _joined(compiled.generate(context))
    except TemplateError as error:
        raise ExpressionError(str(error)) from error
    except (RecursionError, MemoryError) as error:
        raise ExpressionError("it nests too deep, or makes too much") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise ExpressionError(f"{type(error).__name__}: {error}") from error


def _joined(pieces: Iterable[str]) -> str:
    made: list[str] = []
    length = 0
    for piece in pieces:
        made.append(piece)
        length += len(piece)
        if length > LONGEST:
            raise ExpressionError(f"it makes more than {LONGEST // 1024} KiB of text")
    return "".join(made)


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
