"""A kind of deployment: `templates/<id>.yaml` as pydantic models. Pure data, no logic of its own.

Strings marked "expression" in their description may hold `{{ … }}`; `expressions.py` says what they can see.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from runner.models import MOST_GB, Model, OwnService
from runner.template_access import Access
from runner.template_service import ParamName, Service

ParamType = Literal["string", "integer", "number", "boolean", "list"]


CATEGORIES = Literal["llm", "notebook", "desktop", "development", "image", "tts", "custom"]


class Requirements(Model):
    """What the machine must have."""

    gpu: Literal["required", "optional", "none"] = "none"
    gpus_from: str = Field(
        "", description="The whole-number parameter that says over how many GPUs one model is spread"
    )
    vram_gb: float = Field(0, ge=0, le=MOST_GB, description="GPU memory; a model may need more")
    ram_gb: float = Field(1, ge=0, le=MOST_GB)
    disk_gb: float = Field(1, ge=0, le=MOST_GB, description="Free disk, models not counted")


class Argument(Model):
    """One option that a deployment may add to the command line: what may follow its `=`."""

    type: Literal["flag", "integer", "number", "word"] = Field(
        "flag", description="flag: nothing follows; word: letters, digits and . _ - only"
    )
    choices: list[str] = Field(default_factory=list, description="All words that may follow")


class Param(Model):
    """One question of the template's form."""

    type: ParamType = "string"
    description: str
    default: Any = None
    required: bool = False
    secret: bool = Field(False, description="The value comes from `secrets:` and is never written in a file")
    generate: bool = Field(False, description="Made once when nobody gives one; only with secret")
    only_with: str = Field("", description="Asked for only when this boolean parameter is on; only with secret")
    for_gated: bool = Field(False, description="Required by models that are gated; only with secret")
    choices: list[Any] = Field(default_factory=list)
    arguments: dict[Annotated[str, Field(pattern=r"^--[a-z0-9-]+$")], Argument] = Field(
        default_factory=dict,
        description="Options that the items of a list may be: `--name` or `--name=value`; they end the command",
    )
    pattern: str = Field("", description="Regular expression that a string must match")
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Param:
        if self.generate and not self.secret:
            msg = "generate is only for secret parameters"
            raise ValueError(msg)
        if self.only_with and not self.secret:
            msg = "only_with is only for secret parameters"
            raise ValueError(msg)
        if self.for_gated and not self.secret:
            msg = "for_gated is only for secret parameters"
            raise ValueError(msg)
        if self.arguments and self.type != "list":
            msg = "arguments is only for parameters of type list"
            raise ValueError(msg)
        if self.secret and self.default is not None:
            msg = "a secret has no default in a file; use generate: true"
            raise ValueError(msg)
        return self

    @field_validator("pattern")
    @classmethod
    def _regular_expression(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            msg = f"is not a regular expression: {error}"
            raise ValueError(msg) from error
        return pattern


class CatalogueModel(Model):
    """One model of the template's library."""

    id: str
    name: str
    quantisation: str = Field("", description="Precision of the weights, e.g. Q4_K_M; each has an entry of its own")
    size_gb: float = Field(gt=0, le=MOST_GB, description="Download")
    vram_gb: float = Field(gt=0, le=MOST_GB, description="GPU memory to run it at its default context length")
    category: Literal["chat", "reasoning", "code", "vision", "embedding", "speech"] = "chat"
    gated: bool = False


class Template(Model):
    """A kind of deployment."""

    name: str
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    description: str
    category: CATEGORIES
    icon: str = ""
    tags: list[str] = Field(default_factory=list)
    status: Literal["active", "coming_soon", "disabled"] = "active"
    status_note: str = Field("", description="Why it is not active, or what to know before choosing it")
    premium: bool = False
    role: str = Field(
        "service", pattern=r"^[a-z][a-z0-9_]*$", description="The Ansible role that runs it: a folder of roles/"
    )
    requirements: Requirements = Field(default_factory=Requirements)
    params: dict[ParamName, Param] = Field(default_factory=dict)
    models: list[CatalogueModel] = Field(default_factory=list)
    service: Service
    open: list[Annotated[str, Field(json_schema_extra={"enum": [*OwnService.model_fields]})]] = Field(
        default_factory=list, description="What a deployment may say itself, under `service:`, e.g. ports and health"
    )
    access: Access

    @field_validator("open")
    @classmethod
    def _known_to_deployments(cls, names: list[str]) -> list[str]:
        unknown = sorted(set(names) - OwnService.model_fields.keys())
        if unknown:
            msg = f"has {', '.join(unknown)}; a deployment can say {', '.join(OwnService.model_fields)}"
            raise ValueError(msg)
        return names

    @model_validator(mode="after")
    def _process_follows(self) -> Template:
        if self.service.process and "command" in self.open:
            msg = "leaves service.command open, which would not hold for service.process"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _endpoints_use_ports(self) -> Template:
        for endpoint in self.access.endpoints:
            if endpoint.port not in self.service.all_ports():
                msg = f"access endpoint {endpoint.label!r} uses port {endpoint.port!r}, which the service has not"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _callers_fit(self) -> Template:
        secrets = {name for name, param in self.params.items() if param.secret}
        for name, caller in self.access.callers.items():
            if name != "*" and name not in self.service.all_ports():
                msg = f"access.callers has {name!r}, which is no port of the service"
                raise ValueError(msg)
            if wrong := {caller.key, caller.password} - secrets - {""}:
                msg = f"access.callers.{name}: {min(wrong)!r} is not a secret parameter"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _switches_exist(self) -> Template:
        switches = {name: one.only_with for name, one in self.service.companions.items()}
        switches |= {name: param.only_with for name, param in self.params.items() if param.only_with}
        for name, switch in switches.items():
            if switch not in self.params or self.params[switch].type != "boolean":
                msg = f"{name}: only_with {switch!r} is not a boolean parameter"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _gpus_are_counted(self) -> Template:
        name = self.requirements.gpus_from
        if name and (name not in self.params or self.params[name].type != "integer"):
            msg = f"requirements.gpus_from {name!r} is not an integer parameter"
            raise ValueError(msg)
        return self
