"""What a provider can tell of its market: machines to be had, and limits of the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from runner.domain import Spec
    from runner.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind of machine in one region."""

    type: str
    region: str
    gpu: str
    """Model of its GPUs; empty when it has none, or when nothing is known of the type."""
    gpus: int
    """How many; a share of a GPU counts as one, with the memory of that share."""
    vram_gb: float
    """Of one GPU."""
    ram_gb: float
    """0: unknown."""
    vcpus: int
    """0: unknown."""
    hourly: float | None
    """On demand; None: unknown."""
    spot_hourly: float | None
    """None: unknown."""
    currency: str = "USD"
    source: str = ""
    as_of: str = ""
    """ISO date of the price; empty when it is unknown."""
    arch: str = "x86_64"
    spot: bool = True
    """Whether it can be had as spot."""
    share: float = 1
    """How much of a whole GPU each of its GPUs is: 0.125 is an eighth."""
    about: float | None = None
    """Price per hour where it is known best, to compare types by where their own price is unknown. Never shown."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of something the account may have at a time."""

    region: str
    name: str
    code: str
    market: Literal["on-demand", "spot"]
    unit: str
    limit: float | None
    """None: unknown."""
    used: float | None


@runtime_checkable
class Shop(Protocol):
    """A provider that can tell what there is to be had."""

    def offers(self, wanted: Mapping[str, Any]) -> tuple[Sequence[Offer], Sequence[ProviderError]]:
        """What fits, in no order, and why some of it is not as fresh as it could be. `wanted`: gpu, vram_gb, spot, and
        region as a list; what is missing is not asked for. Raises InvalidRequestError for names that do not exist.
        """


@runtime_checkable
class Limited(Protocol):
    """A provider whose accounts have limits."""

    def quotas(self, regions: Sequence[str]) -> tuple[Sequence[Quota], Sequence[ProviderError]]:
        """All limits that matter here, and why some could not be read. Without regions: those in use."""

    def shortages(self, specs: Sequence[Spec]) -> Sequence[str]:
        """What the account's limits do not allow for, if all of these are created, as sentences. Asks as little as
        possible, and nothing at all for no specs. Raises nothing: what cannot be read is no shortage.
        """
