"""Check all files, or the named ones. No network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runner import scripts
from runner.cli._app import App
from runner.domain import Desired
from runner.errors import InvalidFiles, Problem, UsageError
from runner.load import Loaded, load
from runner.providers.outlook import images_of
from runner.registries import registry_of
from runner.render.units import plural

GROUP = "Deploy"

DEPLOYMENTS = "deployments/"
UNUSED_REGISTRY = "is not used: no image of a deployment comes from there"


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.pass_obj
def command(app: App, files: tuple[Path, ...]) -> int:
    """Check deployments, templates and settings, and report every fault of every file at once."""
    loaded = load(app.repo)
    chosen = {_relative(app, path) for path in files}
    problems = _problems(loaded, chosen)
    found, unchecked = scripts.lint(app.repo, _of(loaded, chosen))
    if problems or found:
        raise InvalidFiles([*problems, *found])
    notices = _notices(loaded, chosen)
    notices += [{"file": item.file, "field": "params.script", "message": why} for item, why in unchecked]
    count = len(chosen) or len(loaded.desired)
    data = {"valid": True, "checked": count, "notices": notices}
    app.output.result(data, lambda: _text(count, notices))
    return 0


def _problems(loaded: Loaded, chosen: set[str]) -> list[Problem]:
    """Those of the chosen files; and those of templates and settings when they keep a chosen one from being checked."""
    if not chosen:
        return loaded.problems
    unchecked = {f for f in chosen if f.startswith(DEPLOYMENTS)} - {item.file for item in loaded.desired.values()}
    return [p for p in loaded.problems if p.file in chosen or (unchecked and not p.file.startswith(DEPLOYMENTS))]


def _relative(app: App, path: Path) -> str:
    there = path.parent.resolve() / path.name
    if not there.is_file():
        raise UsageError(
            f"{path} is not a file", code="no-such-file", hint="name files below deployments/ or templates/"
        )
    if not there.is_relative_to(app.repo.root):
        raise UsageError(f"{path} is not in the repository", code="outside-repository", hint="give --root DIR")
    if there.parent not in (app.repo.deployments, app.repo.templates) and there != app.repo.settings:
        hint = "name files in deployments/ or templates/, or runner.yaml"
        raise UsageError(f"{path} is nothing that is checked here", code="not-checked", hint=hint)
    return app.repo.relative(there)


def _notices(loaded: Loaded, chosen: set[str]) -> list[dict[str, Any]]:
    settings = loaded.repo.relative(loaded.repo.settings)
    found = [(settings, *notice) for notice in loaded.notices]
    found += [(settings, f"registries.{name}", UNUSED_REGISTRY) for name in _unused_registries(loaded)]
    found += [(item.file, *notice) for item in loaded.desired.values() for notice in item.notices]
    return [
        {"file": file, "field": field, "message": why} for file, field, why in found if not chosen or file in chosen
    ]


def _unused_registries(loaded: Loaded) -> list[str]:
    images = [image for item in loaded.desired.values() for image in images_of(item.spec)]
    used = {registry_of(image) for image in images}
    return sorted(loaded.settings.get("registries", {}).keys() - used)


def _of(loaded: Loaded, chosen: set[str]) -> list[Desired]:
    return [item for item in loaded.desired.values() if not chosen or item.file in chosen]


def _text(count: int, notices: list[dict[str, Any]]) -> str:
    lines = [f"{plural(count, 'file')} valid."]
    lines += [f"  {n['file']}: {n['field']} {n['message']}" for n in notices]
    return "\n".join(lines)
