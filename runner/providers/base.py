"""What a provider must offer. Options and credentials are declared on the class: help, validation, `doctor` and
errors derive from them. A provider is a folder here whose `provider.py` has one class `Provider`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from runner.domain import Record, Resource, Spec
    from runner.errors import ProviderError
    from runner.faults import Fault


KEEP_NAME = "keep the name; or make the new one beside it, copy the data, then destroy the old one"
"""What to do where a service cannot be renamed."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One secret that a provider needs, and where it may come from."""

    name: str
    env: tuple[str, ...]
    hint: str


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `runner doctor`."""

    name: str
    ok: bool | None
    """None: not needed here, or cannot be told."""
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One place that a person can choose for a deployment."""

    label: str
    """Tells it from the provider's other choices, in a few words."""
    machine: dict[str, Any] = field(default_factory=dict)
    """What to write as `machine:` to get it."""
    gpu: str = ""
    """Model of the GPU, with their number when there are several; empty when it has none or nobody knows."""
    vram_gb: float | None = None
    """GPU memory that a service gets there; 0: no GPU; None: not known."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What makes a resource ours."""

    repo: str
    deployment: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a provider works. Made once per command."""

    root: Path
    repo: str
    """The repository's id: resources of other repositories are not ours."""
    settings: dict[str, Any] = field(default_factory=dict)
    """`providers.<name>` of runner.yaml."""
    hints: tuple[dict[str, Any], ...] = ()
    """`machine` of the deployments and records that may be with this provider: where to look."""
    neighbours: tuple[Record, ...] = ()
    """Records: what is in use. Without its own, when the provider is opened for one deployment."""
    machine: dict[str, Any] = field(default_factory=dict)
    """`machine` of the record, when the provider is opened for one deployment."""
    new: bool = False
    """It is known that nothing carries the mark of that deployment yet."""
    secret: Callable[[str], str] = str
    """Source of a secret (`env:NAME`, …) → its value. Raises CredentialsError."""
    everywhere: bool = False
    """Look also where no file and no record points to: for orphans."""
    coming: Mapping[str, Spec] = field(default_factory=dict)
    """Deployments that will probably be made or changed: what they need is looked at on the way."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What was asked already, by whoever was opened for the same step before; the provider says what is in it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a provider gives: enough for Ansible to get there."""

    id: str
    address: str
    engine: str
    """docker | process | systemd"""
    connection: dict[str, Any] = field(default_factory=dict)
    """Ansible connection variables: ansible_connection, ansible_host, ansible_port, ansible_user, …"""
    facts: dict[str, Any] = field(default_factory=dict)
    """More that the roles need, e.g. `home`: the folder that holds our things there. `own`: nothing else is on this
    machine, so it is stopped and removed as a whole, without the role.
    """
    keep: dict[str, Any] = field(default_factory=dict)
    """What the record shall keep besides id, address and engine, so that `blind_spot` can tell. `ends`: ISO time at
    which the machine ends by itself, not to be made again.
    """
    rate: dict[str, Any] | None = None
    """What it really costs, read from the provider: {hourly, currency, source, as_of}; None: as the plan said."""


@runtime_checkable
class Scattered(Protocol):
    """A provider that is asked at several places, each of which only knows its own machines."""

    def whereabouts(self, spec: Spec, noted: Mapping[str, Any]) -> dict[str, Any]:
        """Where a machine for this spec may be made, for its record, as `blind_spot` and hints take it: nobody may hear
        the answer to `create`. `noted`: what an earlier try has left there, which still counts. No network.
        """


@runtime_checkable
class Shared(Protocol):
    """The class of a provider whose machines several deployments can name."""

    @classmethod
    def conflicts(cls, specs: Mapping[str, Spec], settings: dict[str, Any]) -> Mapping[str, Fault]:
        """Deployment → why it cannot be on the machine that it names, if all before it are there. No network."""


@runtime_checkable
class Weighing(Protocol):
    """A provider that can tell how much a service has stored."""

    def stored_bytes(self, resource: Resource) -> int | None:
        """Of its data; None where that cannot be told soon. May block for some seconds. Raises nothing."""


@runtime_checkable
class Renaming(Protocol):
    """A provider that can give a service another name without losing what it has stored."""

    def rename(self, mark: Mark, machine: Mapping[str, Any], new: str) -> None:
        """Stop it, and leave its data under the new name, unfinished; the next apply starts it. May be called again
        after it was interrupted. Raises ProviderError, touching nothing, where data cannot be kept.
        """


@runtime_checkable
class Foresighted(Protocol):
    """A provider whose `create` waits for answers while others wait for their turn."""

    def look_ahead(self, spec: Spec) -> None:
        """Ask now whom `create` will most likely ask; the answers go into the context. May block, decides nothing."""


class ProviderClass(Protocol):
    """The class of a provider, and its instances."""

    name: ClassVar[str]
    kind: ClassVar[Literal["machine", "platform", "endpoint"]]
    summary: ClassVar[str]
    """One line for tables."""
    credentials: ClassVar[tuple[Credential, ...]]
    rents: ClassVar[bool]
    """Whether `create` makes something that costs, which a check must not."""
    honours: ClassVar[tuple[str, ...]]
    """Dotted fields of a deployment that have an effect here, and not everywhere yet."""

    @classmethod
    def options(cls) -> type[BaseModel]:
        """The model of `machine:`. A field with `json_schema_extra={"in_place": False}` forces a replacement, unless
        `"may_be_open": True` and it is left out.
        """

    @classmethod
    def settings(cls) -> type[BaseModel]:
        """The model of `providers.<name>` in runner.yaml."""

    @classmethod
    def price(
        cls, options: dict[str, Any], needs: dict[str, Any] | None = None, settings: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Estimate for one hour of running: {hourly, currency, source, as_of}; None when unknown. No network.

        `needs`: those of the spec, and `gpus` as the service asks for them (all | auto | none). `settings`: those of
        this provider in runner.yaml.
        """

    @classmethod
    def place(cls, options: dict[str, Any]) -> str:
        """The machine that deployments with equal places share; empty when each gets its own. No network."""

    @classmethod
    def choices(cls, settings: dict[str, Any]) -> Sequence[Choice]:
        """Places to choose from, the one for those who do not care first. No network."""

    @classmethod
    def known(cls, options: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        """What runner.yaml tells of the machine that the options name, for templates: gpu, vram_gb, … No network."""

    @classmethod
    def misfit(cls, spec: Spec, settings: dict[str, Any]) -> str:
        """Why nothing that runner.yaml knows can ever run this spec; empty when something may. No network."""

    def __init__(self, context: Context) -> None: ...

    def list(self) -> Sequence[Resource]:
        """Everything that carries this repository's mark, in as few calls as the API allows.

        Raises ProviderError: then nothing is known, and nothing may be concluded from silence.
        """

    def blind_spot(self, machine: dict[str, Any]) -> ProviderError | None:
        """Why `list` cannot see the machine of a record at present; None when it can. Absence must be proven."""

    def requirements(self, spec: Spec) -> ProviderError | None:
        """Why this spec cannot run here; None when it can. Returned, not raised. Asks nothing twice."""

    def create(self, mark: Mark, spec: Spec) -> Machine:
        """Give a machine for this deployment, the existing one if there is one. Returns at once; see `ready`."""

    def ready(self, machine: Machine) -> Machine:
        """Wait until a created machine can be reached, starting it if it is stopped; what is known of it by then.

        Raises ProviderError when it ends or does not come up in time.
        """

    def settle(self, mark: Mark, spec: Spec, machine: Mapping[str, Any]) -> None:
        """The last step of an apply on the machine of a record: note there that it was finished, with the digest."""

    def stop(self, mark: Mark) -> None:
        """Stop the machine that carries the mark and return when the provider says stopped. Quiet when there is none,
        when it is stopped already, and where machines are not ours to stop.
        """

    def find(self, mark: Mark) -> Machine | None:
        """The machine that carries the mark, if there is one."""

    def destroy(self, mark: Mark) -> None:
        """Remove everything that carries the mark and return when the provider says gone. Quiet when already gone."""

    def shell(self, machine: Mapping[str, Any]) -> Sequence[str]:
        """The command that opens a shell on the machine of a record; it takes a remote command as further words.
        Empty when that is this machine.
        """

    def logs(self, resource: Resource, *, follow: bool, lines: int) -> Iterator[str]:
        """The service's own output, newest last. Blocks while following."""

    def checks(self) -> Sequence[Check]:
        """For `doctor`: tools, access, permissions, each with its fix."""
