"""Check all files, or the named ones. No network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runner.cli._app import App
from runner.errors import InvalidFiles, UsageError
from runner.load import Loaded, load
from runner.render.units import plural


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.pass_obj
def command(app: App, files: tuple[Path, ...]) -> int:
    """Check deployments, templates and settings, and report every fault of every file at once."""
    loaded = load(app.repo)
    chosen = {_relative(app, path) for path in files}
    problems = [p for p in loaded.problems if not chosen or p.file in chosen]
    if problems:
        raise InvalidFiles(problems)
    notices = _notices(loaded, chosen)
    count = len(chosen) or len(loaded.desired)
    data = {"valid": True, "checked": count, "notices": notices}
    app.output.result(data, lambda: _text(count, notices))
    return 0


def _relative(app: App, path: Path) -> str:
    there = path.resolve()
    if not there.is_file():
        raise UsageError(
            f"{path} is not a file", code="no-such-file", hint="name files below deployments/ or templates/"
        )
    if not there.is_relative_to(app.repo.root):
        raise UsageError(f"{path} is not in the repository", code="outside-repository", hint="give --root DIR")
    return app.repo.relative(there)


def _notices(loaded: Loaded, chosen: set[str]) -> list[dict[str, Any]]:
    return [
        {"file": item.file, "field": field, "message": why}
        for item in loaded.desired.values()
        if not chosen or item.file in chosen
        for field, why in item.notices
    ]


def _text(count: int, notices: list[dict[str, Any]]) -> str:
    lines = [f"{plural(count, 'file')} valid."]
    lines += [f"  {n['file']}: {n['field']} {n['message']}" for n in notices]
    return "\n".join(lines)
