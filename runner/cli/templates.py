"""Show the templates to choose from, or the form of one."""

from __future__ import annotations

import click

from runner.cli import _complete
from runner.cli._app import App
from runner.errors import InvalidFiles, UsageError
from runner.faults import suggestion
from runner.load import read_templates
from runner.render.gallery import template_text, templates_text

GROUP = "Choose"


@click.command()
@click.argument("template_id", required=False, metavar="[ID]", shell_complete=_complete.templates)
@click.pass_obj
def command(app: App, template_id: str | None) -> int:
    """Show the gallery, or everything that can be chosen for one template."""
    found, problems = read_templates(app.repo)
    if problems:
        raise InvalidFiles(problems)
    style = app.output.style
    listed = [{"id": key, **template.model_dump(mode="json")} for key, template in found.items()]
    if template_id is None:
        app.output.result(
            {"templates": listed},
            lambda: templates_text({"templates": listed}, style=style, verbose=app.output.verbose),
        )
        return 0
    one = next((item for item in listed if item["id"] == template_id), None)
    if one is None:
        hint = suggestion(template_id, found)
        raise UsageError(f"there is no template {template_id}", code="unknown-template", hint=hint)
    app.output.result(one, lambda: template_text(one, style=style))
    return 0
