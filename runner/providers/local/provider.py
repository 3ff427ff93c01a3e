"""Provider `local`: services on the machine that the runner itself runs on."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from runner.ansible_plugins.module_utils import host_gpu
from runner.domain import Resource, Spec
from runner.engines import process
from runner.errors import InvalidRequestError, ProviderError
from runner.providers.base import KEEP_NAME, Check, Choice, Context, Credential, Machine, Mark
from runner.providers.outlook import Outlook
from runner.repo import data_home

if TYPE_CHECKING:
    from pydantic import BaseModel

ADDRESS = "127.0.0.1"
_GB_OF_A_GIB = 2**30 / 10**9
"""nvidia-smi counts in powers of two; what a GPU is sold as, and a template asks for, does not."""


class Provider:
    """This machine: no credentials, no price, two engines."""

    name: ClassVar[str] = "local"
    kind: ClassVar[Literal["machine", "platform", "endpoint"]] = "machine"
    summary: ClassVar[str] = "this machine, with Docker or with supervised processes"
    credentials: ClassVar[tuple[Credential, ...]] = ()
    rents: ClassVar[bool] = False
    honours: ClassVar[tuple[str, ...]] = ()

    def __init__(self, context: Context) -> None:
        self._context = context
        settings = context.settings
        self._home = _home(settings["home"]) if settings.get("home") else data_home() / context.repo
        self._docker_error: str | None = None

    @classmethod
    def options(cls) -> type[BaseModel]:
        """The model of `machine:`."""
        from runner.providers.local.options import Options

        return Options

    @classmethod
    def settings(cls) -> type[BaseModel]:
        """The model of `providers.local`."""
        from runner.providers.local.options import LocalSettings

        return LocalSettings

    @classmethod
    def price(
        cls, options: dict[str, Any], needs: dict[str, Any] | None = None, settings: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Own hardware: nothing is billed by the hour."""
        del options, needs, settings
        return {"hourly": 0.0, "currency": "USD", "source": "own hardware", "as_of": ""}

    @classmethod
    def place(cls, options: dict[str, Any]) -> str:
        """All deployments share this machine's ports."""
        del options
        return cls.name

    @classmethod
    def choices(cls, settings: dict[str, Any]) -> Sequence[Choice]:
        """This machine, with the GPUs that nvidia-smi finds."""
        del settings
        found = host_gpu.facts()
        cards = found["cards"]
        if found["present"] and not cards:
            return (Choice("this machine", gpu=found["reason"]),)
        several = f"{len(cards)} × " if len(cards) > 1 else ""
        vram = sum(card["memory_gb"] for card in cards) * _GB_OF_A_GIB
        return (Choice("this machine", gpu=several + cards[0]["name"] if cards else "", vram_gb=round(vram)),)

    @classmethod
    def known(cls, options: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
        """Nothing that the options do not say."""
        del options, settings
        return {}

    @classmethod
    def misfit(cls, spec: Spec, settings: dict[str, Any]) -> str:
        """This machine may be able to run anything."""
        del spec, settings
        return ""

    def list(self) -> Sequence[Resource]:
        """Services of both engines: one question to supervisord, one to Docker when it answers."""
        found = process.list_services(self._home, self._context.repo, self.name)
        if not self._docker_unavailable():
            found += (containers := self._docker().list(self._context.repo, self.name))
            if self._context.everywhere:
                present = {one.deployment for one in containers}
                found += self._docker().left_behind(self._context.repo, present, self.name)
        return found

    def blind_spot(self, machine: dict[str, Any]) -> ProviderError | None:
        """Another machine, another folder, or an engine that does not answer."""
        here = self._here()
        if machine.get("host", here["host"]) != here["host"]:
            text = f"it runs on {machine['host']}, and this is {here['host']}"
            return ProviderError(text, code="elsewhere", hint=f"run the same on {machine['host']}")
        if machine.get("engine") == "docker":
            return self._unavailable(self._docker_unavailable())
        if machine.get("home", here["home"]) != here["home"]:
            hint = "run as that user, or set providers.local.home in runner.yaml"
            return ProviderError(f"it runs below {machine['home']}", code="elsewhere", hint=hint)
        return None

    def requirements(self, spec: Spec) -> ProviderError | None:
        """Why no engine of this machine can run the spec."""
        wanted = spec["machine"].get("engine", "auto")  # several candidates leave their options as they are written
        can_process = spec["service"]["process"] is not None
        if wanted == "process" and not can_process:
            return self._unavailable(f"the template {spec['template']} has no process form", "use engine: docker")
        if wanted == "docker" or (wanted == "auto" and not can_process):
            return self._unavailable(self._docker_unavailable())
        return None

    def outlooks(
        self, specs: Mapping[str, Spec], there: Mapping[str, Resource], leaving: Collection[str]
    ) -> Mapping[str, Outlook]:
        """This machine, whose ports, GPUs and images are looked at once for all."""
        from runner.providers.local import outlook

        del leaving
        if not specs:
            return {}
        engines = {name: self._engine_of(spec, there.get(name)) for name, spec in specs.items()}
        socket = "" if self._docker_unavailable() else self._docker().socket
        home = str(self._home)
        seen = outlook.sight(specs, engines, repo=self._context.repo, socket=socket, home=home)
        return {
            name: Outlook(
                place="this machine",
                host=self.name,
                engine=engines[name],
                gpus=outlook.cards(seen) if spec["service"]["gpus"] != "none" else "",
                obstacle=self.requirements(spec) or (self._no_uv() if engines[name] == "process" else None),
                sight=seen,
            )
            for name, spec in specs.items()
        }

    def create(self, mark: Mark, spec: Spec) -> Machine:
        """Nothing to create: this machine is there. Chooses the engine, keeping the one that is in use."""
        reason = self.requirements(spec)
        if reason is not None:
            raise reason
        return self._machine(self._engine(mark, spec))

    @staticmethod
    def _no_uv() -> ProviderError | None:
        text = "uv is not found, which makes the environments of processes"
        return None if uv_path() else InvalidRequestError(text, code="no-uv", hint="run make setup")

    @staticmethod
    def _unavailable(reason: str, hint: str = "") -> ProviderError | None:
        return InvalidRequestError(reason, code="engine-unavailable", hint=hint) if reason else None

    def find(self, mark: Mark) -> Machine | None:
        """This machine, if one of its engines has something with the mark."""
        engines = [r.facts["engine"] for r in self.list() if r.deployment == mark.deployment]
        return self._machine(str(engines[0])) if engines else None

    def _machine(self, engine: str) -> Machine:
        return Machine(
            id=engine,
            address=ADDRESS,
            engine=engine,
            connection={"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
            facts={
                "home": str(self._home),
                "uv": uv_path() or "uv",
                "docker_socket": self._context.settings.get("docker_socket", ""),
            },
            keep=self._here(),
        )

    def ready(self, machine: Machine) -> Machine:
        """It is there."""
        return machine

    def settle(self, mark: Mark, spec: Spec, machine: Mapping[str, Any]) -> None:
        """Nothing to note: the mark is on the service."""

    def stop(self, mark: Mark) -> None:
        """The roles stop the service; the machine goes on."""

    def destroy(self, mark: Mark) -> None:
        """The roles remove the service; the machine stays."""

    def shell(self, machine: Mapping[str, Any]) -> Sequence[str]:
        """This machine."""
        del machine
        return ()

    def rename(self, mark: Mark, machine: Mapping[str, Any], new: str) -> None:
        """Folders are renamed; volumes of Docker cannot be."""
        if machine.get("engine") != "process":
            text = f"{mark.deployment} runs by {machine.get('engine')}, which cannot rename what it has stored"
            raise InvalidRequestError(text, code="cannot-rename", hint=KEEP_NAME)
        process.rename(self._home, mark.repo, mark.deployment, new)

    def stored_bytes(self, resource: Resource) -> int | None:
        """Of the process engine: Docker counts for minutes."""
        by_process = resource.facts.get("engine") == "process"
        return process.stored_bytes(self._home, resource.deployment) if by_process else None

    def logs(self, resource: Resource, *, follow: bool, lines: int) -> Iterator[str]:
        """The service's own output."""
        if resource.facts["engine"] == "process":
            return process.log_lines(self._home, resource.deployment, follow=follow, lines=lines)
        shown: Iterator[str] = self._docker().logs(resource, follow=follow, lines=lines)
        return shown

    def checks(self) -> Sequence[Check]:
        """Engines, tools and permissions of this machine."""
        reason = self._docker_unavailable()
        return (
            Check("docker engine", None if reason else True, reason or "answers"),
            Check("uv", bool(uv_path()), uv_path() or "not found", "" if uv_path() else "run make setup"),
            _writable(self._home),
        )

    def _engine(self, mark: Mark, spec: Spec) -> str:
        wanted = str(spec["machine"].get("engine", "auto"))
        found = () if wanted != "auto" else [r for r in self.list() if r.deployment == mark.deployment]
        return self._engine_of(spec, found[0] if found else None)

    def _engine_of(self, spec: Spec, there: Resource | None) -> str:
        """The one that is asked for, else the one that is in use, else the one that can."""
        wanted = str(spec["machine"].get("engine", "auto"))
        if wanted != "auto":
            return wanted
        if there is not None:
            return str(there.facts["engine"])
        return "process" if spec["service"]["process"] and self._docker_unavailable() else "docker"

    def _here(self) -> dict[str, str]:
        """Tells this machine and this user's services from others that are called local too."""
        return {"host": socket.gethostname(), "home": str(self._home)}

    def _docker_unavailable(self) -> str:
        """Why Docker cannot be used; empty when it answers. Asked once."""
        if self._docker_error is None:
            self._docker_error = self._docker().available()
        return self._docker_error

    def _docker(self) -> Any:
        from runner.engines.docker import DockerEngine

        return DockerEngine(self._context.settings.get("docker_socket", ""))


def uv_path() -> str:
    """The uv of the runner's own environment, else the one on PATH; empty when there is none."""
    own = Path(sys.executable).with_name("uv")
    return str(own) if own.exists() else shutil.which("uv") or ""


def _writable(folder: Path) -> Check:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    ok = os.access(there, os.W_OK)
    return Check(
        "services folder", ok, str(folder), "" if ok else f"make {there} writable, or set providers.local.home"
    )


def _home(path: str) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 - quiet about users nobody knows: a fault of the settings
