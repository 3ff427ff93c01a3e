"""Print or write the JSON Schemas that editors complete and check with."""

from __future__ import annotations

import json
from typing import Any

import click

from runner import generated
from runner.cli._app import App
from runner.schemas import KINDS, schema

GROUP = "Set up"


@click.command()
@click.argument("kind", required=False, type=click.Choice(sorted(KINDS)))
@click.option("--write", is_flag=True, help="Write all of them into schemas/.")
@click.option("--check", is_flag=True, help="Exit with 1 when the written ones are not current.")
@click.pass_obj
def command(app: App, kind: str | None, write: bool, check: bool) -> int:
    """Print the JSON Schema of one kind of file, or keep the committed ones current."""
    if kind:
        document = schema(kind, app.repo)
        app.output.result(document, lambda: _text(document))
    if not (write or check):
        if not kind:
            raise click.UsageError(f"name one of {', '.join(sorted(KINDS))}, or give --write")
        return 0
    stale, written = [], []
    for name in sorted(KINDS):
        path = app.repo.root / "schemas" / f"{name}.schema.json"
        if check and (not path.exists() or path.read_text(encoding="utf-8") != _text(schema(name, app.repo))):
            stale.append(app.repo.relative(path))
        elif write and generated.write(path, _text(schema(name, app.repo))):
            written.append(app.repo.relative(path))
            app.output.note(f"{written[-1]} written.")
    if stale:
        app.output.warn(f"not current: {', '.join(stale)}. Run: runner schema --write")
    if not kind:
        app.output.result({"current": not stale, "stale": stale, "written": written}, str)
    return 1 if stale else 0


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
