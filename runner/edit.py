"""Changes one field of a deployment file and nothing else: comments, order and quotes stay as people wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runner import generated, yamlfile
from runner.errors import InvalidFiles, Problem, UsageError
from runner.repo import Repo
from runner.scan import valid_name

DEFAULT_STATE = "running"


def set_state(repo: Repo, name: str, state: str) -> bool:
    """Set `state:` of a deployment. Says whether the file changed. Raises UsageError, InvalidFiles."""
    if not valid_name(name):
        raise UsageError(f"{name!r} is not a name of a deployment", code="bad-name", hint="see: runner status")
    path = repo.deployment_file(name)
    if not path.exists():
        raise UsageError(f"{repo.relative(path)} does not exist", code="unknown-deployment", hint="see: runner status")
    if state == DEFAULT_STATE and "state" not in _read(repo, path)[1]:
        return False
    return set_field(repo, path, "state", state, after="provider")


def set_field(repo: Repo, path: Path, key: str, value: str, *, after: str, comment: str = "") -> bool:  # noqa: PLR0913 - one line of YAML
    """Set a top-level field to a plain word; a new one goes below the field `after`, else to the end."""
    text, before = _read(repo, path)
    if before.get(key) == value:
        return False
    row = f"# {comment}\n{key}: {value}" if comment else f"{key}: {value}"
    new = next((new for new in _attempts(text, key, value, row, after) if _parsed(new) == {**before, key: value}), None)
    if new is None:
        hint = f"write {key}: {value} into it by hand"
        raise UsageError(
            f"{repo.relative(path)} is written in a way that cannot be edited", code="cannot-edit", hint=hint
        )
    return generated.write(path, new, mode=path.stat().st_mode & 0o777)


def _read(repo: Repo, path: Path) -> tuple[str, dict[str, Any]]:
    """(text, fields). Raises InvalidFiles."""
    try:
        text = yamlfile.read(path)
        return text, yamlfile.parse(text)
    except yamlfile.YamlFault as fault:
        problem = Problem(fault.code, fault.message, file=repo.relative(path), line=fault.line, hint=fault.hint)
        raise InvalidFiles([problem]) from fault


def add_field(repo: Repo, path: Path, key: str, value: str, *, comment: str) -> None:
    """Give a file of settings a field that it lacks, with a line of comment; a file that is not there is made."""
    if path.exists():
        set_field(repo, path, key, value, after="", comment=comment)
    else:
        generated.write(path, f"# {comment}\n{key}: {value}\n")


def _attempts(text: str, key: str, value: str, row: str, after: str) -> Iterator[str]:
    """Ways to edit, the nicest first; people lay out YAML in more ways than a line number can tell."""
    span = yamlfile.scalar_span(text, key)
    if span is not None:
        start, end = span
        yield text[:start] + (value if end > start else f" {value}") + text[end:]
    else:
        yield _inserted(text, row, _end_of(yamlfile.lines(text), after))
        yield _inserted(text, row, 0)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return yamlfile.parse(text)
    except yamlfile.YamlFault:
        return None


def _end_of(places: dict[yamlfile.Path_, int], key: str) -> int:
    """The last line (1-based) of a top-level field's block; 0 when it is not there."""
    return max((line for place, line in places.items() if place[0] == key), default=0)


def _inserted(text: str, row: str, line: int) -> str:
    rows = text.splitlines(keepends=True)
    newline = "\r\n" if rows and rows[0].endswith("\r\n") else "\n"
    if rows and not rows[-1].endswith(("\n", "\r")):
        rows[-1] += newline
    rows.insert(line or len(rows), row.replace("\n", newline) + newline)
    return "".join(rows)
