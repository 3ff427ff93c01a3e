"""Every way in which Slipway refuses, classed by what happens next.

    RunnerError                     something a person can act on; shown without a traceback
    ├── InvalidFiles      exit 3    files must be edited; carries every fault of every file
    ├── UsageError        exit 3    the command line must be changed
    ├── Blocked           exit 4    lock, policy, protection or a stale plan stands in the way
    └── ProviderError     exit 1    the outside world said no
        ├── CredentialsError        access must be repaired; do not retry
        ├── QuotaError              the account's limit must be raised; try the next candidate
        ├── CapacityError           nothing to be had now; try the next candidate
        ├── ThrottledError          retry later, same request
        ├── InvalidRequestError     the options must be edited; do not retry
        └── GoneError               the resource is no longer there

Shown in two places only: by `runner.cli.main` and by the Ansible adapters. Anything else that is raised is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it is, what is wrong, what to do."""

    code: str
    """Stable, kebab-case: scripts may match on it."""
    message: str
    file: str = ""
    """Path relative to the repository root; empty when no file is at fault."""
    line: int = 0
    """1-based; 0 when the fault has no line."""
    field: str = ""
    """Dotted path inside the file, e.g. `params.model`."""
    hint: str = ""

    @property
    def where(self) -> str:
        """`deployments/x.yaml:4`, or the file alone, or nothing."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file

    def as_json(self) -> dict[str, str]:
        """The JSON error object of the CLI contract."""
        return {
            "code": self.code,
            "where": self.where,
            "field": self.field,
            "message": self.message,
            "hint": self.hint,
        }


class RunnerError(Exception):
    """A foreseeable failure that a person can act on."""

    exit_code = 1

    def __init__(self, message: str, *, code: str, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.where = where

    @property
    def problems(self) -> Sequence[Problem]:
        """The faults behind this error, at least one."""
        return (Problem(self.code, str(self), file=self.where, hint=self.hint),)


class InvalidFiles(RunnerError):
    """Files that people wrote are wrong."""

    exit_code = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        noun = "problem" if len(problems) == 1 else "problems"
        super().__init__(f"{len(problems)} {noun} in files", code="invalid-files")
        self._problems = tuple(problems)

    @property
    def problems(self) -> Sequence[Problem]:
        """All faults of all files, in file order."""
        return self._problems


class UsageError(RunnerError):
    """The command was called in a way that cannot work."""

    exit_code = 3


class Blocked(RunnerError):
    """Lock, policy, protection, hold or a stale plan stands in the way."""

    exit_code = 4


class ProviderError(RunnerError):
    """A provider, an engine or a service answered with a failure."""


class CredentialsError(ProviderError):
    """Access is missing or refused."""


class QuotaError(ProviderError):
    """The account may not have this much."""


class CapacityError(ProviderError):
    """The provider has none left at present."""


class ThrottledError(ProviderError):
    """Too many requests; the same one may work later."""


class InvalidRequestError(ProviderError):
    """The provider does not accept these options."""


class GoneError(ProviderError):
    """The resource does not exist (any more)."""
