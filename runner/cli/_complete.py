"""What a shell may offer while somebody types: names of deployments, templates and hosts.

Every keystroke runs it, so it reads names of files and parses at most `runner.yaml`. It never fails: where there is
nothing to offer it offers nothing.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from runner import repo as repository
from runner.errors import RunnerError
from runner.repo import Repo

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""What a shell takes as one plain word, whatever people call their files."""


def deployments(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names with a file or a record."""
    del param
    repo = _repo(ctx)
    return _matching([*_files(repo.deployments), *_folders(repo.host_vars)], incomplete) if repo else []


def templates(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Template ids."""
    del param
    repo = _repo(ctx)
    return _matching(_files(repo.templates), incomplete) if repo else []


def hosts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """SSH hosts of `runner.yaml`, and deployments, which stand for theirs."""
    repo = _repo(ctx)
    pool = _matching(_pool(repo), incomplete) if repo else []
    return sorted({*pool, *deployments(ctx, param, incomplete)})


def _repo(ctx: click.Context) -> Repo | None:
    root = ctx.find_root().params.get("root")
    try:
        return repository.find(Path(root) if root else None)
    except (RunnerError, OSError):
        return None


def _matching(names: list[str], incomplete: str) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete) and _WORD.fullmatch(name)})


def _files(folder: Path) -> list[str]:
    return [path.stem for path in folder.glob("*.yaml")]


def _folders(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(folder) if (Path(entry.path) / "access.yaml").exists()]
    except OSError:
        return []


def _pool(repo: Repo) -> list[str]:
    from runner import yamlfile

    try:
        settings = yamlfile.parse(yamlfile.read(repo.settings))
        return [str(name) for name in settings["providers"]["ssh"]["hosts"]]
    except (yamlfile.YamlFault, OSError, KeyError, TypeError):
        return []
