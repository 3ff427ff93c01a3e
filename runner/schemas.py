"""JSON Schemas for editors, generated from the models, from the providers, and from the templates and settings of the
repository: what exists is completed, what does not is marked as people type. `validate` has the last word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runner import providers
from runner.load import read_settings, read_templates
from runner.repo import Repo
from runner.schema_conditions import Known, conditions

Schema = dict[str, Any]


def schema(kind: str, repo: Repo | None = None) -> Schema:
    """The schema of `deployment`, `template` or `settings`; without a repository no template is known."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": kind, **KINDS[kind]()}
    if kind == "deployment":
        document = {**document, "allOf": _clean({"allOf": conditions(_known(repo), document["$defs"])})["allOf"]}
        if repo is not None:
            document["properties"]["template"]["enum"] = sorted(path.stem for path in repo.templates.glob("*.yaml"))
    return document


def _known(repo: Repo | None) -> Known:
    if repo is None:
        return Known({}, {}, ())
    settings = read_settings(repo)[0]
    chosen = settings.defaults.provider
    usual = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    return Known(read_templates(repo)[0], settings.providers, usual)


def _deployment() -> Schema:
    from runner.models import Deployment

    document = Deployment.model_json_schema()
    definitions = document.setdefault("$defs", {})
    for name in providers.names():
        own = providers.load(name).options().model_json_schema()
        definitions |= own.pop("$defs", {})
        definitions[f"machine-{name}"] = own
    one = {"type": "string", "enum": list(providers.names())}
    provider = document["properties"]["provider"]
    provider["anyOf"] = [one, {"type": "array", "items": one, "minItems": 1}, {"type": "null"}]
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
    named = document["properties"]["providers"]
    named.pop("patternProperties", None)
    named |= {"properties": known, "additionalProperties": False}
    one = {"type": "string", "enum": list(providers.names())}
    usual = document["$defs"]["Defaults"]["properties"]["provider"]
    usual["anyOf"] = [one, {"type": "array", "items": one, "minItems": 1}]
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
