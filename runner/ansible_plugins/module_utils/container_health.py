"""Starts a container and decides by its health: keep it, or put the previous one back."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from .container_spec import IDENTITY
from .container_steps import StepError, Steps
from .docker_api import Docker
from .docker_causes import Cause
from .docker_socket import DockerError
from .health_probe import HEALTHY, probe, wait
from .program_log import READ, because, end
from .restarts import COUNT, MANY, counted

QUICK_S = 5.0
SHORT = 8
"""Values that are shorter are not masked in the log: they would blank out half of it."""


def started_and_healthy(steps: Steps, docker: Docker, params: Mapping[str, Any], *, restart: bool, check: bool) -> str:
    """What the health check said. Raises StepError when it never became healthy; then the previous one runs again."""
    steps.started(restart=restart)
    if check:
        return "not checked in check mode"
    health = params["health"]
    if not steps.actions:
        state, detail = probe(health, QUICK_S)
        if state == HEALTHY and not restless(docker, steps):
            return str(detail)
        steps.started(restart=True)
    healthy, detail = wait(
        health, health.get("timeout_s", 60), alive(docker, steps.name), lambda: life(docker, steps.name)
    )
    if healthy:
        steps.committed()
        return str(detail)
    said = _log(docker, steps.name, params["env"])
    hint = f"see all that it said: runner logs {named(params['labels'], steps.name)}"
    rolled_back = _gave_up(steps)
    now = "The previous container runs again" if rolled_back else "It was stopped again"
    own = "".join(f". {complaint}" for complaint in steps.complaints)
    cause = Cause("unhealthy", f"{detail}{own}{because(said)}. {now}", hint)
    raise StepError(cause, log=end(said), rolled_back=rolled_back)


def named(labels: Dict[str, str], container: str) -> str:
    """As `runner logs` wants it."""
    beside = labels.get("slipway-companion", "")
    return labels.get("slipway-deployment", container) + (f" --companion {beside}" if beside else "")


def alive(docker: Docker, name: str) -> Callable[[], str]:
    """Why the container will not become healthy, or empty: one that is restarted again and again never does."""

    def check() -> str:
        try:
            state = (docker.inspect(name) or {}).get("State", {})
        except DockerError:
            return ""  # an engine that is too busy to say so: the service has the rest of its time
        if state.get("OOMKilled"):
            return "the container was killed because it ran out of memory"
        if state.get("Running") and not state.get("Restarting"):
            return ""
        return f"the container ended by itself with exit code {state.get('ExitCode', '?')}"

    return check


def life(docker: Docker, name: str) -> Optional[Tuple[Any, ...]]:
    """Another one as soon as the container was started again; None when the engine does not tell."""
    try:
        found = docker.inspect(name) or {}
    except DockerError:
        return None
    return found.get("Id"), found.get("RestartCount"), found.get("State", {}).get("StartedAt")


def restless(docker: Docker, steps: Steps) -> bool:
    """Whether it was started again so often lately that one good answer means nothing."""
    labels = {key: steps.spec.labels[key] for key in IDENTITY if key in steps.spec.labels}
    found = counted(docker.path, docker.containers(labels), labels)
    mine = [one for one in found if "/" + steps.name in one["Names"]]
    return any(one[COUNT] >= MANY or one["State"] == "restarting" for one in mine)


def _gave_up(steps: Steps) -> bool:
    """Whether there was a previous container to go back to."""
    before = len(steps.actions)
    steps.rolled_back()
    if len(steps.actions) > before:
        return True
    steps.stopped()
    return False


def _log(docker: Docker, name: str, env: Dict[str, Any]) -> List[str]:
    """The end of its output, without the secrets that it was given."""
    try:
        text = "\n".join(docker.logs(name, follow=False, lines=READ))
    except DockerError:
        return []
    for value in env.values():
        if len(str(value)) >= SHORT:
            text = text.replace(str(value), "********")
    return text.splitlines()
