"""What an access page says about who gets in, and what they are asked: made from facts, one sentence for each. Pure.

Each is true in its case and left out in the others; tests/test_sentences.py goes through all cases. They are plain
text: `runner.pages` and the terminal write them down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runner import reach
from runner.domain import Record
from runner.snippets import Way, variable


def who_gets_in(record: Record) -> list[str]:
    """From where it is reached, and by whom."""
    access, name = reach.access_of(record.spec), record.deployment
    if not reach.exposed(access):
        return _by_tunnel(record, name)
    expose, ports = access["expose"], access["ports"]
    who = "Everybody" if expose == "public" else f"Whoever connects from {' or '.join(expose['cidr'])}"
    listed = " and ".join(str(record.endpoints[port]["url"]) for port in ports if port in record.endpoints)
    said = [f"{who} reaches {listed}, where a proxy answers."]
    inside = sorted(record.endpoints.keys() - ports.keys())
    if inside:
        said.append(f"The port {' and the port '.join(inside)} is not exposed: runner tunnel {name} brings it to you.")
    return said


def _by_tunnel(record: Record, name: str) -> list[str]:
    if record.machine.get("tunnel"):
        return [
            "Nothing is public: it listens on 127.0.0.1 of its machine.",
            f"The addresses below hold while a tunnel is open: runner tunnel {name}",
        ]
    return ["Nothing is public: it listens on 127.0.0.1 of the machine that it was started on, for whoever is there."]


def at_the_proxy(record: Record, ways: Mapping[str, Way]) -> list[str]:
    """What the proxy asks for; nothing where there is none."""
    access = reach.access_of(record.spec)
    auth = access["auth"] if reach.exposed(access) else ""
    if auth == "token":
        return _token(ways)
    if auth == "basic":
        secret = reach.SECRETS["basic"]
        return [f"The proxy asks for the user {reach.USER} and the password {secret}, programs and browsers alike."]
    return _unasked(access) if auth == "none" else []


def _token(ways: Mapping[str, Way]) -> list[str]:
    secret, found = reach.SECRETS["token"], []
    value = f"${variable(secret)}"
    headers = {way.header for way in ways.values() if way.exposed}
    forms = [f"Authorization: Bearer {value}"] if headers == {"Authorization"} else []
    forms.append(f"{reach.HEADER}: {value}")
    found.append(f"The proxy asks for the token {secret}. Programs send {', or '.join(forms)}")
    if reach.HEADER in headers:
        found.append("Authorization belongs to the service itself, so the token does not go there.")
    found.append("A browser is asked for the token once, and keeps it for a month.")
    return found


def _unasked(access: Mapping[str, Any]) -> list[str]:
    only = reach.open_paths(access)
    passes = f"It passes these paths and refuses all others: {', '.join(only)}" if only else "It passes everything."
    return ["The proxy asks nobody who they are.", passes]


def at_the_service(ways: Mapping[str, Way], callers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What the service itself asks for. A port that the template says nothing of is not vouched for."""
    found, several = [], len(ways) > 1
    for port, way in sorted(ways.items()):
        subject = f"The service itself, at {port}," if several else "The service itself"
        found += _of_port(subject, way, callers.get(port, callers.get("*", {"login": "unknown"})))
    return found


def _of_port(subject: str, way: Way, asks: Mapping[str, Any]) -> list[str]:
    found, login = [], asks.get("login", "")
    if way.key:
        covers = asks.get("key_covers") or []
        where = f" for {', '.join(covers)} and for nothing else" if covers else ""
        header = f"Authorization: {way.scheme} ${variable(way.key)}"
        found.append(f"{subject} asks programs for its own {way.key}{where}: {header}")
    if login == "password":
        found.append(f"{subject} asks on its page for the password {asks['password']}.")
    elif login == "basic":
        found.append(
            f"{subject} asks for the user {way.user} and the password {way.password}, by basic authentication."
        )
    elif login == "account":
        found.append(f"{subject} asks for an account; the first one that is made there is the administrator's.")
    elif login == "unknown":
        found.append(f"Whether {subject[0].lower()}{subject[1:]} asks for a login is not known here.")
    elif not way.key:
        found.append(f"{subject} asks for nothing: whoever gets this far may use it.")
    if way.auth in {"token", "basic"} and (way.key or login not in {"", "unknown"}):
        found.append("So there are two: the proxy asks first, then the service.")
    return found


def certificates(ways: Mapping[str, Way], callers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Whom callers have to trust, and what browsers do otherwise."""
    found = [_own(ca) for ca in sorted({way.ca for way in ways.values() if way.ca})]
    parts = [port for port, way in ways.items() if way.ca and callers.get(port, {}).get("trusted")]
    if parts:
        found.append(
            "Parts of its pages (service workers, web views) do not start where the browser only warns and goes on: "
            "have it trust that file, or give the deployment a domain."
        )
    if any(way.unverified for way in ways.values()):
        found.append("The certificate is the service's own, which nobody vouches for: browsers warn, and may go on.")
    return found


def _own(ca: str) -> str:
    return (
        f"The certificate is of the machine's own authority: programs need {ca}, below the repository's folder. "
        "Browsers warn until that file is among the authorities that they trust; there it counts for every site."
    )


def secret(name: str, deployment: str, source: str) -> str:
    """Where the value of a secret is, and how to see it."""
    kind, _, place = source.partition(":")
    show = f"runner access {deployment} --secret {name} shows it"
    if kind == "generate":
        return f"made once, kept encrypted in inventory/host_vars/{deployment}/secrets.yaml; {show}"
    if kind == "vault":
        return f"kept encrypted as {place} in inventory/group_vars/all/vault.yaml; {show}"
    held = {"env": "in the environment variable", "file": "in the file"}[kind]
    return f"{held} {place} of whoever applies it, and not in the repository; where it is there, {show}"


def told(record: Record, ways: Mapping[str, Way], callers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """All of them, in the order in which callers meet what they say."""
    parts: Iterable[list[str]] = (
        who_gets_in(record),
        at_the_proxy(record, ways),
        at_the_service(ways, callers),
        certificates(ways, callers),
    )
    return [sentence for part in parts for sentence in part]
