"""Runs playbooks through ansible-runner and turns its events into ours. Knows Ansible, knows nothing of deployments."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner import ansible_causes, private_environment, processes, run_environment, signals
from runner.repo import Repo
from runner.runs import Event

QUIET_ACTIONS = ("include_role", "include_tasks", "import_role", "validate_argument_spec", "meta")
"""Steps that say nothing to a person."""
STATUS = {
    "runner_on_start": "started",
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}


_OF_ANSIBLE_RUNNER = (
    *("ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_RETRY_FILES_ENABLED", "AWX_ISOLATED_DATA_DIR"),
    *("RUNNER_OMIT_EVENTS", "RUNNER_ONLY_FAILED_EVENTS"),
)
"""What ansible-runner sets whatever the caller has: how its events find their way back."""
PROGRESS = "slipway-progress "
"""What a step says while it runs: this word, the host, a colon, the message."""
CONTROLLER = "localhost"
"""Steps of the controller belong to no deployment."""


@dataclass
class HostResult:
    """How a host ended."""

    ok: bool = False
    """Steps were done on it, and Ansible's own count at the end says that none of them failed."""
    message: str = ""
    hint: str = ""
    code: str = ""
    """Stable name of the failure; empty when it did not fail."""
    log: str = ""
    """The last lines of the program that failed."""
    step: str = ""
    """Which step failed."""
    rolled_back: bool = False
    """Whether the version before was put back."""
    changed: int = 0


@dataclass
class Outcome:
    """How a playbook ended."""

    status: str = ""
    """successful | failed | canceled | …, as ansible-runner says."""
    hosts: dict[str, HostResult] = field(default_factory=dict)
    output: str = ""
    """The end of Ansible's own words, for failures before any host was touched."""


def run(  # noqa: PLR0913 - what a run needs, each named
    repo: Repo,
    playbook: str,
    hosts_file: Path,
    *,
    run_id: str,
    on_event: Callable[[Event], None],
    cancelled: Callable[[], bool],
    redact: Callable[[str], str],
    check: bool = False,
) -> Outcome:
    """One Ansible run for all hosts of the file. Blocks until it ends; `on_event` is called on the way."""
    import ansible_runner

    outcome = Outcome()
    private = _private_folder(repo, run_id)

    log = _Log(hosts_file.parent / "ansible.log", redact)

    def handle(event: Mapping[str, Any]) -> bool:
        log.add(event.get("stdout", ""))
        _handle(event, outcome, on_event)
        return False  # ansible-runner need not write each event to a file

    told = _told(repo, private, hosts_file, run_id)
    try:
        made = ansible_runner.interface.init_runner(
            private_data_dir=str(private),
            project_dir=str(repo.root),
            playbook=f"playbooks/{playbook}",
            inventory=str(repo.inventory),
            cmdline="--check --diff" if check else None,
            settings={"suppress_env_files": True, "suppress_output_file": True, "pexpect_timeout": 0.05},
            event_handler=handle,
            cancel_callback=cancelled,
            quiet=True,
        )
        for name in _OF_ANSIBLE_RUNNER:  # which has begun with all that the caller has
            told[name] = made.config.env[name]
        sources = run_environment.sources(hosts_file.read_text(encoding="utf-8"))
        environment = run_environment.of_run(os.environ, sources, told)
        with private_environment.handed_over(environment, os.environ) as made.config.env:
            made.config.command = private_environment.fetching(made.config.command)
            made.run()
        outcome.status = made.status
        outcome.output = log.end()
    finally:
        with signals.ignored():
            processes.end_leftovers(run_id)
            shutil.rmtree(private, ignore_errors=True)
    return outcome


def _told(repo: Repo, private: Path, hosts_file: Path, run_id: str) -> dict[str, str]:
    from ansible_runner.utils import get_callback_dir

    return {
        "ANSIBLE_CONFIG": str(repo.root / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": get_callback_dir(),
        "SLIPWAY_PLAN": str(hosts_file),
        processes.RUN_ENV: run_id,
        # a killed Ansible leaves its temporary files behind: they go with this folder
        "ANSIBLE_LOCAL_TEMP": str(private / "ansible"),
        # the ansible-playbook beside this interpreter, also when the environment is not activated
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
    }


def sweep(repo: Repo) -> None:
    """Remove the folders of processes that were killed: ours, and those that Ansible makes wherever it is imported."""
    ours = {path: path.name.split("-")[0] for path in (repo.local / "tmp").glob("*")}
    prefix = "ansible-local-"  # then the process, then eight random characters
    theirs = {path: path.name[len(prefix) : -8] for path in (repo.local / "ansible" / "tmp").glob(prefix + "*")}
    for path, owner in {**ours, **theirs}.items():
        if not owner.isdigit() or not Path(f"/proc/{owner}").exists():
            shutil.rmtree(path, ignore_errors=True)


def _private_folder(repo: Repo, run_id: str) -> Path:
    """ansible-runner's folder: private, short-lived, and swept when a crash left one. Nothing secret comes into it."""
    sweep(repo)
    base = repo.local / "tmp"
    base.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-{run_id}-", dir=base))


class _Log:
    """Ansible's own words, kept with the run. Only what is redacted is written, because a kill leaves what there is."""

    def __init__(self, path: Path, redact: Callable[[str], str]) -> None:
        self._path = path
        self._redact = redact
        self._last: deque[str] = deque(maxlen=20)

    def add(self, text: str) -> None:
        """What Ansible said next; its events carry it."""
        if not text:
            return
        shown = self._redact(text)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="replace") as stream:
            stream.write(shown + "\n")
        self._last += shown.splitlines()

    def end(self) -> str:
        """The last lines."""
        return "\n".join(self._last)


def _handle(event: Mapping[str, Any], outcome: Outcome, on_event: Callable[[Event], None]) -> None:
    kind, data = event["event"], event.get("event_data", {})
    if kind == "playbook_on_stats":
        _stats(data, outcome)
        return
    if kind == "verbose" and event.get("stdout", "").startswith(PROGRESS):
        on_event(_progress(event["stdout"]))
        return
    status = STATUS.get(kind)
    quiet = data.get("task_action", "").rpartition(".")[2] in QUIET_ACTIONS
    if status is None or (quiet and status not in ("failed", "unreachable")):
        return
    result = data.get("res") or {}
    name = "" if data["host"] == CONTROLLER else data["host"]
    host = outcome.hosts.setdefault(name, HostResult())
    if status in ("failed", "unreachable") and not data.get("ignore_errors"):
        host.message, host.hint, host.code = ansible_causes.failure(result, lost=status == "unreachable")
        host.log, host.rolled_back = str(result.get("last_lines") or ""), bool(result.get("rolled_back"))
        host.step = str(data.get("task", ""))
    if status == "ok" and result.get("changed"):
        status = "changed"
    on_event(
        {
            "deployment": name,
            "kind": "step",
            "step": data.get("task", ""),
            "status": status,
            "seconds": data.get("duration"),
            "message": host.message if status in ("failed", "unreachable") else _said(result),
            **({"log": host.log} if host.log and status in ("failed", "unreachable") else {}),
            **({"changes": result["differences"]} if result.get("differences") else {}),
        }
    )


def _progress(line: str) -> Event:
    host, _, message = line.removeprefix(PROGRESS).strip().partition(": ")
    return {"deployment": host, "kind": "log", "step": "", "status": "ok", "seconds": None, "message": message}


def _stats(data: Mapping[str, Any], outcome: Outcome) -> None:
    for name, host in outcome.hosts.items():
        said = name or CONTROLLER
        failed = data.get("failures", {}).get(said) or data.get("dark", {}).get(said)
        host.ok = bool(data.get("ok", {}).get(said)) and not failed
        host.changed = data.get("changed", {}).get(said, 0)


def _said(result: Mapping[str, Any]) -> str:
    """What a module wants people to know of a success."""
    return str(result.get("health") or result.get("said") or (result.get("msg") if result.get("changed") else "") or "")
