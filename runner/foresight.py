"""Completes a plan by what can be known before it is carried out: where each deployment will be, what it would meet
there, and whether its secrets have values. Asks providers only what they saw while looking; the decisions are pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from runner import preflight, resolved, vault
from runner.domain import CHANGING, STARTING, Action, Desired, Kind, Plan, Record, Resource
from runner.errors import CredentialsError, ProviderError
from runner.load import Loaded
from runner.observe import Observed
from runner.providers.base import Weighing
from runner.providers.outlook import Outlook, Predicting

DESCRIBED = CHANGING | {Kind.BLOCKED}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A plan, completed."""

    plan: Plan
    warnings: tuple[str, ...] = ()


def complete(
    made: Plan, loaded: Loaded, kept: Mapping[str, Record], observed: Observed, *, secrets_here: bool = True
) -> Foreseen:
    """`secrets_here`: see `preflight.check`."""
    outlooks = _outlooks(made, loaded.desired, observed)

    @cache
    def unreadable(source: str) -> ProviderError | None:
        try:
            vault.external(loaded.repo, "", source)
        except CredentialsError as error:
            return error
        return None

    told = _engines(loaded, outlooks)
    checked = preflight.check(
        made.actions,
        loaded.desired,
        outlooks,
        unreadable,
        secrets_here=secrets_here,
        registries=loaded.settings.get("registries", {}),
    )
    described = (_described(action, loaded.desired, kept, observed, outlooks) for action in checked.actions)
    actions = tuple(_weighed(action, observed) for action in described)
    return Foreseen(replace(made, actions=actions), (*checked.warnings, *told))


def _outlooks(made: Plan, desired: Mapping[str, Desired], observed: Observed) -> dict[str, Outlook]:
    """By deployment; each provider is asked once, for those that go there."""
    leaving = {action.deployment for action in made.actions if action.kind is Kind.DESTROY}
    found: dict[str, Outlook] = {}
    starting = {action.deployment for action in made.actions if action.kind in STARTING}
    going: dict[str, list[str]] = {}
    for name in sorted(starting & desired.keys()):
        going.setdefault(_goes_to(desired[name], observed.by_name[name].resource), []).append(name)
    for provider, names in going.items():
        opened: object = observed.providers.get(provider)
        if provider not in observed.failed and isinstance(opened, Predicting):
            there = {name: r for name in names if (r := observed.by_name[name].resource) is not None}
            found |= opened.outlooks({name: desired[name].spec for name in names}, there, leaving)
    return found


def _engines(loaded: Loaded, outlooks: Mapping[str, Outlook]) -> list[str]:
    """What becomes of engines that others use too; once for each host."""
    shared = {one.place: one for one in outlooks.values() if one.prepared and one.sight.get("engine")}
    if not shared:
        return []
    from runner import engine_notices, role_variables

    role = role_variables.docker(loaded.repo)
    found: list[str] = []
    for place, outlook in sorted(shared.items()):
        gpu = any(one.gpus for one in outlooks.values() if one.place == place)
        found += engine_notices.notices(place, outlook.sight["engine"], role, adopt=outlook.adopts, gpu=gpu)
    return found


def _goes_to(want: Desired, there: Resource | None) -> str:
    """The provider: where it is, else the first candidate."""
    return there.provider if there is not None and there.provider in want.providers else want.providers[0]


def _weighed(action: Action, observed: Observed) -> Action:
    """With the size of the data that is about to be lost, where its provider can tell."""
    resource = observed.by_name[action.deployment].resource if action.deployment in observed.by_name else None
    opened: object = observed.providers.get(resource.provider) if resource is not None else None
    if not action.effect.deletes or resource is None or not isinstance(opened, Weighing):
        return action
    return replace(action, effect=replace(action.effect, bytes=opened.stored_bytes(resource)))


def _described(
    action: Action,
    desired: Mapping[str, Desired],
    kept: Mapping[str, Record],
    observed: Observed,
    outlooks: Mapping[str, Outlook],
) -> Action:
    name = action.deployment
    if action.kind not in DESCRIBED or name not in observed.by_name:
        return action
    outlook = outlooks.get(name, Outlook())
    facts = resolved.of(action, desired.get(name), kept.get(name), observed.by_name[name], outlook)
    return replace(action, resolved=facts)
