"""Make the world as the files say: plan, show, ask, apply, write back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from runner import bounded, readback
from runner.cli._app import App, exclude_option, names_argument, selection, wait_option, yes_option
from runner.cli._reconcile import Consent, carry_out, plan_to_apply
from runner.domain import Plan
from runner.errors import UsageError
from runner.render.plan_data import plan_from_json
from runner.workflow import require_same

GROUP = "Deploy"

ANY = "any"
LONGEST_PLAN = 256 * 1024 * 1024
"""Bytes; a plan of ten thousand deployments has some megabytes."""


class Count(click.ParamType[int]):
    """How many destroys are allowed: `--allow-destroy` alone means any (0)."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """A number that was written must be one, so that a script's empty count never means any."""
        if value == ANY:
            return 0
        if not re.fullmatch(r"0*[1-9][0-9]*", str(value)):
            self.fail(f"{value!r} is not a number of destroys; leave the option out to allow none", param, ctx)
        return int(value)


@click.command()
@names_argument
@exclude_option
@yes_option
@click.option(
    "--allow-destroy",
    type=Count(),
    is_flag=False,
    flag_value=ANY,
    default=None,
    metavar="[N]",
    help="Allow destroys and replacements; with a number, exactly that many.",
)
@click.option(
    "--plan", "plan_file", type=click.Path(dir_okay=False, path_type=Path), help="Apply exactly this saved plan."
)
@click.option("--adopt", is_flag=True, help="Also take over what carries our mark and is on no record.")
@click.option("--deep", is_flag=True, help="Also look onto the machines, and put back what was changed by hand.")
@wait_option
@click.pass_obj
def command(
    app: App,
    names: tuple[str, ...],
    exclude: tuple[str, ...],
    yes: bool,
    allow_destroy: int | None,
    plan_file: Path | None,
    adopt: bool,
    deep: bool,
    wait_s: float,
) -> int:
    """Plan, show the plan, ask, apply it, and write access details back."""
    if deep and plan_file is not None:
        raise UsageError("a saved plan knows nothing of a deep look", code="usage", hint="give --deep or --plan")
    planned, by_hand = plan_to_apply(app, selection(names, exclude)), frozenset[str]()
    if plan_file is not None:
        require_same(_saved(plan_file), planned)
    if deep:
        from runner.deep import look, repaired

        planned, by_hand = repaired(planned, look(planned, app.redactor))
    consent = Consent(
        yes=yes or plan_file is not None, allow_destroy=allow_destroy, wait_s=wait_s, adopt=adopt, by_hand=by_hand
    )
    return carry_out(app, planned, consent, "runner reconcile")


def _saved(path: Path) -> Plan:
    try:
        return plan_from_json(readback.parsed(bounded.read(path, LONGEST_PLAN)))
    except (bounded.OddFile, bounded.NoFile, readback.Damaged) as error:
        hint = "make one: runner plan --out FILE"
        raise UsageError(f"{path} is not a saved plan", code="bad-plan-file", hint=hint) from error
