"""Check tools, versions, permissions and providers, each with its fix."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click

from runner import __version__, locks, providers, records, vault
from runner.cli._app import App
from runner.domain import Record
from runner.errors import RunnerError
from runner.load import Loaded, load
from runner.observe import open_provider
from runner.providers.base import Check
from runner.render.doctor import doctor_text
from runner.render.units import plural
from runner.repo import Repo

GROUP = "Set up"

OLDEST_PYTHON = (3, 11)


@click.command()
@click.pass_obj
def command(app: App) -> int:
    """Check this machine, this repository and every provider. Exit code 1 when something needs repair."""
    checks = [{"group": group, **asdict(check)} for group, check in _checks(app.repo)]
    data: dict[str, Any] = {"checks": checks}
    app.output.result(data, lambda: doctor_text(data, style=app.output.style))
    return 1 if any(check["ok"] is False for check in checks) else 0


def _checks(repo: Repo) -> Iterator[tuple[str, Check]]:
    yield from (("this machine", check) for check in _tools())
    yield from (("this repository", check) for check in _repository(repo))
    loaded, (kept, damage) = load(repo), _records(repo)
    yield from (("this repository", check) for check in damage)
    for name in providers.names():
        for check in _provider(loaded, kept, name):
            yield f"provider {name}", check


def _records(repo: Repo) -> tuple[dict[str, Record], Sequence[Check]]:
    kept, damaged = records.read_each(repo)
    problems = [problem for error in damaged.values() for problem in error.problems]
    return kept, [Check("records", ok=False, found=f"{p.where}: {p.message}", fix=p.hint) for p in problems]


def _provider(loaded: Loaded, kept: dict[str, Record], name: str) -> Sequence[Check]:
    try:
        return open_provider(loaded, name, kept).checks()
    except RunnerError as error:
        return (Check(name, ok=False, found=str(error), fix=error.hint),)


def _tools() -> Iterator[Check]:
    from importlib.metadata import version

    yield Check("slipway", ok=True, found=__version__)
    found = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", sys.version_info >= OLDEST_PYTHON, found, "install Python 3.11 or newer, then make setup")
    for package in ("ansible-core", "ansible-runner", "supervisor"):
        yield Check(package, ok=True, found=version(package))
    git = shutil.which("git")
    yield Check("git", bool(git), git or "not found", "install git")


def _repository(repo: Repo) -> Iterator[Check]:
    loaded = load(repo)
    problems = loaded.problems
    yield Check("files", not problems, plural(len(problems), "problem") if problems else "valid", "runner validate")
    for path in locks.leases(repo, loaded.repo_id).damaged():
        yield Check("locks", ok=False, found=f"{path} is damaged, and locks nothing", fix=f"rm {path}")
    writable = os.access(repo.root, os.W_OK)
    yield Check("folder", writable, str(repo.root), "" if writable else "make it writable")
    yield _vault(repo)


def _vault(repo: Repo) -> Check:
    """Every file is tried: clones that once had different passwords may have left some of each."""
    try:
        count, troubles = vault.troubles(repo)
    except RunnerError as error:
        return Check("vault password", ok=False, found=str(error), fix=error.hint)
    if not count:
        return Check("vault password", None, "nothing is encrypted yet")
    if troubles:
        found = "; ".join([f"opens {count - len(troubles)} of {count} encrypted files", *map(str, troubles)])
        return Check("vault password", ok=False, found=found, fix="; ".join(dict.fromkeys(e.hint for e in troubles)))
    return Check("vault password", ok=True, found=f"opens all encrypted files ({count})")
