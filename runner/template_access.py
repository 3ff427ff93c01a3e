"""What a template says to people who use its service, and of what they meet there. Pure data: see `runner.template`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from runner.field_types import PortName
from runner.models import Model

_PATH = r"^/([A-Za-z0-9_~-][A-Za-z0-9._~-]*/)*([A-Za-z0-9_~-][A-Za-z0-9._~-]*|\*)?$"
GuardedPath = Annotated[str, Field(pattern=_PATH)]
"""A path of HTTP, or everything below one: `/v1/*`."""


class Endpoint(Model):
    """One link of the access panel."""

    label: str
    port: PortName
    path: str = Field("", description="Expression")
    kind: Literal["web", "api", "docs", "tcp"] = "web"


class Snippet(Model):
    """Copy-and-paste code of the access panel."""

    title: str
    language: str = "bash"
    code: str = Field(description="Expression; also sees `urls.<port>`")


class Caller(Model):
    """What callers meet at one port of the service itself, whether a proxy stands before it or not."""

    key: str = Field("", description="Secret parameter that programs send as `Authorization: SCHEME value`")
    scheme: Literal["Bearer", "token"] = Field("Bearer", description="The word before the key")
    key_covers: list[GuardedPath] = Field(
        default_factory=list, description="Where it is asked for; everywhere when empty"
    )
    login: Literal["", "password", "basic", "account", "unknown"] = Field(
        "",
        description="What people are asked: password on a page, user and password by the browser, an account, unknown",
    )
    password: str = Field("", description="Secret parameter that `login` asks for")
    user: str = Field("", description="Whom `login: basic` asks for; expression")
    trusted: bool = Field(False, description="Whether parts of its pages need a certificate that the browser trusts")
    without_auth: list[GuardedPath] = Field(
        default_factory=list,
        description="All that the proxy passes with `auth: none`; with nothing listed that is refused. List what the "
        "service guards by itself, proven by a test, or what may be everybody's",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Caller:
        if bool(self.password) != (self.login in {"password", "basic"}):
            msg = "password names the secret of login: password and login: basic"
            raise ValueError(msg)
        if bool(self.user) != (self.login == "basic"):
            msg = "user is for login: basic"
            raise ValueError(msg)
        return self

    def takes_authorization(self) -> bool:
        """Whether the header Authorization belongs to the service, so that a proxy cannot have it."""
        return bool(self.key) or self.login == "basic"


class Access(Model):
    """What people get to see once it runs."""

    endpoints: list[Endpoint] = Field(min_length=1)
    callers: dict[Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*|\*)$")], Caller] = Field(
        default_factory=dict, description="Port name, or * for all others → what callers meet there"
    )
    instructions: str = Field("", description="Expression; also sees `urls.<port>`")
    snippets: list[Snippet] = Field(default_factory=list)
