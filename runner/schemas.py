"""JSON Schemas, generated from the models. The provider options become part of the deployment's schema."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runner import providers

Schema = dict[str, Any]


def schema(kind: str) -> Schema:
    """The schema of `deployment`, `template` or `settings`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": kind, **KINDS[kind]()}


def _deployment() -> Schema:
    from runner.models import Deployment

    document = Deployment.model_json_schema()
    definitions = document.setdefault("$defs", {})
    options: dict[str, Any] = {}
    for name in providers.names():
        own = providers.load(name).options().model_json_schema()
        definitions |= own.pop("$defs", {})
        options |= own.get("properties", {})
    document["properties"]["machine"]["properties"] = options
    document["properties"]["provider"]["examples"] = list(providers.names())
    return _clean(document)


def _template() -> Schema:
    from runner.template import Template

    return _clean(Template.model_json_schema())


def _settings() -> Schema:
    from runner.models import Settings

    document = Settings.model_json_schema()
    known = {name: providers.load(name).settings().model_json_schema() for name in providers.names()}
    for own in known.values():
        document["$defs"] |= own.pop("$defs", {})
    document["properties"]["providers"]["properties"] = known
    return _clean(document)


def _clean(document: Schema) -> Schema:
    cleaned: Schema = _without_internals(document)
    return cleaned


def _without_internals(node: Any) -> Any:
    """Our own annotations are no business of an editor."""
    if isinstance(node, dict):
        # Pydantic forgets to say that names which match no pattern are wrong.
        closed = {"additionalProperties": False} if "patternProperties" in node else {}
        return {
            k: _without_internals(v) for k, v in node.items() if k not in ("effect", "in_place", "may_be_open")
        } | closed
    return [_without_internals(item) for item in node] if isinstance(node, list) else node


KINDS: dict[str, Callable[[], Schema]] = {"deployment": _deployment, "template": _template, "settings": _settings}
