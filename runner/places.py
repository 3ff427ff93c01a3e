"""Where a new deployment could run, and whether it would fit. No network: what nobody wrote down is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from runner import providers
from runner.domain import Spec
from runner.models import Settings
from runner.providers.base import Choice
from runner.resolve import Source, resolve
from runner.template import Template

Fit = Literal["fits", "unknown", "too small"]
ORDER: tuple[Fit, ...] = ("fits", "unknown", "too small")
_OF_THE_PLACE = {"machine", "provider"}


@dataclass(frozen=True, slots=True)
class Place:
    """One choice, and what choosing it would mean."""

    provider: str
    choice: Choice
    fit: Fit
    reason: str = ""
    """Why it is too small, or what to know."""
    price: dict[str, Any] | None = None
    """For one hour of running; None when it is unknown."""

    @property
    def fields(self) -> dict[str, Any]:
        """What to write into the file."""
        return {"provider": self.provider, **({"machine": self.choice.machine} if self.choice.machine else {})}


def places(name: str, data: Mapping[str, Any], templates: Mapping[str, Template], settings: Settings) -> list[Place]:
    """Every place that a provider knows of: what fits first, then the repository's own provider, then the cheapest."""
    found = [
        _place(provider, choice, name, data, templates, settings)
        for provider in providers.names()
        for choice in _choices(provider, settings)
    ]
    preferred = _preferred(settings)
    return sorted(found, key=lambda p: (ORDER.index(p.fit), p.provider not in preferred, _cost(p)))


def usual(found: Sequence[Place], settings: Settings) -> Place | None:
    """The one for somebody who just goes on. It costs nothing, unless the repository's own provider costs something."""
    preferred = _preferred(settings)
    return next((p for p in found if p.fit != "too small" and (p.provider in preferred or not _cost(p))), None)


def _preferred(settings: Settings) -> Sequence[str]:
    chosen = settings.defaults.provider
    return [chosen] if isinstance(chosen, str) else chosen


def _cost(place: Place) -> float:
    return float(place.price["hourly"]) if place.price and place.price.get("hourly") is not None else float("inf")


def _choices(provider: str, settings: Settings) -> list[Choice]:
    return [*providers.load(provider).choices(settings.providers.get(provider, {}))]


def _place(  # noqa: PLR0913, PLR0917 - a choice, and the deployment that it is for
    provider: str,
    choice: Choice,
    name: str,
    data: Mapping[str, Any],
    templates: Mapping[str, Template],
    settings: Settings,
) -> Place:
    machine = {**data.get("machine", {}), **choice.machine}
    wanted = {**data, "provider": provider, **({"machine": machine} if machine else {})}
    desired, faults = resolve(Source(name, f"deployments/{name}.yaml", wanted), templates, settings)
    if desired is not None:
        fit, reason = _fit(desired.spec, choice, templates[wanted["template"]])
        return Place(provider, choice, fit, reason, desired.price)
    against = [fault.message.removeprefix(f"{provider}: ") for fault in faults if fault.path[0] in _OF_THE_PLACE]
    return Place(provider, choice, "too small" if against else "unknown", "; ".join(against))


def _fit(spec: Spec, choice: Choice, template: Template) -> tuple[Fit, str]:
    gpus, needed = spec["service"]["gpus"], spec["needs"]["vram_gb"]
    model = spec["params"].get("model")
    foreign = bool(template.models) and model not in {known.id for known in template.models}
    if gpus == "none" or (gpus == "auto" and not needed and not foreign):
        return "fits", ""
    if choice.vram_gb == 0:
        return ("too small", "it needs a GPU") if gpus == "all" else ("unknown", "no GPU: on the CPU it is slow")
    if foreign:
        return "unknown", f"how much GPU memory {model} needs is not known"
    if choice.vram_gb is None:
        return "unknown", "how much GPU memory it has is not known"
    if choice.vram_gb < needed:
        return "too small", f"{needed:g} GB of GPU memory are needed"
    return "fits", ""
