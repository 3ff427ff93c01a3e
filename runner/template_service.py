"""What a template runs: a container, a process or a script, with its ports and its health check. Pure data: see
`runner.template`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from runner import references
from runner.ansible_plugins.module_utils.health_probe import STABLE_S
from runner.field_types import EnvName, Port, PortName, Text
from runner.models import LONGEST_START_S, MOST_GB, Model


def _image(value: str) -> str:
    problem = "" if "{" in value or not value else references.problem(value)
    if problem:
        raise ValueError(problem)
    return value


_IMAGE = rf"{references.PATTERN}|\{{|^$"
Image = Annotated[str, AfterValidator(_image), Field(json_schema_extra={"pattern": _IMAGE})]
CompanionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
ParamName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class ServicePort(Model):
    """One port of the service."""

    container: Port = Field(description="Port inside the container")
    host: Port = Field(description="Default port on the host; a deployment may choose another")
    protocol: Literal["http", "https", "tcp", "udp"] = "http"
    description: str


class HealthCheck(Model):
    """How to prove that the service works. Mandatory."""

    port: PortName
    path: str = Field("/", pattern=r"^/", description="HTTP path; ignored for tcp ports")
    status: int = Field(200, ge=100, le=599, description="The status that means healthy")
    timeout_s: int = Field(
        120, gt=0, le=LONGEST_START_S, description="How long the first start may take, models not counted"
    )
    stable_s: float = Field(
        STABLE_S, ge=0, le=600, description="How long it must go on after its first good answer, without ending"
    )
    per_gb_s: float = Field(
        0, ge=0, description="More for each GB of the model, where the service itself downloads it as it starts"
    )


class Companion(Model):
    """One more container beside the service, such as a web page for an API. It reaches the service as `service`."""

    only_with: str = Field(description="The boolean parameter that switches it on")
    image: Image = Field(description="Image reference, pinned by tag and digest; expression")
    command: list[str] = Field(default_factory=list, description="Arguments after the entrypoint; expressions")
    env: dict[EnvName, Text] = Field(default_factory=dict, description="Expressions")
    ports: dict[PortName, ServicePort] = Field(min_length=1)
    volumes: dict[ParamName, str] = Field(default_factory=dict, description="Volume name → path inside the container")
    shm_gb: float = Field(0, ge=0, le=MOST_GB, description="Shared memory; 0 is the engine's default")
    user: str = Field("", description="User inside the container; empty is the image's default")
    health: HealthCheck

    @model_validator(mode="after")
    def _health_port_exists(self) -> Companion:
        _require_health_port(self.health, self.ports)
        return self


class Process(Model):
    """How the `process` engine runs the service, without a container."""

    packages: list[str] = Field(min_length=1, description="Python packages, pinned: name==version")
    command: list[str] = Field(min_length=1, description="Argument vector; each item is an expression")
    env: dict[EnvName, Text] = Field(default_factory=dict, description="Added to the environment; expressions")


class Script(Model):
    """A script that runs unprivileged in a confined unit of systemd, instead of a container."""

    source: str = Field(description="File of the repository, or URL; expression")
    sha256: str = Field(description="Its checksum: with another one it does not run; expression")


class Service(Model):
    """The container, process or script that the template runs."""

    image: Image = Field("", description="Image reference, pinned by tag and, where known, digest; expression")
    command: list[str] = Field(default_factory=list, description="Arguments after the entrypoint; expressions")
    env: dict[EnvName, Text] = Field(default_factory=dict, description="Expressions")
    ports: dict[PortName, ServicePort] = Field(min_length=1)
    volumes: dict[ParamName, str] = Field(
        default_factory=dict, description="Volume name → path inside the container; kept when the service changes"
    )
    shm_gb: float = Field(0, ge=0, le=MOST_GB, description="Shared memory; 0 is the engine's default")
    user: str = Field("", description="User inside the container; empty is the image's default")
    health: HealthCheck
    process: Process | None = None
    script: Script | None = None
    companions: dict[CompanionName, Companion] = Field(
        default_factory=dict, description="More containers beside this one; not for the process engine"
    )

    @model_validator(mode="after")
    def _one_thing_to_run(self) -> Service:
        if bool(self.image) == bool(self.script):
            msg = "needs either an image or a script"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _health_port_exists(self) -> Service:
        _require_health_port(self.health, self.ports)
        return self

    @model_validator(mode="after")
    def _companions_fit(self) -> Service:
        if self.companions and (self.process or self.script):
            msg = "companions are containers, so a service that has them cannot be a process or a script"
            raise ValueError(msg)
        if taken := sorted({"previous", "service"} & self.companions.keys()):
            msg = f"a companion cannot be called {taken[0]}: that name has another meaning"
            raise ValueError(msg)
        names = [*self.ports, *(name for one in self.companions.values() for name in one.ports)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            msg = f"ports of companions need names of their own: {', '.join(twice)}"
            raise ValueError(msg)
        return self

    def all_ports(self) -> dict[str, ServicePort]:
        """Those of the service and of all its companions."""
        return {**self.ports, **{name: port for one in self.companions.values() for name, port in one.ports.items()}}


def _require_health_port(health: HealthCheck, ports: dict[str, ServicePort]) -> None:
    if health.port not in ports:
        msg = f"health.port {health.port!r} is not one of the ports: {', '.join(ports)}"
        raise ValueError(msg)
