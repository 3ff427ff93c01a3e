"""What people write in `deployments/*.yaml` and `runner.yaml`, as pydantic models.

Importing this costs about 0.1 s: only `load.py` and `schema` do, and only for files that are not in the cache.
A field with `effect="later"` is checked now and reported by `validate` as having no effect yet.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from runner import formats
from runner.field_types import (
    Cron,
    Domain,
    Duration,
    EnvName,
    Image,
    Network,
    Port,
    PortName,
    ProviderName,
    RegistryName,
    SecretRef,
    Text,
    Zone,
    kept_elsewhere,
    like,
)

NAME_PATTERN = r"^[a-z][a-z0-9-]{0,40}$"
MOST_GB = 1_000_000
"""More is a mistake, and no number that every engine takes."""
LONGEST_START_S = 7 * 86400
LATER: dict[str, Any] = {"effect": "later"}


def _port(value: Any) -> Any:
    return {"container": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Model(BaseModel):
    """Base of everything that is written by hand: frozen, unknown fields are faults.

    Strict, because YAML tells types apart: `true` is no number, `"yes"` no truth value.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)


class CidrAccess(Model):
    """Open to these networks only."""

    cidr: list[Network] = Field(min_length=1, description="Networks that may connect, e.g. 203.0.113.0/24")


class AccessOptions(Model):
    """Who can reach the service."""

    expose: Literal["tunnel", "public"] | CidrAccess = Field(
        "tunnel", description="tunnel: nothing is public; {cidr: […]}: these networks; public: everybody"
    )
    auth: Literal["token", "basic", "none"] = Field(
        "token", description="How callers prove who they are, where it is exposed; none only with cidr"
    )
    domain: Domain | None = Field(
        None, description="Own name that leads to the machine; without one, its address is used"
    )
    tls: Literal["acme", "internal"] | None = Field(
        None,
        description="acme: a certificate that everybody trusts, needs a domain, port 443 and expose: public; internal: "
        "the machine's own authority. Default: acme where it can be, else internal",
    )
    ports: dict[str, Port] | None = Field(
        None,
        min_length=1,
        description="Port name of the template → port that callers use. Default: its first web port at 443",
    )


class OwnPort(Model):
    """One port of the service; a number alone is the container's port, and the same on the host."""

    container: Port = Field(description="Port inside the container")
    protocol: Literal["http", "https", "tcp", "udp"] = "http"


class OwnHealth(Model):
    """How to prove that it works. What is left out is as the template says."""

    port: PortName | None = Field(None, description="Port to ask; the first one when the template's is not there")
    path: str | None = Field(None, pattern=r"^/", description="HTTP path; ignored for tcp ports")
    status: int | None = Field(None, ge=100, le=599, description="The status that means healthy")
    timeout_s: int | None = Field(None, gt=0, le=LONGEST_START_S, description="How long the first start may take")
    stable_s: float | None = Field(None, ge=0, le=600, description="How long it must go on after its first good answer")


class OwnService(Model):
    """What a template leaves to the deployment: see `open` of the template. Values are data, never evaluated."""

    command: list[Text] | None = Field(None, description="Arguments after the image's entrypoint")
    ports: dict[PortName, Annotated[OwnPort, BeforeValidator(_port, json_schema_input_type=OwnPort | Port)]] | None = (
        Field(None, min_length=1, description="Port name → port inside the container, or its details")
    )
    volumes: dict[PortName, Annotated[str, Field(pattern=r"^/")]] | None = Field(
        None, description="Volume name → path inside the container; kept when the service changes"
    )
    shm_gb: float | None = Field(None, ge=0, le=MOST_GB, description="Shared memory; 0 is the engine's default")
    user: str | None = Field(None, description="User inside the container")
    gpu: Literal["required", "optional", "none"] | None = Field(None, description="Whether it uses GPUs")
    vram_gb: float | None = Field(None, ge=0, le=MOST_GB, description="GPU memory that it needs")
    health: OwnHealth | None = None


class HoldOptions(Model):
    """No automatic change until a day."""

    until: date = Field(
        strict=False,
        description="The hold ends at the start of this day, UTC",
        json_schema_extra={"pattern": formats.DAY},
    )
    reason: str = Field(min_length=1, description="Shown in plan and status")


class Schedule(Model):
    """When the service runs."""

    start: Cron | None = Field(None, description="Crontab line")
    stop: Cron | None = Field(None, description="Crontab line")
    timezone: Zone = "UTC"


class Lifecycle(Model):
    """When the service stops by itself."""

    idle: Duration | None = Field(None, description="Stop after this long without use", json_schema_extra=LATER)
    ttl: Duration | None = Field(None, description="Destroy this long after creation", json_schema_extra=LATER)
    schedule: Schedule | None = Field(None, json_schema_extra=LATER)


class Budget(Model):
    """What it may cost, in the currency of `runner.yaml`."""

    max_hourly: float | None = Field(None, gt=0, json_schema_extra=LATER)
    max_monthly: float | None = Field(None, gt=0, json_schema_extra=LATER)


class Deployment(Model):
    """One GPU service: what, where, how. Two lines are enough."""

    template: str = Field(description="Which kind of service: a file stem in templates/")
    provider: ProviderName | list[ProviderName] | None = Field(
        None, description="Where it runs; a list is tried in order. Default: defaults.provider of runner.yaml"
    )
    state: Literal["running", "stopped", "absent"] = Field("running", description="What we want it to be")
    machine: dict[str, Any] = Field(default_factory=dict, description="Options of the provider")
    params: dict[str, Any] = Field(default_factory=dict, description="Parameters of the template")
    env: dict[EnvName, Text] = Field(default_factory=dict, description="Added to the service's environment")
    secrets: dict[EnvName, SecretRef] = Field(
        default_factory=dict, description="Name → where the value comes from, never the value"
    )
    service: OwnService | None = Field(None, description="What the template leaves open, e.g. of an image of your own")
    ports: dict[str, Port] = Field(default_factory=dict, description="Port name → host port")
    access: AccessOptions = Field(default_factory=AccessOptions)
    protect: bool = Field(False, description="Cannot be destroyed or replaced, even when this file is deleted")
    hold: HoldOptions | None = None
    lifecycle: Lifecycle = Field(default_factory=Lifecycle)
    budget: Budget = Field(default_factory=Budget)
    owner: str = Field("", description="Team or person to ask")
    labels: dict[str, Text] = Field(default_factory=dict)
    integrations: list[Literal["livekit", "mcp", "automation"]] = Field(default_factory=list, json_schema_extra=LATER)


class Defaults(Model):
    """What deployments get when they do not say."""

    provider: ProviderName | list[ProviderName] = "local"
    owner: str = ""
    labels: dict[str, Text] = Field(default_factory=dict)


class Images(Model):
    """Where container images come from."""

    replace: dict[str, Image] = Field(
        default_factory=dict,
        description="Image reference of a template → the one to use instead (a mirror, an air-gapped registry)",
    )


class Registry(Model):
    """The login of a private registry."""

    username: str = Field(min_length=1, description="User name, or what the registry wants in its place")
    password: Annotated[
        str, AfterValidator(kept_elsewhere), like(formats.GIVEN_SECRET, formats.SECRET_IS, "env:NAME")
    ] = Field(description="Where the password or token comes from: env:NAME, file:PATH or vault:NAME, never the value")


class Acme(Model):
    """Who certifies the domains of exposed deployments."""

    directory: Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.:/_-]+$")] | None = Field(
        None, description="ACME directory of the authority; default: Let's Encrypt"
    )
    email: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$")] | None = Field(
        None, description="Who is told when a certificate is about to expire"
    )


class Settings(Model):
    """`runner.yaml`: settings of this repository. No secrets."""

    id: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9-]{0,40}$",
        description="Marks what is ours. Made by the first reconcile; keep it, and commit it",
    )
    defaults: Defaults = Field(default_factory=Defaults)
    currency: Literal["USD", "EUR", "GBP"] = Field("USD", json_schema_extra=LATER)
    images: Images = Field(default_factory=Images)
    registries: dict[RegistryName, Registry] = Field(
        default_factory=dict, description="host[:port] of a private registry → its login, used by every pull"
    )
    acme: Acme = Field(default_factory=Acme)
    providers: dict[ProviderName, dict[str, Any]] = Field(
        default_factory=dict, description="Settings per provider, checked by the provider"
    )
