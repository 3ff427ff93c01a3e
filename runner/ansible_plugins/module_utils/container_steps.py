"""Brings one service container into the wanted state, step by step, so that a crash between any two steps is made
good by the next run: the one that served last is kept as NAME.previous until the new one is committed.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from .container_seen import differences
from .container_spec import COMPANION, IDENTITY, LABEL, OWNER, ContainerSpec
from .docker_api import Docker
from .docker_causes import Cause, explain
from .docker_socket import DockerError
from .volume_owner import settle

PREVIOUS = ".previous"
"""A dot cannot be part of a deployment's name, so no deployment's container is ever called like this."""


LOGINS_HELP = ("registry-denied", "registry-throttled")
"""Causes that a login, or another one, takes away."""
BUILT_IN = ("", "default", "bridge", "host", "none")
"""Networks that every engine has."""


class StepError(Exception):
    """A foreseeable failure."""

    def __init__(self, cause: Cause, *, log: str = "", rolled_back: bool = False) -> None:
        super().__init__(cause.message)
        self.cause, self.log, self.rolled_back = cause, log, rolled_back


class Steps:
    """One container, its predecessor and its volumes. Each public method is one wanted state; call one, once."""

    def __init__(self, docker: Docker, params: Mapping[str, Any], *, check: bool) -> None:
        self.spec = ContainerSpec(params)
        self.name, self.previous = self.spec.name, self.spec.name + PREVIOUS
        self.actions: List[str] = []
        """What was done, or would be in check mode; empty when nothing changes."""
        self.before: Dict[str, Any] = {}
        self.after: Dict[str, Any] = {}
        self.warnings: List[str] = []
        self.complaints: List[str] = []
        """What the service may not write to although it is its own."""
        self._docker, self._params, self._check = docker, params, check
        self._timeout_s: int = params["stop_timeout_s"]
        self._pulled = False

    def pulled(self) -> None:
        """Only the image: the container that runs is not touched."""
        self._ensure_image()

    def started(self, *, restart: bool = False) -> None:
        """As the spec says, and running."""
        if self._params["pull"] == "always":
            self._ensure_image()
        current, previous = self._own(self.name), self._own(self.previous)
        if self._differs(current):
            self._ensure_image()
            self._replace(current, previous)
        elif not _runs(current) or _is(current, "Paused"):
            self._did("started", "stopped", "running")
            self._run(current, previous)
        elif restart:
            self._did("restarted", "running", "restarted")
            self._act(self._stop, current)
            self._run(current, previous)
        self._drop_companions()
        if not self._params["keep_previous"] and self._own(self.previous):
            self._did("committed", "with previous", "without previous")
            self._act(self._docker.remove, self.previous, force=True, volumes=True)

    def stopped(self) -> None:
        """Not running; kept as it is. Its companions first."""
        for name in (*self._companions(), self.name, self.previous):
            container = self._own(name)
            if _runs(container):
                self._did("stopped", "running", "stopped")
                self._act(self._stop, container)

    def absent(self) -> None:
        """Gone, with its companions, its predecessor and, when asked, its volumes."""
        for name in (*self._companions(), self.name, self.previous):
            container = self._own(name)
            if container:
                self._did("removed", "present", "absent")
                self._act(self._stop, container)
                self._act(self._docker.remove, name, force=True, volumes=True)
        for network in self._docker.networks({OWNER: self.name}):
            self._did("removed network " + network["Name"])
            self._act(self._docker.remove_network, network["Id"])
        for volume in self._volumes() if self._params["remove_volumes"] else []:
            self._did("removed volume " + volume)
            self._act(self._docker.remove_volume, volume)

    def committed(self) -> None:
        """The new container has proven itself: its predecessor goes."""
        if not self._own(self.previous):
            return
        if not self._own(self.name):
            text = f"there is no container {self.name}, only {self.previous}: roll back, or start again"
            raise StepError(Cause("nothing-to-commit", text))
        self._did("committed", "with previous", "without previous")
        self._act(self._docker.remove, self.previous, force=True, volumes=True)

    def rolled_back(self) -> None:
        """The predecessor runs again. Quiet when there is none."""
        if self._own(self.previous):
            self._did("rolled back", "new", "previous")
            self._act(self._restore)

    def result(self) -> Dict[str, Any]:
        """What there is now, without anything secret."""
        container = self._own(self.name) or {}
        state = container.get("State", {})
        return {
            "name": self.name,
            "id": container.get("Id", ""),
            "image": container.get("Config", {}).get("Image", ""),
            "image_id": container.get("Image", ""),
            "status": state.get("Status", "absent"),
            "started_at": state.get("StartedAt", ""),
        }

    def _companions(self) -> List[str]:
        """Names of the containers that belong to this one, replaced ones among them."""
        return [container["Names"][0].lstrip("/") for container in self._docker.containers({OWNER: self.name})]

    def _drop_companions(self) -> None:
        """Those that are no longer wanted go; their volumes stay until the container goes, as its own do."""
        wanted = self._params.get("companions")
        if wanted is None:
            return
        for container in self._docker.containers({OWNER: self.name}):
            companion, name = container["Labels"].get(COMPANION, ""), container["Names"][0].lstrip("/")
            if companion not in wanted:
                self._did("removed " + companion, companion + " present", companion + " absent")
                self._act(self._docker.stop, name, self._timeout_s)
                self._act(self._docker.remove, name, force=True, volumes=True)

    def _volumes(self) -> List[str]:
        """Those of this container, and of companions that it has or had."""
        mine = {key: self.spec.labels[key] for key in IDENTITY if key in self.spec.labels}
        owners = ((volume["Name"], (volume["Labels"] or {}).get(OWNER, "")) for volume in self._docker.volumes(mine))
        return [name for name, owner in owners if owner == self.name or owner.startswith(self.name + ".")]

    def _own(self, name: str) -> Optional[Dict[str, Any]]:
        """The container of that name. Raises when it is somebody else's: that one is never touched."""
        container = self._docker.inspect(name)
        if container is None:
            return None
        labels = container["Config"]["Labels"] or {}
        wanted = {key: self.spec.labels[key] for key in IDENTITY if key in self.spec.labels}
        if LABEL in labels and all(labels.get(key) == value for key, value in wanted.items()):
            return container
        text = f"there is a container {name} that is not ours{_of(labels)}; rename or remove it (docker rm {name})"
        raise StepError(Cause("name-taken", text))

    def _differs(self, current: Optional[Mapping[str, Any]]) -> bool:
        if current is None:
            self._did("created")
            self.before, self.after = {"state": "absent"}, {"state": "running", **self.spec.visible()}
            return True
        changes = differences(self.spec, current, self._docker.image(current["Image"]))
        if self._params["pull"] == "always":
            now = (self._docker.image(self.spec.image) or {}).get("Id", "")
            if now not in ("", current["Image"]):
                changes["before"]["image_id"], changes["after"]["image_id"] = current["Image"], now
        if any(changes.values()) or _is(current, "Dead"):
            self._did("recreated")
            self.before, self.after = changes["before"], changes["after"]
            return True
        return False

    def _ensure_image(self) -> None:
        """Before anything that runs is touched: a missing image takes nothing down."""
        image, pull = self.spec.image, self._params["pull"]
        present = self._docker.image(image)
        if present and (pull != "always" or self._pulled):
            return
        if pull == "never":
            text = f"image {image} was not found on this host, and pull is never; put it there, or allow pulling"
            raise StepError(Cause("image-not-found", text))
        if self._check:
            if not present:
                self.actions.insert(0, "pulled")
            return
        self._pull(image)
        self._pulled = True
        after = self._docker.image(image)
        if (present or {}).get("Id") != (after or {}).get("Id"):
            self.actions.insert(0, "pulled")

    def _pull(self, image: str) -> None:
        try:
            self._docker.pull(image, self._params.get("registry_login"))
        except DockerError as error:
            cause = explain(error, image)
            hint = self._params.get("registry_hint", "") if cause.code in LOGINS_HELP else ""
            raise StepError(cause._replace(hint=hint or cause.hint)) from error

    def _replace(self, current: Optional[Mapping[str, Any]], previous: Optional[Mapping[str, Any]]) -> None:
        if self._check:
            return
        self._ensure_network()
        self._ensure_volumes()
        if current and previous:
            self._docker.remove(self.name, force=True, volumes=True)  # never committed: the one before it stays
        elif current:
            self._docker.rename(self.name, self.previous)
        served = previous or current
        start_again = bool(previous or _runs(current))
        try:
            made = self._docker.create(self.name, self.spec.request())
            self.complaints = settle(self._docker, self.name, self.spec)
            self.warnings += [*(made.get("Warnings") or []), *self.complaints]
            if served:
                self._stop(served)
            self._docker.start(self.name)
        except DockerError as error:
            raise self._after_failure(error, start_again=start_again) from error

    def _run(self, current: Optional[Mapping[str, Any]], previous: Optional[Mapping[str, Any]]) -> None:
        """Start a container that is as it should be; with a predecessor it was being put in its place."""
        if self._check:
            return
        try:
            if previous:
                self._stop(previous)
            if _is(current, "Paused"):
                self._docker.unpause(self.name)
            else:
                self._docker.start(self.name)
        except DockerError as error:
            raise self._after_failure(error, start_again=True) from error

    def _after_failure(self, error: DockerError, *, start_again: bool) -> StepError:
        cause = explain(error, self.spec.image)
        try:
            if not self._own(self.previous):
                if "created" in self.actions:
                    self._docker.remove(self.name, force=True, volumes=True)
                return StepError(cause)
            self._restore(start=start_again)
        except DockerError as second:
            text = f"{cause.message}. Putting the previous container back failed too: {second.message}; run it again"
            return StepError(Cause(cause.code, text))
        how = "runs again" if start_again else "is back"
        return StepError(Cause(cause.code, f"{cause.message}. The previous container {how}"))

    def _restore(self, *, start: bool = True) -> None:
        self._docker.remove(self.name, force=True, volumes=True)
        self._docker.rename(self.previous, self.name)
        if start:
            self._docker.start(self.name)

    def _ensure_network(self) -> None:
        """One that the engine has is taken as it is."""
        name = self._params["network"]
        if name in BUILT_IN or ":" in name or self._try(self._docker.network, name):
            return
        self._try(self._docker.create_network, name, {**self.spec.volume_labels(), OWNER: name})

    def _ensure_volumes(self) -> None:
        for name in self.spec.volumes:
            volume = self._try(self._docker.create_volume, name, self.spec.volume_labels())
            if (volume["Labels"] or {}).get(OWNER) != self.name:
                whose = _of(volume["Labels"] or {})
                text = (
                    f"there is a volume {name} that is not ours{whose}; rename or remove it (docker volume rm {name})"
                )
                raise StepError(Cause("name-taken", text))

    def _stop(self, container: Mapping[str, Any]) -> None:
        if _is(container, "Paused"):
            self._docker.unpause(container["Id"])
        self._docker.stop(container["Id"], self._timeout_s)

    def _did(self, action: str, before: str = "", after: str = "") -> None:
        self.actions.append(action)
        if before and not self.before:
            self.before, self.after = {"state": before}, {"state": after}

    def _act(self, call: Any, *arguments: Any, **options: Any) -> None:
        if not self._check:
            self._try(call, *arguments, **options)

    def _try(self, call: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return call(*arguments, **options)
        except DockerError as error:
            raise StepError(explain(error, self.spec.image)) from error


def _of(labels: Mapping[str, str]) -> str:
    """Whose it is, as far as its labels tell."""
    repo, deployment = (labels.get(key, "") for key in IDENTITY[1:])
    return f", but {deployment} of the repository {repo}" if repo else ""


def _runs(container: Optional[Mapping[str, Any]]) -> bool:
    return _is(container, "Running")


def _is(container: Optional[Mapping[str, Any]], what: str) -> bool:
    return bool(container and container["State"].get(what))
