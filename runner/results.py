"""How the actions of an apply have ended: made of what Ansible told and of what the records say now."""

from __future__ import annotations

from dataclasses import dataclass

from runner import (
    ansible_causes,
    reach,
    records,
)
from runner.ansible_run import HostResult, Outcome
from runner.domain import Action, Kind, Record
from runner.load import Loaded
from runner.runs import Event

TABLE = "deployments/README.md"
NO_RESULT_HINT = "run it again; if it stays, read ansible.log of this run below .runner/runs/"


@dataclass(frozen=True, slots=True)
class Result:
    """How one action ended."""

    deployment: str
    action: str
    result: str
    """ok | changed | failed | interrupted"""
    seconds: float | None = None
    url: str = ""
    error: str = ""
    hint: str = ""
    code: str = ""
    """Stable name of the error."""
    log: str = ""
    """The last lines of the program that failed."""
    step: str = ""
    """Which step failed; empty when none did."""
    rolled_back: bool = False
    """Whether the version before serves again."""
    reach: str = ""
    """From where the URL holds: here | tunnel | network | public."""

    @property
    def failed(self) -> bool:
        """Whether it did not reach what was planned."""
        return self.result not in ("ok", "changed")


def result(loaded: Loaded, action: Action, outcome: Outcome, seconds: dict[str, float], *, interrupted: bool) -> Result:
    """Of one action: what the run says of it, held against what its record says."""
    name = action.deployment
    host = outcome.hosts.get(name, HostResult())
    record = records.read(loaded.repo, name)
    if host.ok and as_promised(action.kind, record):
        url, how = (url_of(record), reach.how(record)) if record else ("", "")
        done = "changed" if host.changed else "ok"
        return Result(name, str(action.kind), done, seconds.get(name), url, reach=how)
    if interrupted:
        hint = "run the same command again: it goes on from here"
        error = "it was interrupted"
        return Result(name, str(action.kind), "interrupted", seconds.get(name), "", error, hint, "interrupted")
    error, hint, code = host.message, host.hint, host.code
    if not error and outcome.status == "successful":
        error, hint, code = "Ansible ended well, but has not done this", NO_RESULT_HINT, "no-result"
    if not error:
        error, hint, code = ansible_causes.before_any_host(outcome.output, outcome.status)
    told = (host.log, host.step, host.rolled_back)
    return Result(name, str(action.kind), "failed", seconds.get(name), "", error, hint, code, *told)


def as_promised(kind: Kind, record: Record | None) -> bool:
    """Whether the record says what the last step of this action writes: without that, the action has not been done."""
    if kind is Kind.DESTROY:
        return record is None
    if kind is Kind.STOP:
        return record is None or record.state == "stopped"
    return record is not None and record.state == "running" and bool(record.digest)


def table_error(outcome: Outcome, results: list[Result]) -> str:
    """Why the table was not written; a run in which everything failed has told enough."""
    controller = outcome.hosts.get("")
    if controller is None:
        return "" if all(result.failed for result in results) else f"{TABLE} was not written: its step did not run"
    return "" if controller.ok else f"{TABLE} was not written: {controller.message}"


def url_of(record: Record) -> str:
    """Of the port that the health check asks: a service may have others that are of no use in a browser."""
    asked = record.spec.get("service", {}).get("health", {}).get("port", "")
    endpoint = record.endpoints.get(asked) or next(iter(record.endpoints.values()), {"url": ""})
    return str(endpoint["url"])


def result_event(item: Result) -> Event:
    """The last event of a deployment in a run."""
    return {
        "deployment": item.deployment,
        "kind": "result",
        "step": item.action,
        "status": item.result,
        "seconds": round(item.seconds, 2) if item.seconds is not None else None,
        "message": item.error,
        **({"hint": item.hint, "code": item.code} if item.failed else {}),
    }
