"""Write a new deployment file, by questions or by flags."""

from __future__ import annotations

import re
import sys
from typing import Any

import click

from runner import generated, new
from runner.cli import _complete
from runner.cli._app import App, yes_option
from runner.cli._wizard import Wizard
from runner.domain import Desired
from runner.errors import Blocked, InvalidFiles, UsageError
from runner.faults import suggestion
from runner.load import Loaded, load, read_settings, read_templates
from runner.models import NAME_PATTERN, Settings
from runner.render.wizard import file_text
from runner.scan import RESERVED
from runner.template import Template

GROUP = "Deploy"


@click.command()
@click.argument("template_id", required=False, metavar="[TEMPLATE]", shell_complete=_complete.templates)
@click.argument("name", required=False)
@click.option("--set", "words", multiple=True, metavar="KEY=VALUE", help="A parameter, or a field such as machine.gpu.")
@click.option("--provider", help="Where it runs; default: defaults.provider of runner.yaml.")
@yes_option
@click.pass_context
def command(
    ctx: click.Context,
    template_id: str | None,
    name: str | None,
    words: tuple[str, ...],
    provider: str | None,
    yes: bool,
) -> int:
    """Write deployments/NAME.yaml.

    Without TEMPLATE or NAME it goes through everything: template, model, where it fits, options. With both it asks only
    for what has no default. With --yes, and where there is nobody to ask, it takes the defaults.
    """
    app: App = ctx.obj
    templates, problems = read_templates(app.repo)
    settings, faults = read_settings(app.repo)
    if problems or faults:
        raise InvalidFiles([*problems, *faults])
    new_file = _NewFile(app, templates, settings)
    asks = not yes and _somebody_to_ask()
    walk = asks and (template_id is None or name is None)
    chosen, name = new_file.identity(template_id, name, asks=asks)
    given = new.fields(templates[chosen], [*words, *([f"provider={provider}"] if provider else [])])
    data = new_file.data(chosen, name, given, asks=asks, walk=walk)
    text, file = new.text(data), app.repo.relative(app.repo.deployment_file(name))
    if asks:
        app.output.show("\n" + file_text(file, text, style=app.output.err_style))
        if not app.output.confirm(f"Write {file}?", default=True):
            raise Blocked("nothing was written", code="not-confirmed", hint="confirm, or add --yes")
    generated.write(app.repo.deployment_file(name), text)
    shown = {"name": name, "file": file, "deployment": data, "text": text}
    app.output.result(shown, lambda: _done(app, name, "" if asks else text))
    if asks and not app.output.json and app.output.confirm("Plan it now?", default=True):
        from runner.cli.plan import command as plan

        ctx.invoke(plan, names=(name,))
    return 0


class _NewFile:
    """From words and answers to the fields of a file."""

    def __init__(self, app: App, templates: dict[str, Template], settings: Settings) -> None:
        self._app = app
        self._templates = templates
        self._settings = settings
        self._wizard = Wizard(app, templates, settings)

    def identity(self, template: str | None, name: str | None, *, asks: bool) -> tuple[str, str]:
        """Template and name. Raises UsageError when they are wrong."""
        if template is None:
            if not asks:
                raise UsageError("Template is needed", code="missing-answer", hint="give TEMPLATE")
            template = self._wizard.template()
        if template not in self._templates:
            hint = suggestion(template, self._templates)
            raise UsageError(f"there is no template {template}", code="unknown-template", hint=hint)
        if name is None:
            free = self._free_name(template)
            return template, self._wizard.name(free, self._name_problem) if asks else free
        problem = self._name_problem(name)
        if problem is not None:
            raise problem
        return template, name

    def data(self, chosen: str, name: str, given: dict[str, Any], *, asks: bool, walk: bool) -> dict[str, Any]:
        """The fields, checked. `walk`: ask for everything; `asks`: at least for what has no default."""
        template, loaded = self._templates[chosen], load(self._app.repo)
        data: dict[str, Any] = {"template": chosen, **given}
        if asks:
            new.check_given(name, data, self._templates, self._settings)
        if walk:
            data = self._wizard.model(template, data)
        if asks:
            data = self._wizard.needed(template, data)
        else:
            _require_answers(template, data)
        if walk:
            data = self._wizard.place(name, data)
        data = self._with_ports(name, data, loaded)
        if walk:
            data = self._wizard.options(template, data, lambda changed: self._check(name, changed))
            data = self._with_ports(name, data, loaded)
        self._check(name, data)
        return data

    def _with_ports(self, name: str, data: dict[str, Any], loaded: Loaded) -> dict[str, Any]:
        given = data.get("ports", {})
        ports = {**new.free_ports(self._check(name, data), loaded, given), **given}
        return {**data, "ports": ports} if ports else data

    def _check(self, name: str, data: dict[str, Any]) -> Desired:
        return new.check(name, data, self._templates, self._settings)

    def _name_problem(self, name: str) -> UsageError | None:
        path = self._app.repo.deployment_file(name)
        if not re.fullmatch(NAME_PATTERN, name):
            hint = "small letters, digits and hyphens, a letter first"
            return UsageError(f"{name!r} is not a name for a deployment", code="bad-name", hint=hint)
        if name in RESERVED:
            hint = "choose another name"
            return UsageError(f"{name} has a meaning of its own in Ansible", code="reserved-name", hint=hint)
        if path.exists():
            hint = "choose another name, or edit it"
            return UsageError(f"{self._app.repo.relative(path)} exists already", code="file-exists", hint=hint)
        return None

    def _free_name(self, template: str) -> str:
        names = (template, *(f"{template}-{number}" for number in range(2, 100)))
        return next(name for name in names if self._name_problem(name) is None)


def _require_answers(template: Template, data: dict[str, Any]) -> None:
    for key, param in new.questions(template, data).items():
        what = f"{param.description} ({key})" + (": where from, env:NAME or file:PATH" if param.secret else "")
        option = f"--set {key}=env:NAME" if param.secret else f"--set {key}=…"
        raise UsageError(f"{what} is needed", code="missing-answer", hint=f"give {option}")


def _somebody_to_ask() -> bool:
    """Python has no standard input at all where the caller closed it."""
    return sys.stdin is not None and sys.stdin.isatty()


def _done(app: App, name: str, text: str) -> str:
    style = app.output.style
    lines = [file_text(f"deployments/{name}.yaml", text, style=style), ""] if text else []
    return "\n".join([*lines, f"See what it would do: {style.command(f'runner plan {name}')}"])
