"""What callers from outside have to send to an exposed service, as commands and texts for its access page. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runner import reach
from runner.domain import Record

TOKEN, PASSWORD = "$ACCESS_TOKEN", "$ACCESS_PASSWORD"
_CURL = re.compile(r"(?m)(^|[;&|(]\s*)curl ")

Snippet = dict[str, str]


def facts(record: Record) -> dict[str, Any] | None:
    """Who reaches it and how: {who, auth, user, secret, ca}; None when nobody from outside does. `ca` is the file of
    the certificate to trust, empty where everybody trusts it already.
    """
    access = reach.access_of(record.spec)
    if not reach.exposed(access):
        return None
    return {
        "who": reach.words(access),
        "auth": access["auth"],
        "user": reach.USER if access["auth"] == "basic" else "",
        "secret": reach.SECRETS[access["auth"]],
        "ca": f"deployments/access/{record.deployment}.ca.pem" if access["tls"] == "internal" else "",
    }


def snippets(record: Record, written: list[Snippet]) -> list[Snippet]:
    """The template's snippets as they work from outside, after one that does so for whatever is called."""
    told = facts(record)
    if told is None:
        return written
    urls = [endpoint["url"] for name, endpoint in record.endpoints.items() if name in record.spec["access"]["ports"]]
    return [*_general(told, urls[0]), *(_adapted(snippet, told, urls) for snippet in written)]


def _general(told: Mapping[str, Any], url: str) -> list[Snippet]:
    call = f"curl {_flags(told, of_their_own=False)}{url}/"
    ca = f'cafile="{told["ca"]}"' if told["ca"] else ""
    python = (
        "import os, ssl, urllib.request\n\n"
        f"context = ssl.create_default_context({ca})\n"
        f'request = urllib.request.Request("{url}/"{_python_headers(told)})\n'
        "print(urllib.request.urlopen(request, context=context).read().decode())"
    )
    return [
        {"title": "Call it from outside", "language": "bash", "code": call},
        {"title": "Call it from outside with Python", "language": "python", "code": python},
    ]


def _flags(told: Mapping[str, Any], *, of_their_own: bool) -> str:
    """Options for curl. `of_their_own`: the call may have an Authorization header for the service itself."""
    words = [f"--cacert {told['ca']}"] if told["ca"] else []
    if told["auth"] == "token":
        header = f"{reach.HEADER}: {TOKEN}" if of_their_own else f"Authorization: Bearer {TOKEN}"
        words.append(f'-H "{header}"')
    elif told["auth"] == "basic":
        words.append(f'-u "{told["user"]}:{PASSWORD}"')
    return "".join(f"{word} " for word in words)


def _python_headers(told: Mapping[str, Any]) -> str:
    if told["auth"] == "token":
        return f', headers={{"Authorization": "Bearer " + os.environ["{TOKEN[1:]}"]}}'
    if told["auth"] == "basic":
        pair = f'("{told["user"]}:" + os.environ["{PASSWORD[1:]}"]).encode()'
        return f', headers={{"Authorization": "Basic " + __import__("base64").b64encode({pair}).decode()}}'
    return ""


def _adapted(snippet: Snippet, told: Mapping[str, Any], urls: list[str]) -> Snippet:
    if not any(url in snippet["code"] for url in urls):
        return snippet
    if _CURL.search(snippet["code"]):
        flags = _flags(told, of_their_own=True)
        return {**snippet, "code": _CURL.sub(lambda found: f"{found[1]}curl {flags}", snippet["code"])}
    lines = [f"certificate: SSL_CERT_FILE={told['ca']}"] if told["ca"] else []
    if told["auth"] == "token":
        lines.append(f"every request needs the token: as api_key, or as the header {reach.HEADER}")
    elif told["auth"] == "basic":
        lines.append(f"every request needs basic authentication as {told['user']}")
    sign = "//" if snippet["language"] in {"javascript", "typescript"} else "#"
    return {**snippet, "code": "".join(f"{sign} From outside: {line}\n" for line in lines) + snippet["code"]}


def explained(told: Mapping[str, Any], name: str) -> str:
    """The same for people, as Markdown."""
    show = f"`runner access {name} --show-secrets` shows it"
    lines = [f"It is {told['who']}."]
    if told["auth"] == "token":
        lines.append(
            f"Callers send `Authorization: Bearer {TOKEN}`, or `{reach.HEADER}: {TOKEN}` where the service has an "
            f"Authorization of its own; browsers are asked for the token. It is `{told['secret']}`: {show}."
        )
    elif told["auth"] == "basic":
        lines.append(f"The user is `{told['user']}`, the password is `{told['secret']}`: {show}.")
    if told["ca"]:
        lines.append(
            f"The certificate is of the machine's own authority, `{told['ca']}`: give it to clients (`curl --cacert`), "
            "rather than to the browser's list, where it would count for every site."
        )
    return " ".join(lines)
