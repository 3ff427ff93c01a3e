"""One variable of Ansible as a text that Ansible reads as YAML and never evaluates, and that we read as JSON.

`!unsafe` stands once, before the whole value, and holds for every key and text inside: nobody has to guess what looks
like a template. Reading is strict: one line of comment, one variable, the tag. Whatever else a file could say would set
variables of the host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_TAG = "!unsafe"
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What JSON may leave as it is, but YAML refuses or folds."""
_LONGEST_KEY = 1000
"""YAML takes no longer ones: a value that has one is written as JSON in a text."""
_DECODER = json.JSONDecoder()


def dump(variable: str, value: Any, header: str) -> str:
    """The file of one variable, sorted: equal values are equal texts. The header becomes one line of comment."""
    if any(len(json.dumps(key)) > _LONGEST_KEY for key in _keys(value)):
        value = json.dumps(value, sort_keys=True)
    body = json.dumps({variable: value}, indent=2, sort_keys=True, ensure_ascii=False)
    tagged = body.replace(": ", f": {_TAG} ", 1)  # the first one follows the variable, whose name has none
    comment = " ".join(header.split())
    return f"# {comment}\n{_escaped(tagged)}\n"


def parse(variable: str, text: str) -> Any:
    """The value of the variable. Raises ValueError (or RecursionError) for anything that `dump` does not write."""
    comment, _, body = text.partition("\n")
    before = f'{{\n  "{variable}": {_TAG} '
    if not comment.startswith("#") or not body.startswith(before):
        raise ValueError(f"it is not one {variable} that is marked {_TAG}")
    value, end = _DECODER.raw_decode(body, len(before))
    if body[end:].strip() != "}":
        raise ValueError(f"it holds more than one {variable}")
    return json.loads(value) if isinstance(value, str) else value


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _keys(inner)


def _escaped(text: str) -> str:
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
