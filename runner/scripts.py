"""Scripts of this repository that deployments run: the file is there, it is the one that was pinned, and shellcheck has
nothing against it. Scripts behind a URL are checked by their checksum, on the host.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runner import bounded, programs
from runner.domain import Desired
from runner.errors import Problem
from runner.faults import Fault
from runner.repo import Repo

NO_SHELLCHECK = "was not checked: shellcheck is not installed (make setup installs it)"


def faults(repo: Repo, desired: Desired) -> list[Fault]:
    """What is wrong with the script of a deployment. Reads the file each time: it may have changed since."""
    script = desired.spec["service"].get("script")
    if not script or desired.state == "absent" or _is_url(script):
        return []
    path = repo.root / script["source"]
    try:
        found = hashlib.sha256(bounded.read(path, bounded.SCRIPT_LIMIT)).hexdigest() if _inside(repo, path) else ""
    except bounded.NoFile:
        found = ""
    except bounded.OddFile as odd:
        hint = "name a file of this repository, or https://…"
        return [Fault("no-such-script", ("params",), f"{script['source']} {odd}", hint)]
    if found == script["sha256"]:
        return []
    if not found:
        hint = "a path from the root of the repository, or https://…"
        message = f"there is no file {script['source']} in this repository"
        return [Fault("no-such-script", ("params",), message, hint)]
    message = f"{script['source']} is not the file that was pinned"
    hint = f"read what changed; if it is meant: sha256: {found}"
    return [Fault("script-changed", ("params",), message, hint)]


def lint(repo: Repo, desired: Iterable[Desired]) -> tuple[list[Problem], list[tuple[Desired, str]]]:
    """(what shellcheck finds, notices about scripts that it could not look at). Each file once."""
    users: dict[str, Desired] = {}
    for item in desired:
        script = item.spec["service"].get("script")
        if script and not _is_url(script) and item.state != "absent":
            users.setdefault(script["source"], item)
    program = shellcheck()
    if not program:
        return [], [(item, f"{source} {NO_SHELLCHECK}") for source, item in users.items()]
    return [fault for source in users for fault in _findings(program, repo, source)], []


def shellcheck() -> str:
    """Of the runner's own environment, else the one on PATH; empty when there is none."""
    own = Path(sys.executable).with_name("shellcheck")
    return str(own) if own.exists() else shutil.which("shellcheck") or ""


def _findings(program: str, repo: Repo, source: str) -> list[Problem]:
    command = [program, "--norc", "--severity=warning", "--format=json1", "--shell=bash", "--", str(repo.root / source)]
    said = programs.run(command)
    found: list[Mapping[str, Any]] = json.loads(said.out or '{"comments": []}')["comments"]
    return [
        Problem(
            "shellcheck",
            f"{one['message'].rstrip('.')} (SC{one['code']})",
            file=source,
            line=one["line"],
            hint=f"mend it, or put above it, with the reason: # shellcheck disable=SC{one['code']}",
        )
        for one in found
    ]


def _is_url(script: Mapping[str, str]) -> bool:
    return script["source"].startswith(("http://", "https://"))


def _inside(repo: Repo, path: Path) -> bool:
    return path.resolve().is_relative_to(repo.root.resolve())
