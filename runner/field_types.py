"""The types of single fields that people write, as pydantic checks them and as editors show them."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from runner import formats, references, timing

_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")
_DOMAIN_LENGTH = 253
_REGISTRY = re.compile(r"^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+(?=:))(:[0-9]{1,5})?$")


def text(value: Any) -> Any:
    """Numbers become the text that the file has (`1.10`, `007`), booleans `true` and `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _secret_ref(value: str) -> str:
    problem = secret_problem(value)
    if problem:
        raise ValueError(problem)
    return value


def kept_elsewhere(value: str) -> str:
    """A password that somebody else made: where it comes from. Raises ValueError."""
    problem = "generate would make a new one, which the registry does not know" if value == "generate" else ""
    if problem := problem or secret_problem(value):
        raise ValueError(problem)
    return value


def _registry(value: str) -> str:
    if not _REGISTRY.fullmatch(value):
        msg = "must be the host of a registry as images name it, such as ghcr.io or registry.example:5000"
        raise ValueError(msg)
    return value


def secret_problem(value: str) -> str:
    """Why a text does not say where a secret comes from, or nothing."""
    if re.fullmatch(formats.SECRET, value):
        return ""
    return f"must be {formats.SECRET_IS}"


def _network(value: str) -> str:
    msg = "must be a network such as 203.0.113.0/24"
    if "%" in value:  # the name of a link, which may hold any letter
        raise ValueError(msg)
    try:
        network = ip_network(value, strict=False)
    except ValueError as error:
        raise ValueError(msg) from error
    if network.prefixlen == 0:
        msg = "is everybody; write expose: public if that is meant"
        raise ValueError(msg)
    return value


def _domain(value: str) -> str:
    if len(value) > _DOMAIN_LENGTH or not _DOMAIN.fullmatch(value):
        msg = "must be a name such as chat.example.com, in small letters and without port or path"
        raise ValueError(msg)
    return value


def _image(value: str) -> str:
    if problem := references.problem(value):
        raise ValueError(problem)
    return value


def like(pattern: str, must_be: str, *examples: str) -> Any:
    """For editors; the validator beside has the last word."""
    shown: dict[str, Any] = {"examples": list(examples)} if examples else {}
    return Field(json_schema_extra={"pattern": pattern, "patternErrorMessage": f"must be {must_be}", **shown})


Written = str | int | float | bool
Text = Annotated[str, BeforeValidator(text, json_schema_input_type=Written)]
EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Duration = Annotated[
    str,
    BeforeValidator(text),
    AfterValidator(timing.duration),
    like(formats.DURATION, "a duration such as 30m or 8h", "30m", "8h", "1h30m"),
]
SecretRef = Annotated[
    str, AfterValidator(_secret_ref), like(formats.SECRET, formats.SECRET_IS, "generate", "env:NAME", "file:PATH")
]
Network = Annotated[str, AfterValidator(_network), like(formats.NETWORK, "a network", "203.0.113.0/24")]
Domain = Annotated[str, AfterValidator(_domain), like(formats.DOMAIN, "a name such as chat.example.com")]
Image = Annotated[str, AfterValidator(_image), like(references.PATTERN, "an image reference: HOST/NAME:TAG")]
Cron = Annotated[str, AfterValidator(timing.cron), like(formats.CRON, "a crontab line", "0 8 * * 1-5")]
Zone = Annotated[
    str, AfterValidator(timing.zone), like(formats.ZONE, "a time zone", "UTC", "Europe/Berlin", "America/New_York")
]
RegistryName = Annotated[str, AfterValidator(_registry), like(_REGISTRY.pattern, "the host of a registry")]
Port = Annotated[int, Field(ge=1, le=65535)]
PortName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
ProviderName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
