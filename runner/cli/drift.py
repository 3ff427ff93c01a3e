"""Show what differs from the files, field by field. Read-only."""

from __future__ import annotations

import click

from runner.cli._app import App, exclude_option, names_argument, selection
from runner.domain import Action, Kind
from runner.render.plan_data import action_json
from runner.render.reports import drift_text
from runner.workflow import make_plan

DRIFTED = 2


@click.command()
@names_argument
@exclude_option
@click.pass_obj
def command(app: App, names: tuple[str, ...], exclude: tuple[str, ...]) -> int:
    """Show what differs between files and world. Never repairs. Exit code 2 when something drifted."""
    actions = make_plan(app.repo, selection(names, exclude)).plan.actions
    drifted = [a for a in actions if a.kind not in (Kind.NONE, Kind.BLOCKED)]
    data = {
        "deployments": [_row(a) for a in drifted],
        "checked": len(actions),
        "unknown": [
            {"name": a.deployment, "error": a.reason, "hint": a.hint} for a in actions if a.kind is Kind.BLOCKED
        ],
    }
    app.output.result(data, lambda: drift_text(data, style=app.output.style, verbose=app.output.verbose))
    return DRIFTED if drifted else 0


def _row(action: Action) -> dict[str, object]:
    reason = f"would {action.kind}: {action.reason}"
    changes = action_json(action)["changes"]
    return {"name": action.deployment, "provider": action.provider, "reason": reason, "changes": changes}
