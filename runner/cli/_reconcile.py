"""Show, ask, apply, report: what reconcile, start, stop, restart and destroy have in common."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from runner import identity
from runner.apply import Applied, Job, apply, recover
from runner.cli._app import App
from runner.domain import Plan
from runner.errors import Blocked
from runner.load import load
from runner.locks import Lease
from runner.render.plan import plan_text
from runner.render.plan_data import plan_json
from runner.results import Result
from runner.workflow import Planned, Selection, plan_loaded, require_allowed, without_adoptions

INTERRUPTED, FAILED, BLOCKED = 130, 1, Blocked.exit_code


@dataclass(frozen=True, slots=True)
class Consent:
    """What the caller has agreed to."""

    yes: bool = False
    allow_destroy: int | None = None
    """None: nothing may be destroyed. 0: what the plan says. N: exactly N."""
    wait_s: float = 0.0
    adopt: bool = False
    """What carries our mark and is on no record is taken over. Never follows from `yes`."""
    by_hand: frozenset[str] = frozenset()
    """What was changed by hand on machines, which no plan sees, is put back for these deployments."""


def plan_to_apply(app: App, selection: Selection) -> Planned:
    """A plan that is about to be carried out: nothing of a killed run is in its way."""
    loaded = load(app.repo)
    loaded.require_settings()
    recover(loaded)
    loaded.require_valid(selection.names)
    return plan_loaded(loaded, selection)


def carry_out(app: App, planned: Planned, consent: Consent, command: str) -> int:
    """Returns the exit code. Nothing is touched before the plan was shown and agreed to."""
    output = app.output
    planned = planned if consent.adopt else replace(planned, plan=without_adoptions(planned.plan))
    plan = planned.plan
    if not output.json:
        output.show(plan_text(plan, style=output.err_style, verbose=output.verbose, command=""))
        for warning in planned.observed.warnings:
            output.warn(warning)
    if not plan.changing:
        output.result({"plan": plan_json(plan), "results": []}, str)
        return BLOCKED if plan.refused else 0
    require_allowed(planned, consent.allow_destroy)
    if not consent.yes and not output.confirm(f"Apply {len(plan.changing)} of these now?"):
        output.note("Nothing was changed.")
        output.result({"plan": plan_json(plan), "results": []}, str)
        return BLOCKED
    applied = _apply(app, _identified(app, planned), consent, command)
    output.result({"run": applied.run, "plan": plan_json(plan), "results": [asdict(r) for r in applied.results]}, str)
    return _exit_code(applied, plan)


def _identified(app: App, planned: Planned) -> Planned:
    """Something is about to be created: from here on it needs a mark."""
    loaded, made = identity.identified(planned.loaded)
    if made:
        app.output.note(f"runner.yaml has an id now: {loaded.repo_id}. Commit it: it marks what is ours.")
    return replace(planned, loaded=loaded)


def _apply(app: App, planned: Planned, consent: Consent, command: str) -> Applied:
    from runner.render.progress import make_progress

    output = app.output
    with make_progress(output, planned.plan.changing) as progress:
        job = Job(
            planned=planned,
            redactor=app.redactor,
            purpose=command,
            on_event=progress.handle,
            on_wait=lambda lease: output.note(_waiting(lease)),
            wait_s=consent.wait_s,
            asked_for=consent.by_hand,
            on_begin=lambda: setattr(app, "begun", True),
        )
        applied = apply(job)
        for result in applied.results:
            progress.handle(_event(result))
    if applied.error:
        output.warn(applied.error)
    if not applied.results:
        output.note("Another run did it meanwhile; nothing was left to do.")
    elif output.verbosity > 0 or any(r.failed for r in applied.results):
        output.note(f"Events and Ansible's own log: .runner/runs/{applied.run}/")
    return applied


def _event(result: Result) -> dict[str, object]:
    return {
        "deployment": result.deployment,
        "kind": "result",
        "step": result.action,
        "status": result.result,
        "seconds": result.seconds,
        "message": result.error,
        "hint": result.hint,
        "url": result.url,
    }


def _waiting(lease: Lease) -> str:
    return f"Waiting for {lease.deployment}: {lease.who} holds its lock ({lease.purpose})."


def _exit_code(applied: Applied, plan: Plan) -> int:
    if applied.interrupted:
        return INTERRUPTED
    if applied.error or any(result.failed for result in applied.results):
        return FAILED
    return BLOCKED if plan.refused else 0
