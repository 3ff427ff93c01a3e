"""Applies a plan: locks, one Ansible run for all hosts, events on the way, an outcome for each deployment.

Interrupted anywhere, a rerun converges: the record is blank until the end, names and marks make every step repeatable,
and whoever takes over the lock ends what the dead run left running.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from runner import (
    ansible_run,
    failures,
    generated,
    hosts,
    locks,
    processes,
    records,
    runs,
    signals,
    steps,
    vault,
)
from runner.domain import STARTING, Action, Kind
from runner.errors import Blocked, CredentialsError
from runner.failures import Failure
from runner.load import Loaded
from runner.redact import Redactor
from runner.repo import Repo
from runner.results import Result, result, result_event, table_error
from runner.runs import Event
from runner.workflow import Planned, Selection, plan_loaded

PLAYBOOK = "apply.yml"


@dataclass
class Applied:
    """How an apply ended."""

    run: str
    results: list[Result] = field(default_factory=list)
    interrupted: bool = False
    error: str = ""
    """What failed beside the deployments: the table of all of them."""


@dataclass
class Job:
    """One apply: what to do and whom to tell."""

    planned: Planned
    redactor: Redactor
    purpose: str
    """The command, for whoever meets the lock."""
    on_event: Callable[[Event], None]
    on_wait: Callable[[locks.Lease], None]
    wait_s: float = 0.0
    asked_for: frozenset[str] = frozenset()
    """Deployments that are updated although a plan finds nothing to do."""
    on_begin: Callable[[], None] = lambda: None
    """Until it is called nothing was touched."""
    run_id: str = field(default_factory=runs.new_id)


def apply(job: Job) -> Applied:
    """Do what the plan says. Raises Blocked when the lock is held, or when the plan moved while waiting for it."""
    actions = job.planned.plan.changing
    if not actions:
        return Applied(job.run_id)
    loaded = job.planned.loaded
    store = locks.leases(loaded.repo, loaded.repo_id)
    commit = job.planned.plan.commit
    wanted = [locks.new(a.deployment, run=job.run_id, purpose=job.purpose, commit=commit) for a in actions]
    with locks.hold(store, wanted, job.wait_s, job.on_wait):
        current = _still_needed(job, actions)
        if not current:
            return Applied(job.run_id)
        with _gently(job.run_id) as cancelled:
            job.on_begin()
            return _run(job, current, cancelled)


def recover(loaded: Loaded) -> None:
    """End and remove what killed runs have left, and write the table that they may not have come to.

    Comes before a plan that is to be applied: afterwards nothing moves any more under it.
    """
    dead = locks.leases(loaded.repo, loaded.repo_id).drop_dead() if loaded.has_id else []
    for name in {lease.deployment for lease in dead} - loaded.names:
        _forget_unrecorded(loaded.repo, name)
    if dead:
        steps.index(loaded.repo, check=False)
    ansible_run.sweep(loaded.repo)


def _forget_unrecorded(repo: Repo, name: str) -> None:
    """Secrets of what never came to be: without a record no plan would ever come to them."""
    if not repo.record_file(name).exists():
        generated.remove(repo.secrets_file(name), below=repo.root)


def _still_needed(job: Job, actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """Look again now that nobody else can act: what another run has done meanwhile is dropped."""
    loaded = job.planned.loaded
    known = {*loaded.names, *records.read_all(loaded.repo, [a.deployment for a in actions])}
    orphans = tuple(action for action in actions if action.deployment not in known)
    names = tuple(action.deployment for action in actions if action.deployment in known)
    again = {a.deployment: a for a in plan_loaded(loaded, Selection(names)).plan.actions} if names else {}
    current = []
    for action in actions:
        now = again.get(action.deployment)
        asked = action.kind is Kind.RESTART or action.deployment in job.asked_for
        if (asked and now is not None and now.kind is Kind.NONE) or (now is not None and now.kind is action.kind):
            current.append(action)
        elif now is not None and now.kind is not Kind.NONE:
            message = f"{action.deployment}: the plan said {action.kind}, but now it would be {now.kind} ({now.reason})"
            raise Blocked(message, code="plan-moved", hint="run it again to see the new plan")
    return (*current, *orphans)


def _run(job: Job, actions: tuple[Action, ...], cancelled: threading.Event) -> Applied:
    loaded = job.planned.loaded
    run = runs.start(loaded.repo, job.run_id, job.redactor)
    started = time.monotonic()
    firsts: dict[str, float] = {}
    lasts: dict[str, float] = {}

    def on_event(event: Event) -> None:
        name = event["deployment"]
        firsts.setdefault(name, time.monotonic())
        lasts[name] = time.monotonic()
        job.on_event(run.event(event))

    without_secrets = [a.deployment for a in actions if not loaded.repo.secrets_file(a.deployment).exists()]
    try:
        unreadable = _prepare_secrets(job, actions)
        actions = tuple(a for a in actions if a.deployment not in unreadable)
        kept = records.read_all(loaded.repo, [a.deployment for a in actions])
        hosts_file = run.write("hosts.json", hosts.hosts_for_actions(loaded, kept, actions))
        outcome = ansible_run.run(
            loaded.repo,
            PLAYBOOK,
            hosts_file,
            run_id=job.run_id,
            on_event=on_event,
            cancelled=cancelled.is_set,
            redact=job.redactor.stream().text,
        )
        seconds = {name: lasts[name] - firsts[name] for name in firsts}
        results = [result(loaded, action, outcome, seconds, interrupted=cancelled.is_set()) for action in actions]
        results += unreadable.values()
        for item in results:
            run.event(result_event(item))
            _remember(loaded.repo, run, item, job.planned.plan.commit)
        error = "" if cancelled.is_set() else table_error(outcome, results)
        _log_total(run, time.monotonic() - started, error)
        return Applied(job.run_id, results, interrupted=cancelled.is_set(), error=error)
    finally:
        for name in without_secrets:
            _forget_unrecorded(loaded.repo, name)
        run.close()


def _remember(repo: Repo, run: runs.Run, item: Result, commit: str) -> None:
    """A failure until the next success. What was interrupted is neither."""
    if not item.failed:
        failures.forget(repo, item.deployment)
    elif item.result == "failed":
        told = {key: getattr(item, key) for key in ("action", "step", "error", "hint", "code", "log", "rolled_back")}
        made = {"time": runs.now(), "commit": commit, "run": run.id, **told}
        failures.remember(repo, item.deployment, Failure(**run.redactor.data(made)))


def _prepare_secrets(job: Job, actions: tuple[Action, ...]) -> dict[str, Result]:
    """Make what is to be generated, and teach the redactor every value before anything can print it.

    A value that is missing is not reported here: the deployment's own first step fails with the reason. A file that
    cannot be decrypted fails its deployment now: Ansible would refuse the whole run because of it.
    """
    loaded = job.planned.loaded
    for entry in loaded.settings.get("registries", {}).values():
        with contextlib.suppress(CredentialsError):
            job.redactor.add(vault.external(loaded.repo, "", entry["password"]))
    failed: dict[str, Result] = {}
    for action in actions:
        try:
            vault.read(loaded.repo, action.deployment)
        except CredentialsError as error:
            kind = str(action.kind)
            failed[action.deployment] = Result(
                action.deployment, kind, "failed", error=str(error), hint=error.hint, code=error.code
            )
            continue
        want = loaded.desired.get(action.deployment)
        if want is None or not want.spec["secrets"] or action.kind not in STARTING:
            continue
        with contextlib.suppress(CredentialsError):
            vault.ensure(loaded.repo, want.name, want.spec["secrets"])
        for value in vault.known(loaded.repo, want.name, want.spec["secrets"]).values():
            job.redactor.add(value)
    return failed


def _log_total(run: runs.Run, seconds: float, error: str) -> None:
    run.event(
        {
            "deployment": "",
            "kind": "result",
            "step": "apply",
            "status": "failed" if error else "ok",
            "seconds": round(seconds, 2),
            "message": error,
        }
    )


@contextlib.contextmanager
def _gently(run_id: str) -> Iterator[threading.Event]:
    """A signal ends the Ansible run, and what it has done so far is reported; the second one does not wait for it."""
    cancelled = threading.Event()

    def handler() -> None:
        if cancelled.is_set():
            processes.kill(run_id)
        cancelled.set()

    with signals.caught(handler):
        yield cancelled
