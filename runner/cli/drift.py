"""Show what differs from the files, field by field. Read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runner.cli._app import App, exclude_option, names_argument, selection
from runner.domain import Action, Kind
from runner.errors import Blocked
from runner.render.plan_data import action_json
from runner.render.reports import drift_text
from runner.workflow import Planned, make_plan

if TYPE_CHECKING:
    from runner.deep import Finding

GROUP = "Look"

DRIFTED = 2


@click.command()
@names_argument
@exclude_option
@click.option(
    "--deep", is_flag=True, help="Also run the roles in check mode: finds what was changed by hand on machines."
)
@click.pass_obj
def command(app: App, names: tuple[str, ...], exclude: tuple[str, ...], deep: bool) -> int:
    """Show what differs between files and world. Never repairs. Exit code 2 when something drifted, 4 when unknown."""
    planned = make_plan(app.repo, selection(names, exclude))
    actions = planned.plan.actions
    unknown = [{"name": a.deployment, "error": a.reason, "hint": a.hint} for a in actions if a.kind is Kind.BLOCKED]
    rows = [_row(a) for a in actions if a.kind not in (Kind.NONE, Kind.BLOCKED)]
    if deep:
        from runner.deep import look

        findings = look(planned, app.redactor)
        rows += _deep_rows(planned, [finding for finding in findings if not finding.failed])
        unknown += [{"name": f.deployment, "error": f.message, "hint": ""} for f in findings if f.failed]
    data = {"deployments": rows, "checked": len(actions), "unknown": unknown}
    app.output.result(data, lambda: drift_text(data, style=app.output.style, verbose=app.output.verbose))
    if unknown:
        return Blocked.exit_code
    return DRIFTED if rows else 0


def _deep_rows(planned: Planned, findings: list[Finding]) -> list[dict[str, object]]:
    from runner.deep import BY_HAND, changes

    rows: list[dict[str, object]] = []
    for action in planned.plan.actions:
        mine = [finding for finding in findings if finding.deployment == action.deployment]
        if mine:
            found = [change for finding in mine for change in changes(finding)]
            about = {"name": action.deployment, "provider": action.provider, "changes": found}
            rows.append({**about, "reason": BY_HAND, "by_hand": True})
    return rows


def _row(action: Action) -> dict[str, object]:
    reason = f"would {action.kind}: {action.reason}"
    changes = action_json(action)["changes"]
    return {"name": action.deployment, "provider": action.provider, "reason": reason, "changes": changes}
