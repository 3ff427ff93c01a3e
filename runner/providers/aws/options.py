"""What `machine:` may say for a machine of EC2, and what `providers.aws` of runner.yaml may."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from runner import formats
from runner.field_types import Duration
from runner.models import MOST_GB, Model

FIXED: dict[str, Any] = {"in_place": False}
OPEN: dict[str, Any] = {"in_place": False, "may_be_open": True}
"""Left out, it keeps what was chosen."""


def _spot(value: Any) -> Any:
    """`true` is spot with its defaults, `false` is none."""
    return {} if value is True else None if value is False else value


def _network(value: str) -> str:
    try:
        network = ip_network(value, strict=False)
    except ValueError as error:
        msg = "must be a network such as 203.0.113.0/24"
        raise ValueError(msg) from error
    if network.prefixlen == 0:
        msg = "is everybody; SSH is never open to the world. Name the networks that you come from"
        raise ValueError(msg)
    return str(network)


Cidr = Annotated[str, AfterValidator(_network), Field(json_schema_extra={"pattern": formats.NETWORK})]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]


class Spot(Model):
    """Spare capacity at a lower price, which AWS may take back with two minutes' notice."""

    type: Literal["one-time", "persistent"] = Field(
        "one-time", description="persistent: can be stopped, and comes back after AWS took it", json_schema_extra=FIXED
    )
    max_price: float | None = Field(None, gt=0, description="The most for one hour; empty: the on-demand price")
    fallback: Literal["none", "on-demand"] = Field("none", description="What to take when there is no spot capacity")


class Options(Model):
    """A type, or what the machine must have; the cheapest that fits is taken, the next ones when there is none left."""

    gpu: str = Field("", description="GPU model, e.g. L4", json_schema_extra=OPEN)
    gpus: int = Field(
        0, ge=0, le=1024, description="How many GPUs; 0: one if the service needs a GPU", json_schema_extra=OPEN
    )
    vram_gb: float = Field(0, ge=0, le=MOST_GB, description="Memory of one GPU, at least", json_schema_extra=OPEN)
    ram_gb: float = Field(0, ge=0, le=MOST_GB, description="Memory, at least", json_schema_extra=OPEN)
    vcpus: int = Field(0, ge=0, description="Virtual CPUs, at least", json_schema_extra=OPEN)
    type: str = Field("", description="Exactly this type, e.g. g6.xlarge", json_schema_extra=OPEN)
    region: Region | list[Region] | None = Field(
        None,
        description="Region, or several in the order to try; default: providers.aws.region",
        json_schema_extra=OPEN,
    )
    zone: str = Field("", description="Availability zone, e.g. us-east-1a; empty: any", json_schema_extra=OPEN)
    spot: Annotated[Spot | None, BeforeValidator(_spot, json_schema_input_type=Spot | bool | None)] = Field(
        None, description="true, or {type, max_price, fallback}; default: on demand"
    )
    max_hourly: float | None = Field(
        None, gt=0, description="The most that one hour may cost; default: 1.5 times the cheapest that fits"
    )
    disk_gb: int = Field(
        0, ge=0, le=MOST_GB, description="Root disk; 0: what the service needs, at least 60", json_schema_extra=OPEN
    )
    address: Literal["public", "private"] | None = Field(
        None, description="Which address the runner connects to; private: no public one", json_schema_extra=OPEN
    )
    ssh_cidrs: list[Cidr] | None = Field(None, description="Networks that may use SSH; default: the runner's address")
    ami: str = Field(
        "", description="Image; default: one with NVIDIA's driver if there is a GPU", json_schema_extra=OPEN
    )
    subnet: str = Field("", description="Subnet; default: the default ones of the default VPC", json_schema_extra=OPEN)
    user: str | None = Field(
        None, pattern=r"^[a-z_][a-z0-9_-]*$", description="User to make and log in as", json_schema_extra=OPEN
    )
    key: str | None = Field(None, description="Private key file; default: providers.aws.key, else your default key")

    @model_validator(mode="after")
    def _consistent(self) -> Options:
        if self.type and (self.gpu or self.gpus or self.vram_gb or self.ram_gb or self.vcpus):
            msg = "names a type and also what it must have; give one of the two"
            raise ValueError(msg)
        if self.subnet and isinstance(self.region, list) and len(self.region) > 1:
            msg = "names a subnet, which is in one region, and several regions"
            raise ValueError(msg)
        return self


class AwsSettings(Model):
    """`providers.aws` of runner.yaml: what deployments get when they do not say."""

    profile: str = Field("", description="Profile of ~/.aws; default: the usual search of AWS's tools")
    endpoint: str = Field("", description="Another address of the API, for tests and proxies")
    region: Region | list[Region] = Field("us-east-1", description="Region, or several in the order to try")
    address: Literal["public", "private"] = Field("public", description="Which address the runner connects to")
    ssh_cidrs: list[Cidr] = Field(default_factory=list, description="Networks that may use SSH")
    checkip: str = Field(
        "",
        pattern=r"^(https?://.+)?$",
        description="Service that answers with the address that it was asked from; default: that of AWS",
    )
    subnet: str = Field("", description="Subnet; default: the default ones of the default VPC")
    user: str = Field("slipway", pattern=r"^[a-z_][a-z0-9_-]*$", description="User to make and log in as")
    key: str = Field("", description="Private key file; default: ~/.ssh/id_ed25519 and the like")
    setup_limit: Duration = Field("60m", description="A machine that is not finished by then ends itself")
