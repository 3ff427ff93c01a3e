"""What `machine:` may say for this machine, and what `providers.local` of runner.yaml may."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.models import Model


class Options(Model):
    """Options of a deployment on this machine."""

    engine: Literal["auto", "docker", "process"] = Field(
        "auto",
        description="auto: docker when an engine answers, otherwise process; what is there already is kept",
        json_schema_extra={"in_place": False},
    )


class LocalSettings(Model):
    """`providers.local` of runner.yaml."""

    home: str = Field("", description="Folder of the services; default: slipway/ID in the user's data folder")
    docker_socket: str = Field("", description="Default: DOCKER_HOST, else /var/run/docker.sock")
