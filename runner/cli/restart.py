"""Restart services without changing their files."""

from __future__ import annotations

from dataclasses import replace

import click

from runner.cli import _complete
from runner.cli._app import App, selection, wait_option
from runner.cli._reconcile import Consent, carry_out, plan_to_apply
from runner.domain import Action, Kind, Observation
from runner.errors import UsageError
from runner.workflow import completed

GROUP = "Deploy"


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=_complete.deployments)
@wait_option
@click.pass_obj
def command(app: App, names: tuple[str, ...], wait_s: float) -> int:
    """Stop running services, start them again, and wait until they are healthy. Pending changes are applied too."""
    planned = plan_to_apply(app, selection(names, ()))
    observed = planned.observed.by_name
    actions = tuple(_restarted(a.deployment, a, observed[a.deployment]) for a in planned.plan.actions)
    planned = completed(replace(planned, plan=replace(planned.plan, actions=actions)))
    return carry_out(app, planned, Consent(yes=True, wait_s=wait_s), f"runner restart {' '.join(names)}")


def _restarted(name: str, action: Action, have: Observation) -> Action:
    """What needs nothing and runs is restarted; an update restarts anyway."""
    if action.kind is not Kind.NONE:
        return action
    if have.resource is None or have.resource.state != "running":
        raise UsageError(f"{name} does not run: {action.reason}", code="not-running", hint=f"runner start {name}")
    return replace(action, kind=Kind.RESTART, reason="restart was asked for")
