"""One YAML file at a time: read, parsed, checked by its model, with each fault at its line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import Problem

if TYPE_CHECKING:
    from runner.faults import Fault

MOST_OF_A_FILE = 30
"""Faults of one file that are reported at once."""


def read(path: Path, relative: str, model: Any) -> tuple[Any, list[Problem]]:
    """A file as its model, or its faults."""
    from pydantic import ValidationError

    from runner.faults import of_model

    data, problems = parsed(path, relative)
    if data is None:
        return None, problems
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, placed(of_model(error, model, data), relative, path)


def parsed(path: Path, relative: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """A file as plain data, or the fault that it cannot be read."""
    from runner import markers, yamlfile

    try:
        data = yamlfile.parse(yamlfile.read(path))
    except yamlfile.YamlFault as fault:
        return None, [Problem(fault.code, fault.message, file=relative, line=fault.line, hint=fault.hint)]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return None, [
            Problem("unreadable-file", f"cannot be read: {reason}", file=relative, hint="check its permissions")
        ]
    found = placed(markers.faults(data), relative, path)
    return None if found else data, found


def placed(faults: Iterable[Fault], relative: str, path: Path) -> list[Problem]:
    """Faults tied to lines; the file is parsed a second time only when there are any."""
    listed = list(faults)
    if not listed:
        return []
    from runner import yamlfile
    from runner.faults import dotted

    places = yamlfile.lines(yamlfile.read(path))
    found = [
        Problem(
            fault.code,
            fault.message,
            file=relative,
            line=yamlfile.line_of(places, fault.path),
            field=dotted(fault.path),
            hint=fault.hint,
        )
        for fault in listed
    ]
    return _first(found, relative)


def _first(problems: list[Problem], relative: str) -> list[Problem]:
    """What a person can take in of one file at once."""
    from runner.faults import TOO_MANY

    each = sorted((one for one in problems if one.code != TOO_MANY.code), key=lambda one: (one.line, one.field))
    if len(each) <= MOST_OF_A_FILE and len(each) == len(problems):
        return problems
    return [*each[:MOST_OF_A_FILE], Problem(TOO_MANY.code, TOO_MANY.message, file=relative, line=1, hint=TOO_MANY.hint)]
