"""Show how to use a service: links, snippets, secrets."""

from __future__ import annotations

from typing import Any

import click

from runner import access, health, records, sentences, vault, yamlfile
from runner.cli import _handover as handover
from runner.cli._app import App, name_argument
from runner.domain import Record
from runner.errors import UsageError
from runner.render.access import access_text

GROUP = "Use"

HEALTH = {"healthy": "healthy", "starting": "progressing", "unhealthy": "degraded"}


@click.command()
@name_argument
@click.option("--show-secrets", is_flag=True, help="Decrypt and show passwords and tokens.")
@click.option("--open", "open_link", is_flag=True, help="Open the first link in the browser.")
@click.option("--secret", metavar="NAME", help="Print the bare value of this secret, nothing else.")
@click.option("--env", "as_env", is_flag=True, help="Print lines to source: addresses and secrets as variables.")
@click.option("--copy", "to_clipboard", is_flag=True, help="With --secret: to the clipboard instead.")
@click.pass_obj
def command(
    app: App, name: str, show_secrets: bool, open_link: bool, secret: str | None, as_env: bool, to_clipboard: bool
) -> int:
    """Show the access panel of a deployment, or hand its secrets to other programs."""
    record = _record(app, name)
    if to_clipboard and not secret:
        raise UsageError(
            "--copy goes with --secret NAME", code="usage", hint=f"runner access {name} --secret NAME --copy"
        )
    if secret:
        return _hand_over(app, record, secret, to_clipboard=to_clipboard)
    if as_env:
        variables = handover.environment(app, record, access.facts(record))
        app.output.result({"name": name, "variables": variables}, lambda: handover.exports(variables))
        return 0
    panel = access.panel(record, access.source(_template(app, record)))
    data = {
        **panel,
        "provider": _where(panel),
        **_health(record),
        "secrets": _secrets(app, record, show=show_secrets),
        "commands": _commands(name, tunnel=bool(panel["tunnel"])),
    }
    app.output.result(data, lambda: access_text(data, style=app.output.style))
    if open_link and panel["endpoints"]:
        click.launch(panel["endpoints"][0]["url"])
    return 0


def _hand_over(app: App, record: Record, name: str, *, to_clipboard: bool) -> int:
    value = handover.secret(app, record, name)
    if to_clipboard:
        handover.copy(value)
        app.output.note(f"{name} is in the clipboard.")
    else:
        app.output.result({"name": name, "value": value}, lambda: value)
    return 0


def _record(app: App, name: str) -> Record:
    record = records.read(app.repo, name)
    if record is None:
        raise UsageError(f"{name} was never deployed", code="unknown-deployment", hint=f"runner reconcile {name}")
    if not record.spec or not record.endpoints:
        raise UsageError(f"{name} is not finished", code="not-finished", hint=f"runner reconcile {name}")
    return record


def _template(app: App, record: Record) -> dict[str, Any]:
    path = app.repo.templates / f"{record.spec['template']}.yaml"
    file, hint = app.repo.relative(path), "restore it from git"
    try:
        return yamlfile.parse(yamlfile.read(path))
    except yamlfile.YamlFault as fault:
        raise UsageError(fault.message, code=fault.code, hint=fault.hint or hint, where=file) from fault
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", code="unreadable-file", hint=hint) from error


def _where(panel: dict[str, Any]) -> str:
    here = panel["machine"] in ("", "127.0.0.1")
    return str(panel["provider"] if here else f"{panel['provider']}, {panel['machine']}")


def _health(record: Record) -> dict[str, str]:
    if record.state != "running":
        return {"health": record.state, "health_reason": ""}
    if not record.health:
        return {"health": "", "health_reason": ""}  # only its own machine can tell: runner status
    state, detail = health.probe_all({record.deployment: record.health})[record.deployment]
    return {"health": HEALTH[state], "health_reason": detail if state != "healthy" else ""}


def _secrets(app: App, record: Record, *, show: bool) -> list[dict[str, Any]]:
    sources = record.spec["secrets"]
    stored = vault.read(app.repo, record.deployment) if show and "generate" in sources.values() else {}
    for value in stored.values():
        app.redactor.reveal(value)
    return [
        {"name": key, "value": stored.get(key), "where": sentences.secret(key, record.deployment, source)}
        for key, source in sources.items()
    ]


def _commands(name: str, *, tunnel: bool) -> list[dict[str, str]]:
    pairs = [("reach it", f"runner tunnel {name}")] if tunnel else []
    pairs += [("is it well", f"runner status {name}"), ("its output", f"runner logs {name} -f")]
    pairs.append(("stop it", f"runner stop {name}"))
    return [{"title": title, "command": typed} for title, typed in pairs]
