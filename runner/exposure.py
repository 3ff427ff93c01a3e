"""The access of a deployment, checked against template and provider, every default filled in. Pure.

A service itself always binds to loopback; where it is exposed, the role `expose` puts a proxy in front of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner import providers
from runner.domain import Spec
from runner.faults import PORT_CONFLICT, Fault, unknown
from runner.reach import HTTPS, SECRETS, SSH, TUNNEL

if TYPE_CHECKING:
    from runner.models import Deployment
    from runner.template import Template
    from runner.template_access import Caller
    from runner.template_service import ServicePort

WEB = ("http", "https")


def resolve(
    want: Deployment, template: Template, candidates: Sequence[str], own: Mapping[str, int], faults: list[Fault]
) -> Spec:
    """The access of the spec, every default filled in; what is wrong is added to the faults. `own` are the ports at
    which the service itself listens.
    """
    access = want.access
    if access.expose == "tunnel":
        return TUNNEL
    faults += _unable(candidates)
    if access.expose == "public" and access.auth == "none":
        hint = "set auth: token or auth: basic, or name the networks: expose: {cidr: […]}"
        faults.append(Fault("public-without-auth", ("access", "auth"), "everybody could use it without asking", hint))
    known = {name: port for name, port in template.service.all_ports().items() if name in own}
    ports = _ports(want, known, faults)
    faults += _unproven(want, template, ports)
    for name, number in ports.items():
        if number in own.values() or number == SSH:
            message = f"{'sshd' if number == SSH else 'the service itself'} listens at {number} of the machine"
            faults.append(Fault(PORT_CONFLICT, ("access", "ports", name), message, "choose another"))
    why_not = _no_acme(want, ports)
    if access.tls == "acme" and why_not:
        faults.append(Fault("no-acme", ("access", "tls"), f"tls: acme {why_not}", "write tls: internal"))
    return {
        "expose": access.expose if isinstance(access.expose, str) else access.expose.model_dump(mode="json"),
        "auth": access.auth,
        "domain": access.domain or "",
        "tls": access.tls or ("internal" if why_not else "acme"),
        "ports": ports,
        **({"paths": _paths(template, ports)} if access.auth == "none" else {}),
    }


def secrets(access: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """What callers have to know: name → where the value comes from. Empty when nothing is exposed or asked for."""
    name = SECRETS[access.get("auth", "none")]
    return {name: given.get(name, "generate")} if name else {}


def _unable(candidates: Sequence[str]) -> list[Fault]:
    """Where no role of ours can put a proxy in front, or nobody has taught a provider's own firewall yet."""
    able = [name for name in providers.names() if exposes(name)]
    return [
        Fault(
            "cannot-expose",
            ("access", "expose"),
            f"what runs with provider: {name} cannot be exposed",
            f"write expose: tunnel, or choose a provider that can: {', '.join(able)}",
        )
        for name in candidates
        if name in providers.names() and not exposes(name)
    ]


def exposes(provider: str) -> bool:
    """Whether the machines of a provider can be reached from outside, once a proxy listens there. A provider says so
    itself (`exposes = True`); silence means no.
    """
    return bool(getattr(providers.load(provider), "exposes", False))


def _ports(want: Deployment, known: Mapping[str, ServicePort], faults: list[Fault]) -> dict[str, int]:
    web = [name for name, port in known.items() if port.protocol in WEB]
    chosen = want.access.ports
    if chosen is None:
        if not web:
            message = f"no port of {want.template} speaks HTTP, so there is nothing that a proxy could ask"
            faults.append(Fault("exposed-protocol", ("access", "expose"), message, "write expose: tunnel"))
        return dict.fromkeys(web[:1], HTTPS)
    for name in chosen:
        path = ("access", "ports", name)
        if name not in known:
            faults.append(unknown("port", path, known))
        elif name not in web:
            message = f"{name} speaks {known[name].protocol}; only http and https can be exposed"
            faults.append(Fault("exposed-protocol", path, message, "leave it out, and reach it by tunnel"))
    taken: dict[int, str] = {}
    for name, number in chosen.items():
        if taken.setdefault(number, name) != name:
            message = f"{taken[number]} and {name} are both {number}"
            faults.append(Fault(PORT_CONFLICT, ("access", "ports", name), message, "choose another"))
    return dict(chosen)


def _caller(template: Template, port: str) -> Caller | None:
    callers = template.access.callers
    return callers.get(port, callers.get("*"))


def _paths(template: Template, ports: Mapping[str, int]) -> dict[str, list[str]]:
    """Port → all that passes without a proof."""
    return {name: list(caller.without_auth) for name in ports if (caller := _caller(template, name))}


def _unproven(want: Deployment, template: Template, ports: Mapping[str, int]) -> list[Fault]:
    """What the service itself would have to guard and was not shown to, and headers that two want for themselves."""
    field, auth, found = ("access", "auth"), want.access.auth, []
    for name in ports:
        caller = _caller(template, name)
        if auth == "none" and want.access.expose != "public" and not (caller and caller.without_auth):
            message = (
                f"auth: none would give {name} of {want.template} to whoever is in these networks: the template lists "
                "nothing there that is safe without the proxy asking"
            )
            found.append(Fault("unguarded", field, message, "write auth: token or auth: basic"))
        if auth == "basic" and caller and caller.takes_authorization():
            message = f"{name} of {want.template} wants the header Authorization for itself, which auth: basic takes"
            found.append(Fault("two-authorizations", field, message, "write auth: token"))
    return found


def _no_acme(want: Deployment, ports: Mapping[str, int]) -> str:
    """Why nobody would certify its name: the authority itself connects to port 443, from wherever it is."""
    if not want.access.domain:
        return "needs a domain"
    if want.access.expose != "public":
        return "needs expose: public, because the authority connects from anywhere"
    return "" if HTTPS in ports.values() else f"needs port {HTTPS}"
