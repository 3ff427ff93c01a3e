"""What an action is about, with every choice made: what runs, where, at which ports, who reaches it. Pure.

    {"template", "version", "image", "images": {companion: image}, "script", "packages", "models",
     "provider", "place", "chosen", "engine", "gpus", "ports": {name: {"host", "address"}},
     "access": {"expose", "auth", "domain", "ports"}, "volumes": {name: path}, "secrets": {name: where from}}

What is not known is empty. Secrets are named, with where they come from; there is never a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner import reach
from runner.domain import ENDING, Action, Desired, Observation, Record, Spec
from runner.providers.outlook import Outlook

LOOPBACK = "127."
RULES = ("expose", "auth", "domain", "ports")


def of(
    action: Action, want: Desired | None, record: Record | None, have: Observation, outlook: Outlook
) -> dict[str, Any]:
    """The facts of one action; empty where there is neither a file nor a record that says anything."""
    ends = action.kind in ENDING or want is None
    spec = record.spec if ends and record is not None and record.spec else want.spec if want else None
    if not spec or not spec.get("service"):
        return {}
    place = _there(record, have) if ends else {"place": outlook.place, "engine": outlook.engine, "gpus": outlook.gpus}
    return {
        "template": spec["template"],
        "version": want.version if want is not None else "",
        **_runs(spec, place["engine"]),
        "provider": action.provider,
        "chosen": bool(outlook.chosen and not ends),
        **place,
        "ports": _ports(spec),
        "access": {key: value for key, value in reach.access_of(spec).items() if key in RULES and value},
        "volumes": dict(spec["service"].get("volumes") or {}),
        "secrets": dict(spec["secrets"]),
    }


def _there(record: Record | None, have: Observation) -> dict[str, str]:
    """Where it is, of what is about to end."""
    facts = {**(record.machine if record else {}), **(have.resources[0].facts if have.resources else {})}
    where = facts.get("type") and f"{facts['type']} in {facts.get('zone') or facts.get('region', '')}"
    here = str(facts.get("address", "")).startswith(LOOPBACK) and not facts.get("tunnel")
    host = "this machine" if here else f"host {facts['host']}" if facts.get("host") else ""
    return {"place": str(where or host), "engine": str(facts.get("engine", "")), "gpus": ""}


def _runs(spec: Spec, engine: str) -> dict[str, Any]:
    service, params = spec["service"], spec["params"]
    process = engine == "process" and service.get("process")
    models = [params.get("model"), *(params.get("more_models") or ())]
    companions = service.get("companions") or {}
    return {
        "image": "" if process else service.get("image", ""),
        "images": {} if process else {name: one["image"] for name, one in companions.items()},
        "script": (service.get("script") or {}).get("source", ""),
        "packages": list(process["packages"]) if process else [],
        "models": [str(model) for model in models if model],
    }


def _ports(spec: Spec) -> dict[str, dict[str, Any]]:
    """Name → the port of the host, and where it listens there."""
    ports: Mapping[str, Mapping[str, Any]] = spec["service"]["ports"]
    return {
        name: {"host": port["host"], "address": f"{port.get('bind', '127.0.0.1')}:{port['host']}"}
        for name, port in ports.items()
    }
