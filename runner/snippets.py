"""How programs reach one port of a service, as the first lines of their code: with the address, what proves them to the
proxy and to the service itself, and the certificate to trust. Pure.

Values are never in it: code takes secrets from variables that are called as they are, in capitals.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner import reach, specs
from runner.domain import Record


@dataclass(frozen=True, slots=True)
class Way:
    """One port, as callers reach it."""

    url: str
    local: str
    """The same port by tunnel."""
    auth: str = ""
    """What the proxy asks for: token, basic or none; empty where there is no proxy."""
    ca: str = ""
    """File of the certificate to trust, below the repository; empty where everybody trusts it."""
    key: str = ""
    """Secret that the service itself wants as Authorization."""
    scheme: str = "Bearer"
    user: str = ""
    """With a password, whom the service itself asks for by basic authentication."""
    password: str = ""
    unverified: bool = False
    """Its certificate is of nobody's: the service's own."""

    @property
    def exposed(self) -> bool:
        """Whether callers come through the proxy."""
        return bool(self.auth)

    @property
    def header(self) -> str:
        """The one that takes the proxy's token: Authorization, unless the service wants that."""
        return reach.HEADER if self.key or self.user else "Authorization"

    # What templates write as {{ curl.api }} and so on.

    @property
    def curl(self) -> str:
        """The command with its options, without the address."""
        words = ["curl", *(["--insecure"] if self.unverified else []), *(["--cacert", self.ca] if self.ca else [])]
        line = shlex.join(words)
        for option, value in self._proofs():
            line += f' {option} "{value}"'
        return line

    def _proofs(self) -> list[tuple[str, str]]:
        found = []
        if self.auth == "token":
            before = "Bearer " if self.header == "Authorization" else ""
            found.append(("-H", f"{self.header}: {before}${variable(reach.SECRETS['token'])}"))
        if self.auth == "basic":
            found.append(("-u", f"{reach.USER}:${variable(reach.SECRETS['basic'])}"))
        if self.key:
            found.append(("-H", f"Authorization: {self.scheme} ${variable(self.key)}"))
        if self.user:
            found.append(("-u", f"{_shell_safe(self.user)}:${variable(self.password)}"))
        return found

    @property
    def python(self) -> str:
        """Lines that define `ask(path, data=None)`, with nothing to install."""
        return "\n".join([
            "import base64, json, os, ssl, urllib.request" if self._basic else "import json, os, ssl, urllib.request",
            "",
            *self._context(),
            f"headers = {self._headers(PYTHON)}",
            "",
            "",
            "def ask(path, data=None):",
            "    body = None if data is None else json.dumps(data).encode()",
            f"    request = urllib.request.Request({PYTHON(self.url)} + path, body, headers)",
            '    request.add_header("Content-Type", "application/json")',
            f"    return urllib.request.urlopen(request{', context=context' if self._tls else ''}).read()",
        ])  # fmt: skip

    @property
    def openai(self) -> str:
        """Lines that make `client`, of the package openai."""
        key = self.key or (reach.SECRETS["token"] if self.auth == "token" else "")
        more = self._besides_key(key)
        lines = ["import base64, os" if self._basic else "import os"] if key or more else []
        lines += ["import ssl"] if self._tls else []
        lines += ["", "from openai import DefaultHttpxClient, OpenAI" if self._tls else "from openai import OpenAI", ""]
        lines += self._context()
        value = _environ(key) if key else '"not-needed"'
        arguments = [f"base_url={PYTHON(self.url + '/v1')}", f"api_key={value}"]
        arguments += [f"default_headers={more}"] if more else []
        arguments += ["http_client=DefaultHttpxClient(verify=context)"] if self._tls else []
        return "\n".join([*lines, "client = OpenAI(", *(f"    {word}," for word in arguments), ")"]).lstrip("\n")

    @property
    def ollama(self) -> str:
        """Lines that make `client`, of the package ollama."""
        headers = self._headers(PYTHON)
        lines = ["import base64, os" if self._basic else "import os"] if headers != "{}" else []
        lines += ["import ssl"] if self._tls else []
        lines += ["", "import ollama", "", *self._context()]
        arguments = [PYTHON(self.url)]
        arguments += [f"headers={headers}"] if headers != "{}" else []
        arguments += ["verify=context"] if self._tls else []
        return "\n".join([*lines, f"client = ollama.Client({', '.join(arguments)})"]).lstrip("\n")

    @property
    def node(self) -> str:
        """Lines that define `ask(path, data)`, for Node 18 or newer: a module, with nothing to install."""
        start = [f"// NODE_EXTRA_CA_CERTS={shlex.quote(self.ca)} node FILE.mjs"] if self.ca else []
        start += ["// NODE_TLS_REJECT_UNAUTHORIZED=0 node FILE.mjs"] if self.unverified else []
        return "\n".join([
            *start,
            f"const headers = {self._headers(_NODE)};",
            "const ask = async (path, data) => {",
            '  const more = data ? { method: "POST", body: JSON.stringify(data) } : {};',
            '  const sent = { ...headers, "Content-Type": "application/json" };',
            f"  const answer = await fetch({json.dumps(self.url)} + path, {{ ...more, headers: sent }});",
            "  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);",
            "  return answer.text();",
            "};",
        ])  # fmt: skip

    @property
    def _tls(self) -> bool:
        return bool(self.ca) or self.unverified

    @property
    def _basic(self) -> bool:
        return self.auth == "basic" or bool(self.user)

    def _context(self) -> list[str]:
        if self.unverified:  # at 127.0.0.1, behind a tunnel
            return ["context = ssl._create_unverified_context()", ""]
        return [f"context = ssl.create_default_context(cafile={PYTHON(self.ca)})", ""] if self.ca else []

    def _headers(self, language: Language) -> str:
        found = {}
        if self.auth == "token":
            word = "Bearer " if self.header == "Authorization" else ""
            found[self.header] = language.joined(word, reach.SECRETS["token"])
        if self.key:
            found["Authorization"] = language.joined(f"{self.scheme} ", self.key)
        if self._basic:
            user, password = (self.user, self.password) if self.user else (reach.USER, reach.SECRETS["basic"])
            found["Authorization"] = language.basic(user, password)
        return language.object(found)

    def _besides_key(self, key: str) -> str:
        """Headers for a client that sends the key by itself."""
        if self._basic:
            return self._headers(PYTHON)
        token = reach.SECRETS["token"]
        return PYTHON.object({reach.HEADER: _environ(token)}) if self.auth == "token" and key != token else ""


class Language:
    """How a language writes strings, variables of the environment and headers."""

    def __call__(self, value: str) -> str:
        """A string."""
        return json.dumps(value)

    def joined(self, before: str, secret: str) -> str:
        """A word and the value of a secret."""
        return f"{self(before)} + {_environ(secret)}" if before else _environ(secret)

    def basic(self, user: str, secret: str) -> str:
        """The header of basic authentication."""
        pair = f"({self(user + ':')} + {_environ(secret)}).encode()"
        return f'"Basic " + base64.b64encode({pair}).decode()'

    def object(self, values: Mapping[str, str]) -> str:
        """Names and what they are, which is code already."""
        return "{" + ", ".join(f"{self(name)}: {value}" for name, value in values.items()) + "}"


class _Node(Language):
    def joined(self, before: str, secret: str) -> str:
        """The same, as Node has it."""
        value = f"process.env.{variable(secret)}"
        return f"{self(before)} + {value}" if before else value

    def basic(self, user: str, secret: str) -> str:
        """The same, as Node has it."""
        return f'"Basic " + Buffer.from({self(user + ":")} + process.env.{variable(secret)}).toString("base64")'


PYTHON, _NODE = Language(), _Node()
"""Both write strings as JSON does."""


def variable(secret: str) -> str:
    """What the value of a secret is called in the environment: see `runner access NAME --env`."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in secret.upper())


def _environ(secret: str) -> str:
    return f'os.environ["{variable(secret)}"]'


def _shell_safe(word: str) -> str:
    """For between double quotes."""
    return "".join(f"\\{c}" if c in '"\\$`' else c for c in word)


def ways(record: Record, callers: Mapping[str, Mapping[str, Any]], users: Mapping[str, str]) -> dict[str, Way]:
    """Port → how to reach it. `callers` is what the template says of its ports, `users` whom they ask for."""
    local = specs.urls(specs.endpoints({**record.spec, "access": reach.TUNNEL}, "127.0.0.1"))
    access = reach.access_of(record.spec)
    tls = f"deployments/access/{record.deployment}.ca.pem" if access.get("tls") == "internal" else ""
    found = {}
    for port, endpoint in record.endpoints.items():
        asks = callers.get(port, callers.get("*", {}))
        behind = port in access.get("ports", {})
        found[port] = Way(
            url=str(endpoint["url"]),
            local=local.get(port, ""),
            auth=str(access["auth"]) if behind else "",
            ca=tls if behind else "",
            key=str(asks.get("key", "")),
            scheme=str(asks.get("scheme", "Bearer")),
            user=users.get(port, ""),
            password=str(asks.get("password", "")) if users.get(port) else "",
            unverified=not behind and endpoint["protocol"] == "https",
        )
    return found
