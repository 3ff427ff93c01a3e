"""What may stand in a record: one row for each field, by what the field is used as. Pure.

A new field is a row here and a field of `domain.Record`. What is not listed inside `machine` and `spec` is data that is
compared and shown, and never becomes a file name, an option or a word of a command.
"""

from __future__ import annotations

from typing import Any

from runner.readback import (
    LOGIN,
    Check,
    address,
    amount,
    any_text,
    bracketed,
    currency,
    digest,
    either,
    empty,
    fields,
    flag,
    host,
    identifier,
    inside,
    line,
    listed,
    mapping,
    moment,
    name,
    named,
    network,
    nothing,
    number,
    one_of,
    optional,
    path,
    port,
    repository,
    secret,
    template,
    text,
    url,
    user,
    variable,
    word,
)

_PRICE = fields(
    {"hourly": amount, "currency": currency, "source": line, "as_of": line, "monthly": amount}, required=("hourly",)
)
_MACHINE = fields(
    {
        **LOGIN,
        "id": word,
        "engine": optional(identifier),
        "host": optional(host),
        "home": path,
        "tunnel": flag,
        "exposed": flag,
        "way": listed(fields({**LOGIN, "address": address, "user": user}, required=("address", "port", "user", "key"))),
        "gpu_ids": listed(one_of(*map(str, range(256)))),
        "region": optional(either(word, listed(word))),
        "zone": optional(word),
        "type": optional(word),
        "ends": either(moment, empty),
        "rate": _PRICE,
    }
)
_WANTED_MACHINE = fields({**LOGIN, "port": optional(port), "host": optional(host)})
_PROTOCOL = one_of("http", "https", "tcp", "udp")
_HTTP_STATUS = number(100, 599)
_SECONDS = number(0, 10**9, whole=False)
_URL_PATH = either(empty, line)
_PORTS = named(
    identifier,
    fields(
        {"bind": optional(address), "host": port, "container": port, "protocol": _PROTOCOL},
        required=("host", "protocol"),
    ),
)
_SERVICE = fields(
    {
        "ports": _PORTS,
        "health": fields({"port": identifier, "path": _URL_PATH, "status": _HTTP_STATUS, "timeout_s": _SECONDS}),
        "env": mapping,
        "companions": mapping,
    },
    required=("ports",),
)
_ACCESS = either(
    fields({"expose": one_of("tunnel")}, required=("expose",)),
    fields(
        {
            "expose": either(one_of("public"), fields({"cidr": listed(network)}, required=("cidr",), closed=True)),
            "auth": one_of("token", "basic", "none"),
            "domain": either(empty, host),
            "tls": one_of("acme", "internal"),
            "ports": named(identifier, port),
        },
        required=("expose", "auth", "domain", "tls", "ports"),
    ),
)
_SPEC = fields(
    {
        "template": template,
        "provider": listed(identifier),
        "role": identifier,
        "machine": _WANTED_MACHINE,
        "params": mapping,
        "secrets": named(variable, secret),
        "ports": named(identifier, port),
        "env": named(variable, any_text),
        "access": _ACCESS,
        "labels": mapping,
        "lifecycle": fields({"ttl": either(nothing, empty, text(r"(?:[0-9]{1,9}[smhd]){1,8}"))}),
        "owner": any_text,
        "service": _SERVICE,
    },
    required=("template", "machine", "params", "secrets", "ports", "service"),
)


def _spec(value: Any) -> str | None:
    """Empty in a record that an apply has begun and not finished."""
    return None if value == {} else _SPEC(value)


_ENDPOINT = fields(
    {"url": url, "host": either(address, bracketed), "port": port, "protocol": _PROTOCOL},
    required=("url", "host", "port", "protocol"),
)
_PROBE = fields(
    {
        "host": address,
        "port": port,
        "path": _URL_PATH,
        "protocol": _PROTOCOL,
        "status": _HTTP_STATUS,
        "timeout_s": _SECONDS,
    }
)

RECORD: dict[str, Check] = {
    "deployment": name,
    "provider": identifier,
    "state": one_of("running", "stopped", "absent"),
    "digest": digest,
    "spec": _spec,
    "machine": _MACHINE,
    "endpoints": named(identifier, _ENDPOINT),
    "health": _PROBE,
    "protect": flag,
    "price": either(one_of(None), _PRICE),
    "owner": any_text,
    "file": either(empty, inside),
    "secrets": named(text(r"[A-Za-z_][A-Za-z0-9_]*|:stored"), text(r"([0-9a-f]{8}-)?[0-9a-f]{32}")),
    "repo": either(empty, repository),
}

_record = fields(RECORD)


def wrong(record: Any) -> str | None:
    """The dotted place of the first field of a record that is not what it must be; None when all are."""
    return _record(record)
