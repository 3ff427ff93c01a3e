"""What an action would certainly meet, known before it begins: turned into `blocked`, or into a warning where it may
resolve itself. Pure but for the values of secrets, which the caller looks for.

Only what starts a service is checked; nothing that stops or removes one needs any of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runner.domain import STARTING, Action, Desired, Kind
from runner.errors import CapacityError, ProviderError, QuotaError
from runner.listing import listed
from runner.providers.outlook import Outlook, images_of, wanted_ports
from runner.registries import line, login_of

GB_OF_A_GIB = 2**30 / 10**9
"""Programs of a host count in powers of two; what a GPU is sold as, and a template asks for, does not."""
SLACK = 0.9
"""A machine of 16 GB says 15.6: what the kernel and the firmware keep is no shortage."""
MANY = 5

NO_VALUE = "missing-secret-value"

Unreadable = Callable[[str], ProviderError | None]
"""Where a secret comes from → why it has no value here."""


@dataclass
class Checked:
    """What became of the actions."""

    actions: list[Action] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an action cannot succeed."""

    code: str
    reason: str
    hint: str = ""


def check(  # noqa: PLR0913 - the sides of the question, each named
    actions: tuple[Action, ...],
    desired: Mapping[str, Desired],
    outlooks: Mapping[str, Outlook],
    unreadable: Unreadable,
    *,
    secrets_here: bool = True,
    registries: Mapping[str, Mapping[str, Any]] = {},
) -> Checked:
    """The actions, those that cannot succeed as blocked ones, and what may keep others from succeeding. Without
    `secrets_here` another machine will carry them out: secrets without a value on this one only warn. `registries`: the
    logins that `runner.yaml` declares.
    """
    found, short = Checked(), defaultdict[str, list[str]](list)
    spoken_for, logins = _ports(desired), _Logins(registries, unreadable if secrets_here else lambda _: None)
    for action in actions:
        want = desired.get(action.deployment)
        if want is None or action.kind not in STARTING:
            found.actions.append(action)
            continue
        outlook = outlooks.get(action.deployment, Outlook())
        secret, place = _secret(want, unreadable), _place(want, outlook, spoken_for, logins)
        obstacle = (secret if secrets_here else None) or place
        found.actions.append(_blocked(action, obstacle) if obstacle else action)
        for shortage in [] if obstacle else _shortages(want, outlook):
            short[shortage].append(action.deployment)
        if secret and not obstacle:
            short[f"{secret.reason}, and must have one where this is applied"].append(action.deployment)
    found.warnings = [_told(shortage, names) for shortage, names in short.items()]
    return found


def _blocked(action: Action, obstacle: Obstacle) -> Action:
    return replace(
        action,
        kind=Kind.BLOCKED,
        reason=f"{obstacle.reason} (would {action.kind})",
        hint=obstacle.hint,
        code=obstacle.code,
        hourly_after=action.hourly_before,
        exposure=None,
    )


def _told(shortage: str, names: list[str]) -> str:
    return f"{listed(names, MANY)}: {shortage}"


def _secret(want: Desired, unreadable: Unreadable) -> Obstacle | None:
    for name, source in want.spec["secrets"].items():
        error = unreadable(source) if source != "generate" else None
        if error is not None:
            known = error.code == NO_VALUE
            reason = f"the secret {name} ({source}) has no value here" if known else f"the secret {name}: {error}"
            return Obstacle(error.code, reason, error.hint)
    return None


@dataclass(frozen=True, slots=True)
class _Logins:
    registries: Mapping[str, Mapping[str, Any]]
    unreadable: Unreadable


def _place(
    want: Desired, outlook: Outlook, spoken_for: Mapping[tuple[str, int], str], logins: _Logins
) -> Obstacle | None:
    full = isinstance(outlook.obstacle, CapacityError | QuotaError) and len(want.providers) > 1
    if outlook.obstacle is not None and not full:  # else the next candidate is tried
        return Obstacle(outlook.obstacle.code, str(outlook.obstacle), outlook.obstacle.hint)
    if not outlook.sight:
        return None
    return _port(want, outlook, spoken_for) or _gpu(want, outlook) or _image(want, outlook, logins)


def _port(want: Desired, outlook: Outlook, spoken_for: Mapping[tuple[str, int], str]) -> Obstacle | None:
    held = {one["port"]: one for one in outlook.sight["taken"]}
    for name, (number, _) in wanted_ports(want.spec).items():
        if number not in held:
            continue
        one = held[number]
        free = int(one["free"])
        while (want.place, free) in spoken_for:
            free += 1
        reason = f"port {number} ({name.rpartition('.')[2]}) of {outlook.place} is used by {_holder(one)}"
        return Obstacle("port-taken", reason, f"stop that, or choose another port: {_line(name, free)}")
    return None


def _holder(one: Mapping[str, Any]) -> str:
    if one["container"]:
        return f"the container {one['container']}"
    return f"{one['program']} (pid {one['pid']})" if one["pid"] else "a program of another user"


def _line(name: str, value: int) -> str:
    """`ports.web` as what to write: `ports: {web: 8890}`."""
    first, *others = name.split(".")
    text = str(value)
    for part in reversed(others):
        text = f"{{{part}: {text}}}"
    return f"{first}: {text}"


def _ports(desired: Mapping[str, Desired]) -> dict[tuple[str, int], str]:
    """(place, port) that a file has asked for."""
    return {
        (want.place, number): want.name for want in desired.values() for number, _ in wanted_ports(want.spec).values()
    }


def _gpu(want: Desired, outlook: Outlook) -> Obstacle | None:
    gpu, service = outlook.sight["gpu"], want.spec["service"]
    if not gpu or service["gpus"] != "all":
        return None
    hint = "take another host or provider, or a template that does without one: runner templates"
    if not gpu["present"] and gpu["trouble"] == "absent":
        return Obstacle("no-gpu", f"it needs a GPU, and {outlook.place} has none", hint)
    if gpu["works"] or outlook.prepared:
        return None
    return Obstacle("no-gpu", f"it needs a GPU, and that of {outlook.place} cannot be used: {gpu['reason']}", hint)


def _image(want: Desired, outlook: Outlook, logins: _Logins) -> Obstacle | None:
    for image in images_of(want.spec) if outlook.engine == "docker" else ():
        answer = outlook.sight["images"].get(image, "")
        if answer == "login" and (denied := _denied(image, logins)):
            return denied
        if answer == "missing":
            return Obstacle("image-not-found", f"the registry has no image {image}", "check its name and tag")
    return None


def _denied(image: str, logins: _Logins) -> Obstacle | None:
    """Nothing where a login is declared: the look was made without it, the pull is made with it."""
    registry, entry = login_of(image, logins.registries)
    if not entry:
        reason = f"the registry does not give out the image {image}: it needs a login, or has another name"
        hint = f"check its name; if it is right, write into runner.yaml: {line(registry)}"
        return Obstacle("registry-denied", reason, hint)
    error = logins.unreadable(entry["password"])
    if error is None:
        return None
    return Obstacle(error.code, f"the image {image} needs the login of {registry}: {error}", error.hint)


def _shortages(want: Desired, outlook: Outlook) -> list[str]:
    """What is tight: another estimate, or something that frees itself, may still make it fit."""
    found = [outlook.warning] if outlook.warning else []
    sight, needs = outlook.sight, want.spec.get("needs", {})
    if not sight:
        return found
    memory, disk = sight["memory_gb"] * GB_OF_A_GIB, sight["disk_free_gb"] * GB_OF_A_GIB
    if 0 < memory < needs.get("ram_gb", 0) * SLACK:
        found.append(f"{outlook.place} has {memory:.0f} GB of memory, and {needs['ram_gb']:g} are asked for")
    if 0 < disk < needs.get("disk_gb", 0):
        found.append(f"{outlook.place} has {disk:.0f} GB of disk free, and {needs['disk_gb']:g} are asked for")
    cards = (sight["gpu"] or {}).get("cards", ())
    video = sum(card["memory_gb"] for card in cards) * GB_OF_A_GIB
    if 0 < video < needs.get("vram_gb", 0) * SLACK:
        found.append(f"{outlook.place} has {video:.0f} GB of GPU memory, and {needs['vram_gb']:g} are needed")
    return found
