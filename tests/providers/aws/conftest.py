"""A shop that rents from the lab's cloud. There are no hosts behind its machines: what they would say of themselves
is put into `said`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ProviderError
from runner.providers.aws import boot, launch, remove
from runner.providers.aws.provider import Provider
from runner.providers.base import Context, Machine, Mark
from runner.providers.ssh import observer
from runner.providers.ssh.client import SshHost
from tests.lab.cloud import Cloud

MARK = Mark("shop", "chat", "d1")
QUIET = {"docker": "", "missing": False, "containers": [], "health": {}}


@dataclass
class Shop:
    """What a repository `shop` has with AWS."""

    root: Path
    cloud: Cloud
    settings: dict[str, Any] = field(default_factory=dict)
    said: dict[str, dict[str, Any] | ProviderError] = field(default_factory=dict)
    """Machine → what it says of itself; without an entry, that nothing runs on it."""

    def provider(self, *machines: dict[str, Any], **more: Any) -> Provider:
        """A new one, as each command has it. `machines`: what files and records say."""
        return Provider(Context(self.root, "shop", settings=self.settings, hints=machines or ({},), **more))

    def create(self, machine: dict[str, Any] | None = None, mark: Mark = MARK, **spec: Any) -> Machine:
        """By a runner that was just started."""
        return self.provider(machine or {}).create(mark, wanted(machine, **spec))

    def ids(self) -> list[str]:
        """The machines that cost something."""
        return [one.id for one in self.cloud.alive]

    def groups(self, region: str = "us-east-1") -> list[str]:
        """The groups that are not AWS's own."""
        found = self.cloud.client("ec2", region).describe_security_groups()["SecurityGroups"]
        return [group["GroupName"] for group in found if group["GroupName"] != "default"]


def wanted(machine: dict[str, Any] | None = None, gpus: str = "all", **more: Any) -> dict[str, Any]:
    """The part of a spec that a provider reads."""
    return {"machine": {"gpu": "L4"} | (machine or {}), "needs": {}, "service": {"gpus": gpus}, "lifecycle": {}} | more


@pytest.fixture
def shop(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    key = tmp_path / "key"
    key.with_suffix(".pub").write_text("ssh-ed25519 AAAAmine me@here\n")
    made = Shop(tmp_path, cloud, {"key": str(key), "ssh_cidrs": ["203.0.113.7/32"]})

    def observe(host: SshHost, repo: str, password: str = "") -> dict[str, Any]:
        answer = made.said.get(host.name, QUIET)
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    monkeypatch.setattr(observer, "observe", observe)
    monkeypatch.setattr(remove, "PAUSE_S", 0.05)
    monkeypatch.setattr(boot, "PAUSE_S", 0.05)
    monkeypatch.setattr(launch.Launch, "pause", staticmethod(lambda seconds: None))
    return made


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Waits until something is so: machines take a moment from one state to the next."""
    from tests.e2e.world import until

    return until
