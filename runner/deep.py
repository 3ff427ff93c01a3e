"""Deep drift: runs the roles in check mode and tells what they would change, and how a plan puts it right. Touches
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner import ansible_causes, ansible_run, hosts, runs
from runner.ansible_run import HostResult
from runner.domain import ORDER, Action, Change, Kind
from runner.redact import Redactor
from runner.runs import Event
from runner.workflow import Planned

PLAYBOOK = "site.yml"
BY_HAND = "changed by hand on its machine"
NOT_CHECKED = "not-checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One step that would change something, or a deployment that could not be checked."""

    deployment: str
    step: str
    message: str
    failed: bool = False
    changes: tuple[dict[str, Any], ...] = ()
    """{field, before, after}, where the step can tell."""


def look(planned: Planned, redactor: Redactor) -> list[Finding]:
    """What somebody changed by hand on the machines of all deployments that seem to be in sync and run."""
    loaded = planned.loaded
    actions = tuple(_checked(a) for a in planned.plan.actions if a.kind is Kind.NONE and _runs(planned, a.deployment))
    if not actions:
        return []
    run = runs.start(loaded.repo, runs.new_id(), redactor)
    findings: list[Finding] = []

    def on_event(event: Event) -> None:
        full = run.event({**event, "kind": "check"})
        if full["status"] in ("changed", "failed", "unreachable") and full["deployment"]:
            failed = full["status"] != "changed"
            changes = tuple(full.get("changes", ()))
            findings.append(Finding(full["deployment"], full["step"], full["message"], failed, changes))

    hosts_file = run.write("hosts.json", hosts.hosts_for_actions(loaded, planned.records, actions))
    try:
        outcome = ansible_run.run(
            loaded.repo,
            PLAYBOOK,
            hosts_file,
            run_id=run.id,
            on_event=on_event,
            cancelled=lambda: False,
            redact=redactor.stream().text,
            check=True,
        )
    finally:
        run.close()
    return findings + _unchecked(outcome, [a.deployment for a in actions], {f.deployment for f in findings if f.failed})


def repaired(planned: Planned, findings: Sequence[Finding]) -> tuple[Planned, frozenset[str]]:
    """The plan that also puts back what was changed by hand, and the names of these deployments. What could not be
    checked is blocked: silence is no proof. Pure.
    """
    actions = tuple(_repair(a, [f for f in findings if f.deployment == a.deployment]) for a in planned.plan.actions)
    names = frozenset(a.deployment for a in actions if a.kind is Kind.UPDATE and a.reason == BY_HAND)
    ordered = tuple(sorted(actions, key=lambda action: ORDER.index(action.kind)))
    return replace(planned, plan=replace(planned.plan, actions=ordered)), names


def _repair(action: Action, findings: Sequence[Finding]) -> Action:
    if not findings or action.kind is not Kind.NONE:
        return action
    if failed := next((finding for finding in findings if finding.failed), None):
        hint = "see: runner drift --deep"
        return replace(action, kind=Kind.BLOCKED, reason=failed.message, hint=hint, code=NOT_CHECKED)
    found = tuple(Change(c["field"], c["before"], c["after"]) for f in findings for c in changes(f))
    return replace(action, kind=Kind.UPDATE, reason=BY_HAND, changes=found)


def changes(finding: Finding) -> list[dict[str, Any]]:
    """Field by field where the step can tell, else the step itself."""
    if finding.changes:
        return [dict(change) for change in finding.changes]
    return [{"field": finding.step, "before": finding.message or "differs", "after": "as applied"}]


def _unchecked(outcome: ansible_run.Outcome, names: Sequence[str], told: Collection[str]) -> list[Finding]:
    """Silence is no proof: what Ansible did nothing on was not looked at."""
    cause = ansible_causes.before_any_host(outcome.output, outcome.status)
    why = f"it could not be checked: {cause.message}"
    silent = [name for name in names if name not in told and not outcome.hosts.get(name, HostResult()).ok]
    return [Finding(name, "", why, failed=True) for name in silent]


def _checked(action: Action) -> Action:
    return replace(action, kind=Kind.UPDATE, reason="is it as it was applied?")


def _runs(planned: Planned, name: str) -> bool:
    want = planned.loaded.desired.get(name)
    return want is not None and want.state == "running"
