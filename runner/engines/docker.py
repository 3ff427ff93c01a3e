"""The `docker` engine as seen from this machine: what carries our mark, what it says, and its end."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from runner import look_fields, readback
from runner.ansible_plugins.module_utils import docker_api, restarts
from runner.ansible_plugins.module_utils.container_spec import COMPANION, COMPANIONS, DIGEST, IDENTITY, LABEL
from runner.ansible_plugins.module_utils.container_steps import PREVIOUS
from runner.ansible_plugins.module_utils.docker_api import Docker
from runner.ansible_plugins.module_utils.docker_causes import explain
from runner.ansible_plugins.module_utils.docker_socket import DockerError, DockerUnreachable
from runner.domain import Health, Resource
from runner.errors import CredentialsError, GoneError, ProviderError

State = Literal["running", "stopped", "pending", "failed"]
MANAGER = "slipway"
ENDED_BY_SIGNAL = {0, 137, 143}
NEVER_BEGAN = {125, 126, 127, 128}
NOT_FOUND = 404


class DockerEngine:
    """One engine, over its socket. Raises ProviderError when it does not answer or refuses."""

    def __init__(self, socket: str = "") -> None:
        self._socket = socket

    @property
    def socket(self) -> str:
        """Where it listens. Raises DockerError where that is nothing of this machine."""
        return Docker(self._socket).path

    def available(self) -> str:
        """Empty when it answers, else why not and what to do."""
        try:
            Docker(self._socket).ping()
        except DockerError as error:
            return explain(error).message
        return ""

    def list(self, repo: str, provider: str) -> list[Resource]:
        """Every deployment of that repository which has a container here. One call."""
        try:
            engine = Docker(self._socket)
            found = restarts.counted(engine.path, engine.containers(mark(repo)), mark(repo))
        except DockerError as error:
            raise translated(error) from error
        if (wrong := look_fields.CONTAINERS(found)) is not None:
            text = f"Docker's list of containers has no proper {wrong or 'content'}"
            raise ProviderError(text, code="bad-answer", hint="is it Docker that answers there? see: docker ps -a")
        return resources(found, provider)

    def left_behind(self, repo: str, present: Collection[str], provider: str) -> Sequence[Resource]:
        """See the function of that name."""
        try:
            found = Docker(self._socket).volumes(mark(repo))
        except DockerError as error:
            raise translated(error) from error
        if look_fields.VOLUMES(found) is not None:
            raise ProviderError("Docker lists its volumes in a way that cannot be read", code="bad-answer")
        return left_behind(found, present, provider, {})

    def logs(self, resource: Resource, *, follow: bool, lines: int) -> Iterator[str]:
        """The container's output, newest last. Blocks while following, until it ends."""
        try:
            yield from Docker(self._socket).logs(resource.facts["container"], follow=follow, lines=lines)
        except DockerError as error:
            raise translated(error) from error


def resources(
    containers: Sequence[Mapping[str, Any]],
    provider: str,
    *,
    facts: Mapping[str, Any] | None = None,
    health: Mapping[str, tuple[Health, str]] | None = None,
) -> list[Resource]:
    """The deployments behind the engine's list of containers; `facts` are added to each, `health` goes by name."""
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for one in containers:
        container = {**one, "Labels": one["Labels"] or {}}
        grouped.setdefault(readback.deployment(container["Labels"].get("slipway-deployment")), []).append(container)
    found = []
    for name in sorted(grouped):
        resource = _resource(name, provider, grouped[name])
        state, detail = (health or {}).get(name, ("unknown", ""))
        if trouble := _lacking(grouped[name]) or _restless(grouped[name]) if resource.state == "running" else "":
            state, detail = "unhealthy", trouble
        found.append(replace(resource, facts={**resource.facts, **(facts or {})}, health=state, health_detail=detail))
    return found


def left_behind(
    volumes: Sequence[Mapping[str, Any]], present: Collection[str], provider: str, facts: Mapping[str, Any]
) -> list[Resource]:
    """Volumes that carry our mark and whose deployment has no container on this engine: one for each deployment."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for volume in volumes:
        name = readback.deployment((volume.get("Labels") or {}).get("slipway-deployment"))
        if name not in present:
            found.setdefault(name, []).append(volume)
    return [
        Resource(
            deployment=name,
            provider=provider,
            id="volume:" + min(str(one["Name"]) for one in its),
            state="stopped",
            facts={"engine": "docker", **facts},
            leftover=True,
            detail=f"without a container: {', '.join(sorted(str(one['Name']) for one in its))}",
            since=min(str(one.get("CreatedAt") or "") for one in its),
        )
        for name, its in sorted(found.items())
    ]


def volumes_listing(repo: str) -> str:
    """Where an engine lists the volumes of a repository."""
    return docker_api.volumes_listing(mark(repo))


def mark(repo: str, deployment: str = "", digest: str = "") -> dict[str, str]:
    """The labels that make a container or a volume ours."""
    values = dict(zip(IDENTITY, (MANAGER, repo, deployment), strict=True))
    return {key: value for key, value in {**values, DIGEST: digest}.items() if value}


def listing(repo: str) -> str:
    """Where an engine lists the containers of a repository: what is to be asked at its socket."""
    return docker_api.listing(mark(repo))


def container_name(repo: str, deployment: str) -> str:
    """What the container of a deployment is called."""
    return f"slipway-{repo}-{deployment}"


def translated(error: DockerError) -> ProviderError:
    """The engine's failure as one of ours."""
    cause = explain(error)
    if isinstance(error, DockerUnreachable) and error.reason == "permission":
        return CredentialsError(cause.message, code=cause.code)
    if error.status == NOT_FOUND:
        return GoneError(error.message, code="gone", hint="see `runner status`")
    return ProviderError(cause.message, code=cause.code)


def _resource(deployment: str, provider: str, containers: Sequence[Mapping[str, Any]]) -> Resource:
    """A replaced container that waits for the new one to prove itself is not a second machine, but unfinished work."""
    current = next((one for one in containers if _is_main(one)), containers[0])
    state, detail = _state(current)
    beside = _beside(containers)
    digests = {one["Labels"].get(DIGEST, "") for one in (current, *beside.values())}
    unfinished = any(_name(one).endswith(PREVIOUS) for one in containers) or len(digests) > 1
    return Resource(
        deployment=deployment,
        provider=provider,
        id=f"docker:{current['Id'][:12]}",
        state=state,
        digest="" if unfinished else current["Labels"].get(DIGEST, ""),
        facts={
            "engine": "docker",
            "image": current["Image"],
            "container": _name(current),
            **({"companions": {name: _name(one) for name, one in beside.items()}} if beside else {}),
        },
        detail=detail or ("the last update was not finished" if unfinished else ""),
        since=_since(current) if state in {"running", "pending"} else "",
        restarts=max(one.get(restarts.COUNT, 0) for one in (current, *beside.values())),
    )


def _is_main(container: Mapping[str, Any]) -> bool:
    return not _name(container).endswith(PREVIOUS) and COMPANION not in container["Labels"]


def _beside(containers: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Companion → its container."""
    return {
        one["Labels"][COMPANION]: one
        for one in containers
        if COMPANION in one["Labels"] and not _name(one).endswith(PREVIOUS)
    }


def _lacking(containers: Sequence[Mapping[str, Any]]) -> str:
    """Which companion is not there or does not run."""
    wanted = [name for one in containers if _is_main(one) for name in one["Labels"].get(COMPANIONS, "").split(",")]
    beside = _beside(containers)
    for name in filter(None, wanted):
        if name not in beside:
            return f"{name} is missing"
        state, detail = _state(beside[name])
        if state not in {"running", "pending"}:
            return f"{name}: {detail or state}"
    return ""


def _restless(containers: Sequence[Mapping[str, Any]]) -> str:
    """Which one ends by itself and is started again, so often that an answer in between means nothing."""
    for name, one in {"": next(filter(_is_main, containers), containers[0]), **_beside(containers)}.items():
        often = one.get(restarts.COUNT, 0)
        said = restarts.told(often) if often >= restarts.MANY else ""
        if one["State"] == "restarting":
            said = said or f"it ends and is started again and again: {one['Status']}"
        if said:
            return f"{name}: {said}; see its log" if name else f"{said}; see its log"
    return ""


def _state(container: Mapping[str, Any]) -> tuple[State, str]:
    """(state, detail), from what the list of containers says; it has no field for the exit code."""
    word, text = container["State"], container["Status"]
    if word == "running":
        if "(unhealthy)" in text:
            return "failed", "its own health check fails"
        return ("pending", "starting") if "health: starting" in text else ("running", "")
    if word == "exited":
        return _after_exit(container, text)
    if word == "paused":
        return "stopped", "paused"
    if word == "restarting":
        return "running", ""  # between two attempts; what it is told by is not healthy
    if word == "created":
        return "pending", "made, but never started"
    return ("pending", "being removed") if word == "removing" else ("failed", f"Docker says: {text}")


def _after_exit(container: Mapping[str, Any], text: str) -> tuple[State, str]:
    found = re.search(r"\((\d+)\)", text)
    code = int(found.group(1)) if found else 0
    # With this policy the engine starts again whatever ends by itself, so somebody stopped this one, whatever its code.
    if code in ENDED_BY_SIGNAL or (_restarts(container) and code not in NEVER_BEGAN):
        return "stopped", ""
    return "failed", f"it ended by itself with code {code}; see its log"


def _restarts(container: Mapping[str, Any]) -> bool:
    try:
        return bool(json.loads(container["Labels"].get(LABEL, "{}")).get("restart") == "unless-stopped")
    except (ValueError, AttributeError, RecursionError):  # anybody may have written the label
        return False


def _name(container: Mapping[str, Any]) -> str:
    return str(next(iter(container["Names"]), "")).removeprefix("/")  # one that is being removed may have none


def _since(container: Mapping[str, Any]) -> str:
    """When it was made: one call for all containers does not tell when one was started again."""
    return datetime.fromtimestamp(container["Created"], UTC).isoformat(timespec="seconds")
