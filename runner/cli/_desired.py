"""start, stop and destroy: edit the desired state in the file, then reconcile that one deployment."""

from __future__ import annotations

from runner import edit, records, signals
from runner.cli._app import App, selection
from runner.cli._reconcile import Consent, carry_out, plan_to_apply
from runner.domain import Kind
from runner.errors import Blocked
from runner.scan import valid_name
from runner.workflow import Planned


def change_state(app: App, name: str, state: str, consent: Consent) -> int:
    """Returns the exit code. When nothing may be done, the file is put back as it was."""
    path = app.repo.deployment_file(name)
    before = path.read_bytes() if valid_name(name) and path.is_file() else None
    try:
        code = _change(app, name, state, consent)
    except BaseException:  # also Ctrl-C, and bugs
        _put_back(app, name, before)
        raise
    if code == Blocked.exit_code:
        _put_back(app, name, before)
    return code


def _change(app: App, name: str, state: str, consent: Consent) -> int:
    if not app.repo.deployment_file(name).exists() and state == "absent" and records.read(app.repo, name) is not None:
        app.output.note(f"deployments/{name}.yaml is gone already; removing what is left.")
    elif edit.set_state(app.repo, name, state):
        app.output.note(f"deployments/{name}.yaml now says state: {state}. Commit it to keep it that way.")
    planned = plan_to_apply(app, selection((name,), ()))
    _require_now(planned, name)
    return carry_out(app, planned, consent, f"runner reconcile {name}")


def _require_now(planned: Planned, name: str) -> None:
    """Raises Blocked where a hold keeps the deployment as it is: an edit that stays would be carried out when the hold
    ends, when nobody thinks of it any more.
    """
    want = planned.loaded.desired.get(name)
    for action in planned.plan.actions:
        if action.kind is Kind.HELD and want is not None and want.hold is not None:
            raise Blocked(f"{name} is {action.reason}", code="on-hold", hint=action.hint)


def _put_back(app: App, name: str, before: bytes | None) -> None:
    """What was begun is not taken back: the same command goes on from there."""
    path = app.repo.deployment_file(name)
    if app.begun or before is None:
        return
    with signals.ignored():
        if path.is_file() and path.read_bytes() == before:
            return
        path.write_bytes(before)
        app.output.note(f"deployments/{name}.yaml is as it was before.")
