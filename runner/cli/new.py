"""Write a new deployment file, by questions or by flags."""

from __future__ import annotations

import re
import sys
from typing import Any

import click

from runner import generated, new
from runner.cli._app import App
from runner.errors import InvalidFiles, UsageError
from runner.faults import suggestion
from runner.load import load, read_settings, read_templates
from runner.models import NAME_PATTERN
from runner.scan import RESERVED
from runner.template import Param, Template


@click.command()
@click.argument("template_id", required=False, metavar="[TEMPLATE]")
@click.argument("name", required=False)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter, or a field such as machine.gpu."
)
@click.option("--provider", help="Where it runs; default: defaults.provider of runner.yaml.")
@click.pass_obj
def command(
    app: App, template_id: str | None, name: str | None, settings: tuple[str, ...], provider: str | None
) -> int:
    """Write deployments/NAME.yaml. Asks only what has no default, and only when there is somebody to ask."""
    templates, problems = read_templates(app.repo)
    if problems:
        raise InvalidFiles(problems)
    chosen = _template(app, templates, template_id)
    name = name or _ask("Name", default=_free_name(app, chosen), option="NAME")
    path = app.repo.deployment_file(name)
    if not re.fullmatch(NAME_PATTERN, name):
        hint = "small letters, digits and hyphens, a letter first"
        raise UsageError(f"{name!r} is not a name for a deployment", code="bad-name", hint=hint)
    if name in RESERVED:
        raise UsageError(
            f"{name} has a meaning of its own in Ansible", code="reserved-name", hint="choose another name"
        )
    if path.exists():
        hint = "choose another name, or edit it"
        raise UsageError(f"{app.repo.relative(path)} exists already", code="file-exists", hint=hint)
    data = _data(app, chosen, templates, list(settings), provider, name)
    generated.write(path, new.text(data))
    shown = {"name": name, "file": app.repo.relative(path), "deployment": data}
    app.output.result(shown, lambda: _done(app, name, new.text(data)))
    return 0


def _template(app: App, templates: dict[str, Template], given: str | None) -> str:
    ready = [key for key, template in templates.items() if template.status == "active"]
    if given is None:
        if _somebody_to_ask():
            app.output.note("Ready to deploy: " + ", ".join(ready) + ". All of them: runner templates")
        given = _ask("Template", default=ready[0] if ready else "", option="TEMPLATE")
    if given not in templates:
        raise UsageError(f"there is no template {given}", code="unknown-template", hint=suggestion(given, templates))
    return given


def _data(
    app: App, chosen: str, templates: dict[str, Template], settings: list[str], provider: str | None, name: str
) -> dict[str, Any]:
    template = templates[chosen]
    data: dict[str, Any] = {"template": chosen, **new.fields(template, settings)}
    if provider:
        data["provider"] = provider
    for key, param in new.questions(template, data).items():
        where = "secrets" if param.secret else "params"
        data.setdefault(where, {})[key] = _answer(key, param)
    defaults = read_settings(app.repo)[0]
    place = new.check(name, data, templates, defaults)
    ports = {**new.free_ports(template, load(app.repo), place), **data.get("ports", {})}
    if ports:
        data["ports"] = ports
        new.check(name, data, templates, defaults)
    return data


def _answer(key: str, param: Param) -> Any:
    if param.secret:
        return _ask(f"{param.description} ({key}): where from, env:NAME or file:PATH", option=f"--set {key}=env:NAME")
    choices = click.Choice([str(choice) for choice in param.choices]) if param.choices else None
    return new.value(_ask(f"{param.description} ({key})", option=f"--set {key}=…", choices=choices))


def _ask(question: str, *, option: str, default: str = "", choices: click.ParamType[str] | None = None) -> str:
    if not _somebody_to_ask():
        raise UsageError(f"{question} is needed", code="missing-answer", hint=f"give {option}")
    answer: str = click.prompt(question, default=default or None, type=choices, err=True)
    return answer


def _somebody_to_ask() -> bool:
    """Python has no standard input at all where the caller closed it."""
    return sys.stdin is not None and sys.stdin.isatty()


def _free_name(app: App, template_id: str) -> str:
    names = (template_id, *(f"{template_id}-{number}" for number in range(2, 100)))
    return next(name for name in names if not app.repo.deployment_file(name).exists())


def _done(app: App, name: str, text: str) -> str:
    style = app.output.style
    lines = [f"deployments/{name}.yaml", *(f"  {line}" for line in text.splitlines()), ""]
    return "\n".join([*lines, f"See what it would do: {style.command(f'runner plan {name}')}"])
