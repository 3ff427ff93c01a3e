"""Reads the YAML that people write: strict, bounded, fast, and able to say on which line a field stands.

The YAML 1.2 core schema decides types, not the YAML 1.1 of PyYAML: `no`, `on`, `12:30:45`, `2026-12-24` and `1_000`
are text, `010` is ten, `1e3` is a number. A number remembers how it was written, for places that want text (`1.10`
is a version there). Narrower than the schema on purpose: `0x1F`, `0o17`, `.inf` and numbers
beyond 64 bit are text. Anchors, tags and duplicate keys are faults: a deployment is short, and what it says must be
what a reader sees. PyYAML's C parser builds the nodes; turning them into data is done here because PyYAML's own
constructor neither reports duplicates nor is fast.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode
from yaml._yaml import CParser

from runner.scalars import plain

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 256 * 1024
"""A deployment is a few hundred bytes; a template a few thousand. More is a mistake (or an attack)."""
USUAL_BYTES = 8 * 1024
MAX_DEPTH = 32
SUSPICIOUS_OPENERS = 500

_PLAIN = "!plain"
_QUOTED = "!quoted"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")

Path_ = tuple[str | int, ...]


class YamlFault(Exception):
    """One fault of one file."""

    def __init__(self, code: str, message: str, *, line: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.hint = hint


class _NodeParser(CParser):
    """The C parser, with a resolver that only tells plain scalars from quoted ones."""

    def resolve(self, kind: type[Node], _value: str, implicit: Any) -> str:
        if kind is ScalarNode:
            return _PLAIN if implicit[0] else _QUOTED
        return "!map" if kind is MappingNode else "!seq"

    def descend_resolver(self, *_: Any) -> None: ...

    def ascend_resolver(self) -> None: ...


def read(path: Path) -> str:
    """The text of a file. Raises YamlFault when it is too large, no UTF-8 or a pipe; OSError when it cannot be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # else opening a pipe waits until somebody writes into it
    try:
        kind = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            raise YamlFault("not-a-file", "it is a pipe, a socket or a device", hint="remove it")
        raw = os.read(descriptor, USUAL_BYTES)  # a buffer for the largest file would cost more than the file
        while len(raw) >= USUAL_BYTES and len(raw) <= MAX_BYTES and (more := os.read(descriptor, MAX_BYTES)):
            raw += more
    finally:
        os.close(descriptor)
    if len(raw) > MAX_BYTES:
        raise YamlFault(
            "file-too-large", f"the file is larger than {MAX_BYTES // 1024} KiB", hint="is it the right file?"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise YamlFault("not-utf8", "the file is not UTF-8 text", line=line, hint="save it as UTF-8") from error


def parse(text: str) -> dict[str, Any]:
    """The mapping that a text says. Raises YamlFault."""
    node = _compose(text)
    if node is None:
        raise YamlFault("empty-file", "the file is empty", hint="write its fields, or delete it")
    if not isinstance(node, MappingNode):
        raise YamlFault(
            "not-a-mapping", "the file must be a mapping of fields", line=1, hint="write fields, as name: value"
        )
    data: dict[str, Any] = _build(node, set(), 0)
    return data


def lines(text: str) -> dict[Path_, int]:
    """The line of every field and item, 1-based. Only for texts that `parse` accepted."""
    found: dict[Path_, int] = {}
    node = _compose(text)
    if node is not None:
        _collect(node, (), found)
    return found


def line_of(places: dict[Path_, int], path: Path_) -> int:
    """The line of the nearest thing that is written: a missing field is reported at its parent."""
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
    return 1


def scalar_span(text: str, key: str) -> tuple[int, int] | None:
    """Start and end offset of the value of a top-level key; None when the key is not there or is no scalar."""
    node = _compose(text)
    if not isinstance(node, MappingNode):
        return None
    for key_node, value_node in node.value:
        if key_node.value == key and isinstance(value_node, ScalarNode):
            return _offset(text, value_node.start_mark), _offset(text, value_node.end_mark)
    return None


def _offset(text: str, mark: Any) -> int:
    """libyaml counts in its own way; line and column are what can be trusted."""
    return sum(map(len, text.splitlines(keepends=True)[: mark.line])) + int(mark.column)


def _compose(text: str) -> Node | None:
    try:
        if "&" in text or sum(text.count(opener) for opener in ("[", "{", "- ", "-\t", "? ")) >= SUSPICIOUS_OPENERS:
            _refuse_tricks(text)
        parser = _NodeParser(text)
        try:
            return parser.get_single_node()
        finally:
            parser.dispose()
    except yaml.YAMLError as error:
        raise _syntax_fault(text, error) from error
    except UnicodeEncodeError as error:
        raise _control_fault(text, error.start) from error


def _refuse_tricks(text: str) -> None:
    """Suspicious texts are walked event by event first: nodes no longer know their anchors, and building them recurses
    in C, which would overflow the stack.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _depth_fault(_line(event))
        if getattr(event, "anchor", None):
            raise _alias_fault(_line(event))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _depth_fault(line: int) -> YamlFault:
    return YamlFault("too-deep", f"the file is nested deeper than {MAX_DEPTH} levels", line=line, hint="flatten it")


def _syntax_fault(text: str, error: yaml.YAMLError) -> YamlFault:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 0
    said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    control = _CONTROL.search(text)
    if control:
        return _control_fault(text, control.start())
    rows = text.splitlines()
    row = rows[line - 1] if 0 < line <= len(rows) else ""
    if "\t" in row[: len(row) - len(row.lstrip())] or ("cannot start any token" in said and "\t" in row):
        return YamlFault("tab-indent", "a tab is used for indentation", line=line, hint="indent with spaces")
    if "another document" in said:
        return YamlFault(
            "several-documents", "the file has several documents", line=line, hint="one file, one document"
        )
    if "alias" in said:
        return _alias_fault(line)
    return YamlFault("bad-yaml", f"this is not YAML: {said}", line=line, hint=_syntax_hint(row, said))


def _control_fault(text: str, position: int) -> YamlFault:
    line = text.count("\n", 0, position) + 1
    return YamlFault("control-character", "the file contains a control character", line=line, hint="remove it")


def _syntax_hint(row: str, said: str) -> str:
    if "mapping values are not allowed" in said:
        return "put the value in quotes if it contains a colon, and check the indentation"
    if "{{" in row:
        return "put values with braces in quotes"
    return "check quotes, colons and indentation around this line"


def _alias_fault(line: int) -> YamlFault:
    return YamlFault(
        "alias-not-allowed", "anchors and aliases are not supported here", line=line, hint="write the value out again"
    )


def _build(node: Node, seen: set[int], depth: int) -> Any:
    if node.tag is _PLAIN:
        return plain(node.value)
    if node.tag is _QUOTED:
        return _checked(node)
    if id(node) in seen:
        raise _alias_fault(node.start_mark.line + 1)
    if depth > MAX_DEPTH:
        raise _depth_fault(node.start_mark.line + 1)
    seen.add(id(node))
    if node.tag == "!map":
        return _mapping(node, seen, depth)
    if node.tag == "!seq":
        return [_build(item, seen, depth + 1) for item in node.value]
    raise _tag_fault(node)


def _mapping(node: Node, seen: set[int], depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, ScalarNode):
            hint = "put text that starts with { or [ in quotes"
            raise YamlFault("bad-key", "a key must be plain text", line=key_node.start_mark.line + 1, hint=hint)
        key = _checked(key_node)
        if key in data:
            line = key_node.start_mark.line + 1
            raise YamlFault("duplicate-key", f"{key} is given twice", line=line, hint="keep one of them")
        data[key] = _build(value_node, seen, depth + 1)
    return data


def _checked(node: Node) -> str:
    if node.tag not in (_PLAIN, _QUOTED):
        raise _tag_fault(node)
    value: str = node.value
    if _CONTROL.search(value):
        line = node.start_mark.line + 1
        raise YamlFault("control-character", "the text contains a control character", line=line, hint="remove it")
    return value


def _tag_fault(node: Node) -> YamlFault:
    line = node.start_mark.line + 1
    return YamlFault("tag-not-allowed", f"the tag {node.tag} is not supported here", line=line, hint="remove it")


def _collect(node: Node, path: Path_, found: dict[Path_, int]) -> None:
    if isinstance(node, MappingNode):
        for key_node, value_node in node.value:
            place = (*path, key_node.value)
            found[place] = key_node.start_mark.line + 1
            _collect(value_node, place, found)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            place = (*path, index)
            found[place] = item.start_mark.line + 1
            _collect(item, place, found)
