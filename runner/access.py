"""The access panel: what people need to use a service, as data. No secrets. `runner.pages` writes it down."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from runner import reach, sentences, snippets, specs
from runner.domain import Record
from runner.errors import RunnerError
from runner.snippets import Way

CODE = ("curl", "python", "openai", "ollama", "node")
"""What snippets begin with, for each port: see `snippets.Way`."""


def source(template: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a template that panels are made of: still with its expressions. The template may be damaged."""
    written = template.get("access")
    return {
        "title": template.get("name", ""),
        "icon": template.get("icon", ""),
        "models": template.get("models", []),
        "open": template.get("open", []),
        **(written if isinstance(written, Mapping) else {}),
    }


def panel(record: Record, panel_source: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the access panel shows; also `runner access --json`, with `secrets` by name only.

    Raises RunnerError when the template does not fit what was applied.
    """
    from runner.expressions import ExpressionError

    try:
        return _panel(record, panel_source)
    except (ExpressionError, LookupError, TypeError, AttributeError) as error:
        name = record.spec.get("template", "")
        message = f"the access section of the template {name} does not fit: {error}"
        raise RunnerError(
            message, code="bad-access-text", hint="mend it, then run it again", where=f"templates/{name}.yaml"
        ) from error


def _panel(record: Record, panel_source: Mapping[str, Any]) -> dict[str, Any]:
    from runner import expressions

    spec = record.spec
    asks = panel_source.get("callers", {})
    seen = _known(record, panel_source)
    users = {port: expressions.text(one["user"], seen) for port, one in asks.items() if one.get("user")}
    ways = snippets.ways(record, asks, users)
    seen |= _of_ways(ways)
    return {
        "name": record.deployment,
        "title": panel_source["title"],
        "icon": panel_source["icon"],
        "template": spec["template"],
        "provider": record.provider,
        "engine": record.machine.get("engine", ""),
        "machine": record.machine.get("host") or record.machine.get("address", ""),
        "model": spec["params"].get("model") or "",
        "gpu": spec["machine"].get("gpu") or "",
        "price": record.price,
        "owner": record.owner,
        "tunnel": _tunnel(record),
        "exposed": facts(record),
        "reach": sentences.told(record, ways, asks),
        "endpoints": [
            {
                "label": endpoint["label"],
                "kind": endpoint.get("kind", "web"),
                "url": ways[endpoint["port"]].url + expressions.text(endpoint.get("path", ""), seen),
            }
            for endpoint in _endpoints(record, panel_source)
        ],
        "secrets": [
            {"name": name, "value": None, "where": sentences.secret(name, record.deployment, where)}
            for name, where in spec["secrets"].items()
        ],
        "instructions": _lines(expressions.text(panel_source.get("instructions", ""), _on_one_line(seen))),
        "snippets": [
            {
                "title": snippet["title"],
                "language": snippet.get("language", "bash"),
                "code": expressions.text(snippet["code"], seen).strip(),
            }
            for snippet in panel_source.get("snippets", [])
        ]
        + _well(record, ways),
    }


def _on_one_line(data: Any) -> Any:
    """The same, with values that make no lines of their own: each line of the text is one sentence."""
    if isinstance(data, Mapping):
        return {key: _on_one_line(value) for key, value in data.items()}
    return " ".join(data.split()) if isinstance(data, str) else data


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _known(record: Record, panel_source: Mapping[str, Any]) -> dict[str, Any]:
    """What expressions see of the deployment."""
    spec = record.spec
    return {
        "deployment": {"name": record.deployment, "owner": record.owner, "labels": spec.get("labels", {})},
        "params": spec["params"],
        "ports": spec["ports"],
        "machine": spec["machine"],
        "model": next((m for m in panel_source.get("models", []) if m["id"] == spec["params"].get("model")), None),
        "secrets": {name: f"<{name}>" for name in spec["secrets"]},
    }


def _of_ways(ways: Mapping[str, Way]) -> dict[str, Any]:
    """What expressions see of how its ports are reached."""
    return {
        "urls": {port: way.url for port, way in ways.items()},
        "endpoint": {
            port: {"url": way.url, "tunnel": way.local, "exposed": way.exposed, "auth": way.auth, "ca": way.ca}
            for port, way in ways.items()
        },
        **{name: {port: getattr(way, name) for port, way in ways.items()} for name in CODE},
    }


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


def _well(record: Record, ways: Mapping[str, Way]) -> list[dict[str, str]]:
    """What its health check asks, from outside: shows in three languages that callers get through."""
    check = record.spec["service"]["health"]
    way = ways.get(check["port"])
    if way is None or not way.exposed or not reach.passes(reach.access_of(record.spec), check["port"], check["path"]):
        return []
    path, word = snippets.PYTHON(check["path"]), shlex.quote(f"{way.url}{check['path']}")
    return [
        {"title": "Ask whether it is well", "language": "bash", "code": f"{way.curl} {word}"},
        {
            "title": "Ask whether it is well, in Python",
            "language": "python",
            "code": f"{way.python}\n\n\nprint(ask({path}).decode())",
        },
        {
            "title": "Ask whether it is well, in JavaScript",
            "language": "javascript",
            "code": f"{way.node}\nconsole.log(await ask({path}));",
        },
    ]


def _endpoints(record: Record, panel_source: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those of the template, but not of companions that are switched off, and none that the proxy refuses; where the
    deployment has said the ports, one for each that the template does not know.
    """
    access = reach.access_of(record.spec)
    there = [endpoint for endpoint in panel_source["endpoints"] if endpoint["port"] in record.endpoints]
    known = [one for one in there if reach.passes(access, one["port"], one.get("path") or "/")]
    if "ports" not in panel_source.get("open", ()):
        return known
    more = record.endpoints.keys() - {endpoint["port"] for endpoint in known}
    web = {name: record.endpoints[name]["protocol"] in ("http", "https") for name in sorted(more)}
    return known + [
        {"label": name, "port": name, "path": "/" if is_web else "", "kind": "web" if is_web else "tcp"}
        for name, is_web in web.items()
    ]


def _tunnel(record: Record) -> str:
    """The command that brings the ports here; empty when they are here already. Plain OpenSSH, for people without
    the runner.
    """
    machine = record.machine
    if not machine.get("tunnel"):
        return ""
    ports = specs.forwarded(record.spec)
    words = ["ssh", "-N", *(word for port in ports for word in ("-L", f"{port}:127.0.0.1:{port}"))]
    words += ["-i", machine["key"]] if machine.get("key") else []
    return " ".join(map(_word, [*words, *_through(machine.get("way", [])), *_target(machine)]))


def _target(login: Mapping[str, Any]) -> list[str]:
    port = ["-p", str(login["port"])] if login["port"] != 22 else []  # noqa: PLR2004 - the default of SSH
    return [*port, f"{login['user']}@{login['address']}"]


def _through(way: Sequence[Mapping[str, Any]]) -> list[str]:
    """The option that leads through other hosts. Not -J: that one has no room for their keys."""
    if not way:
        return []
    *before, last = way
    key = ["-o", f"IdentityFile={last['key']}"] if last["key"] else []
    command = shlex.join(["ssh", *key, *_through(before), "-W", "@", *_target(last)])
    return ["-o", "ProxyCommand=" + command.replace("%", "%%").replace("-W @", "-W '[%h]:%p'", 1)]


def _word(text: str) -> str:
    """A word of a shell. A home stays one, so that the command works for others too."""
    home, slash, rest = text.partition("/")
    return f"~/{shlex.quote(rest)}" if home == "~" and slash else shlex.quote(text)
