"""The deployment that a step of an apply is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.providers.base import Mark
from runner.repo import Repo


@dataclass(frozen=True, slots=True)
class Subject:
    """The deployment that a step is about; made from the host's `slipway_*` variables."""

    repo: Repo
    repo_id: str
    name: str
    purpose: str
    provider: str
    """Where the plan saw it; empty outside of a reconcile."""
    spec: dict[str, Any]
    digest: str
    settings: dict[str, Any]
    protect: bool
    price: dict[str, Any] | None
    owner: str
    file: str

    @property
    def mark(self) -> Mark:
        """What makes its resources ours."""
        return Mark(self.repo_id, self.name, self.digest)


def subject(variables: Mapping[str, Any]) -> Subject:
    """From plain data: Ansible's tagged values are unwrapped by the caller."""
    return Subject(
        repo=Repo(Path(variables["slipway_root"])),
        repo_id=variables["slipway_repo"],
        name=variables["slipway_deployment"],
        purpose=variables["slipway_purpose"],
        provider=variables["slipway_provider"],
        spec=variables["slipway_spec"],
        digest=variables["slipway_digest"],
        settings=variables["slipway_settings"],
        protect=variables["slipway_protect"],
        price=variables["slipway_price"],
        owner=variables["slipway_owner"],
        file=variables["slipway_file"],
    )
