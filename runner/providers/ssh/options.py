"""What `machine:` may say for an SSH host, and what `providers.ssh` of runner.yaml may."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from runner import formats
from runner.field_types import Port, SecretRef
from runner.models import MOST_GB, Model
from runner.providers.ssh import jumps, words

HOST_NAME = r"^[a-z0-9][a-z0-9.-]{0,60}$"
HostName = Annotated[str, Field(pattern=HOST_NAME)]
Address = Annotated[str, AfterValidator(words.address)]
User = Annotated[str, AfterValidator(words.user)]
Jump = Annotated[str, AfterValidator(words.jump)]
KeyFile = Annotated[str, AfterValidator(words.key)]
Python = Annotated[str, AfterValidator(words.python)]
HostKey = Annotated[str, AfterValidator(words.host_key)]
FIXED: dict[str, Any] = {"in_place": False}
OPEN: dict[str, Any] = {"in_place": False, "may_be_open": True}
"""When the field is removed, what it named stays chosen."""
NOT_OURS = "generate would make a new password, which the host does not know; give env:NAME or file:PATH"


def _given(source: str) -> str:
    if source == "generate":
        raise ValueError(NOT_OURS)
    return source


Password = Annotated[SecretRef, AfterValidator(_given), Field(json_schema_extra={"pattern": formats.GIVEN_SECRET})]


class Login(Model):
    """How to get onto a host."""

    address: Address = Field(description="Name or address to connect to")
    port: Port = Field(22, description="Port of sshd")
    user: User = Field("root", description="User to log in as; needs sudo unless it is root")
    key: KeyFile = Field("", description="Private key file; empty: the SSH agent and the default keys")
    jump: Jump | None = Field(None, description="Host to go through: one of the pool, or [user@]host[:port]")
    host_key: HostKey = Field("", description="The host's public key; empty: pinned once with runner trust")
    become_password: Password | None = Field(None, description="Password for sudo, if it asks: env:NAME or file:PATH")
    python: Python = Field("", description="Path of the host's Python, 3.8 or newer; empty: /usr/bin/python3")


class Host(Login):
    """One host of the pool."""

    adopt_engine: bool = Field(
        False,
        description="Whether the settings of a Docker engine that runs containers of others may change; the plan says "
        "what would",
    )
    gpu: str = Field("", description="GPU model, e.g. L4; empty: none")
    gpus: int = Field(0, ge=0, le=1024, description="How many GPUs; 0: one if gpu or vram_gb is given")
    vram_gb: float = Field(
        0, ge=0, le=MOST_GB, description="Memory of one GPU; 0: what GPUs of that name have, if it is known"
    )
    ram_gb: float = Field(0, ge=0, le=MOST_GB, description="Memory; 0: not said")
    disk_gb: float = Field(0, ge=0, le=MOST_GB, description="Free disk; 0: not said")


class SshSettings(Model):
    """`providers.ssh` of runner.yaml."""

    hosts: dict[HostName, Host] = Field(default_factory=dict, description="The pool: name → how to get there")

    @model_validator(mode="after")
    def _every_way_begins_here(self) -> SshSettings:
        way = jumps.circle({name: host.model_dump() for name, host in self.hosts.items()})
        if way:
            shown = " → ".join([*way, way[0]])
            msg = f"has hosts that can only be reached through each other: {shown}; take one jump away"
            raise ValueError(msg)
        return self


class Options(Model):
    """A named host of the pool, an address, or what the host must have."""

    host: HostName | None = Field(None, description="A host of the pool", json_schema_extra=OPEN)
    address: Address | None = Field(None, description="A host outside of the pool", json_schema_extra=FIXED)
    port: Port = Field(22, description="Port of sshd", json_schema_extra=FIXED)
    user: User = Field("root", description="User to log in as; needs sudo unless it is root")
    key: KeyFile = Field("", description="Private key file; empty: the SSH agent and the default keys")
    jump: Jump | None = Field(None, description="Host to go through: one of the pool, or [user@]host[:port]")
    host_key: HostKey = Field("", description="The host's public key; empty: pinned once with runner trust")
    become_password: Password | None = Field(None, description="Password for sudo, if it asks: env:NAME or file:PATH")
    python: Python = Field("", description="Path of the host's Python, 3.8 or newer; empty: /usr/bin/python3")
    gpu: str = Field(
        "", description="From the pool, a host with this GPU; none: whatever GPU the host has is for others"
    )
    gpus: int = Field(
        0, ge=0, le=1024, description="How many GPUs this deployment takes; 0: one if the service needs a GPU"
    )
    share_gpu: bool = Field(
        False, description="Share its GPU with others that say the same, as far as the memory for all models suffices"
    )
    vram_gb: float = Field(
        0, ge=0, le=MOST_GB, description="From the pool, a host whose GPU has at least this much memory"
    )
    ram_gb: float = Field(0, ge=0, le=MOST_GB, description="From the pool, a host with at least this much memory")
    disk_gb: float = Field(0, ge=0, le=MOST_GB, description="From the pool, a host with at least this much disk")

    @model_validator(mode="after")
    def _shares_one(self) -> Options:
        if self.share_gpu and self.gpus > 1:
            msg = "shares one GPU and asks for several; leave out share_gpu or gpus"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _one_way_to_name_it(self) -> Options:
        if self.host and self.address:
            msg = "names both host and address; give one of them, or neither to take one from the pool"
            raise ValueError(msg)
        if not self.address and (self.key or self.jump or self.host_key or self.become_password or self.python):
            msg = "says how to log in but names no address; the hosts of the pool say that themselves"
            raise ValueError(msg)
        return self
