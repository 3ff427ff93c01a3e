"""The questions of `runner new`: template, name, model, where, options. Enter always takes what is in brackets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from runner import new, places
from runner.cli._app import App
from runner.declared import misfit
from runner.errors import InvalidFiles, UsageError
from runner.faults import suggestion
from runner.field_types import secret_problem
from runner.models import OwnService, Settings
from runner.places import Place
from runner.render import wizard
from runner.render.style import scrub
from runner.template import Param, Template

MODEL = "model"
_PLACED_BY = {"provider", "machine"}


def _none(_: str) -> None:
    """Nothing is wrong with it."""


class Wizard:
    """One conversation. Answers that make no sense are explained and asked for again."""

    def __init__(self, app: App, templates: Mapping[str, Template], settings: Settings) -> None:
        self._app = app
        self._templates = templates
        self._settings = settings

    def template(self) -> str:
        """One that is ready to deploy."""
        ready = [key for key, template in self._templates.items() if template.status == "active"]
        shown = [{"id": key, **self._templates[key].model_dump(mode="json")} for key in ready]
        self._show(lambda style: wizard.templates_text(shown, style=style))
        waiting = len(self._templates) - len(ready)
        if waiting:
            self._app.output.note(f"{waiting} more cannot be deployed yet: runner templates")
        return self._pick("Template", ready, default=min(ready, key=lambda key: _demand(key, self._templates[key])))

    def name(self, default: str, problem: Callable[[str], UsageError | None]) -> str:
        """A name that is free."""
        return self._ask("Name", default, lambda answer: (answer, problem(answer)))

    def model(self, template: Template, data: dict[str, Any]) -> dict[str, Any]:
        """Of the template's library, or any other that its parameter takes."""
        param = template.params.get(MODEL)
        if param is None or not template.models or MODEL in data.get("params", {}):
            return data
        self._show(lambda style: wizard.models_text([m.model_dump() for m in template.models], style=style))
        known = [model.id for model in template.models]
        chosen = self._param("Model", param, known, default=str(param.default or known[0]))
        return new.merged(data, {"params": {MODEL: chosen}})

    def needed(self, template: Template, data: dict[str, Any]) -> dict[str, Any]:
        """What has no default."""
        for key, param in new.questions(template, data).items():
            question = f"{param.description} ({key})"
            if param.secret:
                more = {"secrets": {key: self._secret(f"{question}: where from, env:NAME or file:PATH")}}
            else:
                more = {"params": {key: self._param(question, param, [str(choice) for choice in param.choices])}}
            data = new.merged(data, more)
        return data

    def place(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        """Where it runs, and on which GPU."""
        if _PLACED_BY & data.keys():
            return data
        found = places.places(name, data, self._templates, self._settings)
        self._show(lambda style: wizard.places_text([_place(place) for place in found], style=style))
        known = {f"{place.provider} {place.choice.label}": place for place in found}
        usual = places.usual(found, self._settings)
        default = next((label for label, place in known.items() if place is usual), "")
        chosen = self._pick("Where", [*known], default=default, problem=lambda label: _too_small(known[label]))
        return new.merged(data, known[chosen].fields)

    def options(self, template: Template, data: dict[str, Any], check: Callable[[dict[str, Any]], object]) -> Any:
        """Everything else: shown with its value, changed by NAME=VALUE until an empty answer."""
        self._show(lambda style: wizard.options_text(_options(template, data), style=style))
        question = "Change something (NAME=VALUE), or go on"
        while answer := click.prompt(question, default="", show_default=False, err=True, prompt_suffix=" [Enter]: "):
            try:
                changed = new.merged(data, new.fields(template, [answer]))
                check(changed)
            except (UsageError, InvalidFiles) as error:
                self._app.output.problems(error.problems)
                continue
            data = changed
        return data

    def _param(self, question: str, param: Param, known: Sequence[str], default: str = "") -> Any:
        def read(answer: str) -> tuple[str, UsageError | None]:
            number = int(answer) if answer.isdecimal() else 0
            answer = known[number - 1] if 0 < number <= len(known) and answer not in known else answer
            reason = misfit(param, new.value(answer, param))
            hint = suggestion(answer, known) if reason else ""
            return answer, UsageError(f"it {reason}", code="bad-answer", hint=hint) if reason else None

        return new.value(self._ask(question, default, read), param)

    def _secret(self, question: str) -> str:
        def read(answer: str) -> tuple[str, UsageError | None]:
            problem = secret_problem(answer)
            return answer, UsageError(f"it {problem}", code="bad-answer") if problem else None

        return self._ask(question, "", read)

    def _pick(
        self, question: str, known: Sequence[str], *, default: str, problem: Callable[[str], UsageError | None] = _none
    ) -> str:
        """One of the known, by number or name."""

        def read(answer: str) -> tuple[str, UsageError | None]:
            if answer.isdecimal() and 0 < int(answer) <= len(known):
                answer = known[int(answer) - 1]
            if answer in known:
                return answer, problem(answer)
            return answer, UsageError(f"{answer} is none of them", code="bad-answer", hint=suggestion(answer, known))

        return self._ask(question, default, read)

    def _ask(self, question: str, default: str, read: Callable[[str], tuple[str, UsageError | None]]) -> str:
        while True:
            said = str(click.prompt(scrub(question), default=default or None, err=True)).strip()
            answer, wrong = read(said)
            if wrong is None:
                return answer
            self._app.output.problems(wrong.problems)

    def _show(self, text: Callable[[Any], str]) -> None:
        self._app.output.show("\n" + text(self._app.output.err_style))


def _demand(key: str, template: Template) -> tuple[bool, bool, float, str]:
    """Sorts templates by how little they ask of people and machines: the first is a good one to begin with."""
    unanswered = any(param.required and param.default is None for param in template.params.values())
    needs = template.requirements
    return needs.gpu == "required", unanswered, needs.ram_gb or 0.0, key


def _place(place: Place) -> dict[str, Any]:
    choice = asdict(place.choice)
    return {**choice, "provider": place.provider, "fit": place.fit, "reason": place.reason, "price": place.price}


def _too_small(place: Place) -> UsageError | None:
    return UsageError(f"it does not fit there: {place.reason}", code="bad-answer") if place.fit == "too small" else None


def _options(template: Template, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = data.get("params", {})
    params = [
        {"name": name, "value": given.get(name, param.default), "description": param.description}
        for name, param in template.params.items()
        if not param.secret
    ]
    ports, own = data.get("ports", {}), data.get("service", {})
    host = [
        {
            "name": f"ports.{name}" if name in template.params else name,
            "value": ports.get(name, port.host),
            "description": f"port: {port.description}",
        }
        for name, port in template.service.ports.items()
    ]
    open_fields = [
        {
            "name": f"service.{name}",
            "value": own.get(name),
            "description": OwnService.model_fields[name].description or "",
        }
        for name in template.open
    ]
    return params + ([] if "ports" in own else host) + open_fields
