"""Secrets and addresses of a deployment as other programs take them: a bare value, lines for a shell, the clipboard."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from runner import vault
from runner.cli._app import App
from runner.domain import Record
from runner.errors import RunnerError, UsageError
from runner.faults import suggestion
from runner.snippets import variable

CLIPBOARDS = (
    ("pbcopy",),
    ("wl-copy",),
    ("xclip", "-selection", "clipboard"),
    ("xsel", "--clipboard", "--input"),
    ("clip.exe",),
)
"""Programs that take the clipboard's new content on standard input."""


def secret(app: App, record: Record, name: str) -> str:
    """The value of one secret, to be shown. Raises UsageError where there is none of that name, CredentialsError where
    its value is not to be had here.
    """
    sources: Mapping[str, str] = record.spec["secrets"]
    if name not in sources:
        hint = suggestion(name, sources, otherwise="it has none")
        raise UsageError(f"{record.deployment} has no secret {name}", code="unknown-secret", hint=hint)
    if sources[name] != "generate":
        value = vault.external(app.repo, name, sources[name])
    else:
        value = vault.read(app.repo, record.deployment).get(name, "")
    if not value:
        hint = f"runner reconcile {record.deployment}"
        raise UsageError(f"{name} was not made yet", code="not-finished", hint=hint)
    app.redactor.reveal(value)
    return value


def environment(app: App, record: Record, exposed: Mapping[str, Any] | None) -> dict[str, str]:
    """Variable → value: the address of each port, each secret, and the certificate to trust where there is one."""
    found = {f"{variable(port)}_URL": str(endpoint["url"]) for port, endpoint in sorted(record.endpoints.items())}
    found |= {variable(name): secret(app, record, name) for name in sorted(record.spec["secrets"])}
    ca = str((exposed or {}).get("ca", ""))
    return {**found, "CA_FILE": str(app.repo.root / ca)} if ca else found


def exports(variables: Mapping[str, str]) -> str:
    """The same as lines that a shell sources. Values are data: quoted, whatever is in them."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def copy(value: str) -> None:
    """To the clipboard. Raises UsageError where no program for it is installed."""
    command = next((one for one in CLIPBOARDS if shutil.which(one[0])), None)
    if command is None:
        known = ", ".join(one[0] for one in CLIPBOARDS)
        raise UsageError("there is no clipboard here", code="no-clipboard", hint=f"install one of {known}")
    try:
        subprocess.run(command, input=value.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip() or f"exit code {error.returncode}"
        raise RunnerError(f"{command[0]} did not take it: {said}", code="no-clipboard") from error
