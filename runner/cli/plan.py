"""Show what a reconcile would do, with reasons and prices."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from runner import generated
from runner.cli._app import App, exclude_option, names_argument, selection
from runner.domain import Kind, Plan
from runner.errors import Blocked, UsageError
from runner.render.plan import plan_text
from runner.render.plan_data import plan_json
from runner.render.units import plural
from runner.workflow import make_plan

GROUP = "Deploy"

CHANGES_PENDING = 2


@click.command()
@names_argument
@exclude_option
@click.option("--markdown", is_flag=True, help="As a comment for a pull request.")
@click.option(
    "--out", "out_file", type=click.Path(dir_okay=False, path_type=Path), help="Save it for reconcile --plan."
)
@click.option("--refresh-only", is_flag=True, help="Only look: exit 0 whatever is pending.")
@click.pass_obj
def command(
    app: App,
    names: tuple[str, ...],
    exclude: tuple[str, ...],
    markdown: bool,
    out_file: Path | None,
    refresh_only: bool,
) -> int:
    """Show what a reconcile would do. Exit code 2 when changes are pending, 4 when something is blocked."""
    # What comments on a pull request is not what applies it, and has no secrets.
    planned = make_plan(app.repo, selection(names, exclude), secrets_here=not markdown)
    plan, output = planned.plan, app.output
    if out_file is not None:
        _save(out_file, app.redactor.data(plan_json(plan)))
        output.note(f"Saved. Apply exactly this: runner reconcile --plan {out_file}")
    if markdown and not output.json:
        from runner.render.plan_markdown import plan_markdown

        output.result(None, lambda: plan_markdown(plan, style=output.style))
    else:
        output.result(
            plan_json(plan),
            lambda: plan_text(plan, style=output.style, verbose=output.verbose, command=_applies(names, exclude)),
        )
    for warning in planned.observed.warnings:
        output.warn(warning)
    if planned.observed.orphans:
        count = len(planned.observed.orphans)
        output.warn(f"{plural(count, 'orphan')}: our mark, but no file and no record. See: runner orphans")
    refused = {action.provider for action in plan.refused}
    for name, error in planned.observed.failed.items():
        if name not in refused:
            output.warn(f"{name} could not be asked for orphans: {error}")
    return 0 if refresh_only else _exit_code(plan)


def _applies(names: tuple[str, ...], exclude: tuple[str, ...]) -> str:
    """What applies that which was shown, and nothing else."""
    return shlex.join(["runner", "reconcile", *names, *(f"--exclude={name}" for name in exclude)])


def _save(path: Path, data: Any) -> None:
    try:
        generated.write(path, json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}"
        raise UsageError(message, code="cannot-write", hint="choose another file") from error


def _exit_code(plan: Plan) -> int:
    if any(action.kind is Kind.BLOCKED for action in plan.actions):
        return Blocked.exit_code
    return CHANGES_PENDING if plan.changing else 0
