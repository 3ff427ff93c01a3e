"""Changes one field of a deployment file and nothing else: comments, order and quotes stay as people wrote them."""

from __future__ import annotations

from pathlib import Path

from runner import generated, yamlfile
from runner.errors import InvalidFiles, Problem, UsageError
from runner.repo import Repo


def set_state(repo: Repo, name: str, state: str) -> bool:
    """Set `state:` of a deployment. Says whether the file changed. Raises UsageError, InvalidFiles."""
    path = repo.deployment_file(name)
    if not path.exists():
        raise UsageError(
            f"{repo.relative(path)} does not exist", code="unknown-deployment", hint="see: runner status"
        )
    return set_field(repo, path, "state", state, after="provider")


def set_field(repo: Repo, path: Path, key: str, value: str, *, after: str) -> bool:
    """Set a top-level field to a plain word; a new one goes below the field `after`, else to the end."""
    try:
        text = yamlfile.read(path)
        span = yamlfile.scalar_span(text, key)
        places = yamlfile.lines(text)
    except yamlfile.YamlFault as fault:
        problem = Problem(fault.code, fault.message, file=repo.relative(path), line=fault.line, hint=fault.hint)
        raise InvalidFiles([problem]) from fault
    if span is not None:
        new = text[: span[0]] + value + text[span[1] :]
    else:
        new = _inserted(text, f"{key}: {value}\n", _end_of(places, after))
    return generated.write(path, new, mode=path.stat().st_mode & 0o777)


def _end_of(places: dict[yamlfile.Path_, int], key: str) -> int:
    """The last line (1-based) of a top-level field's block; 0 when it is not there."""
    return max((line for place, line in places.items() if place[0] == key), default=0)


def _inserted(text: str, row: str, line: int) -> str:
    rows = text.splitlines(keepends=True)
    if rows and not rows[-1].endswith("\n"):
        rows[-1] += "\n"
    rows.insert(line or len(rows), row)
    return "".join(rows)
