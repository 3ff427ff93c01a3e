"""start, stop and destroy: edit the desired state in the file, then reconcile that one deployment."""

from __future__ import annotations

from runner import edit, records
from runner.cli._app import App, selection
from runner.cli._reconcile import Consent, carry_out, plan_to_apply


def change_state(app: App, name: str, state: str, consent: Consent) -> int:
    """Returns the exit code."""
    if not app.repo.deployment_file(name).exists() and state == "absent" and records.read(app.repo, name) is not None:
        app.output.note(f"deployments/{name}.yaml is gone already; removing what is left.")
    elif edit.set_state(app.repo, name, state):
        app.output.note(f"deployments/{name}.yaml now says state: {state}. Commit it to keep it that way.")
    planned = plan_to_apply(app, selection((name,), ()))
    return carry_out(app, planned, consent, f"runner reconcile {name}")
