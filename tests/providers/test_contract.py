"""What holds for every provider. A new folder in runner/providers is covered the moment it exists."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from runner import providers
from runner.providers.base import Context, Credential, Mark


@pytest.fixture(params=providers.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


API = {"aws": "cloud"}
"""Provider → the fixture that plays its API. Without it a provider must know that nobody uses it here."""


@pytest.fixture(params=["used", "unused"])
def context(name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    if request.param == "unused":
        return Context(tmp_path, "contract", {})
    if name in API:
        for variable, value in request.getfixturevalue(API[name]).env.items():
            monkeypatch.setenv(variable, value)
    return Context(tmp_path, "contract", {}, hints=({},))


def test_provider_declares_itself(name: str) -> None:
    provider = providers.load(name)
    assert provider.name == name
    assert provider.kind in ("machine", "platform", "endpoint")
    assert provider.summary
    assert all(isinstance(credential, Credential) for credential in provider.credentials)


def test_options_and_settings_are_strict_models_with_descriptions(name: str) -> None:
    for model in (providers.load(name).options(), providers.load(name).settings()):
        assert issubclass(model, BaseModel)
        assert all(field.description for field in model.model_fields.values())
        with pytest.raises(ValidationError):
            model.model_validate({"no_such_option_anywhere": 1})


def test_price_has_source_or_is_unknown(name: str) -> None:
    price = providers.load(name).price({})
    assert price is None or {"hourly", "currency", "source", "as_of"} == set(price)


def test_choices_are_options_that_the_provider_takes(name: str) -> None:
    provider = providers.load(name)
    labels = [choice.label for choice in provider.choices({})]
    assert len(set(labels)) == len(labels)
    for choice in provider.choices({}):
        provider.options().model_validate(choice.machine)
        assert choice.vram_gb is None or choice.vram_gb >= 0


def test_nothing_of_a_new_repository_is_listed(name: str, context: Context) -> None:
    assert list(providers.load(name)(context).list()) == []


def test_what_was_never_made_is_not_found_and_destroyed_quietly(name: str, context: Context) -> None:
    provider = providers.load(name)(context)
    mark = Mark("contract", "nothing")
    assert provider.find(mark) is None
    provider.destroy(mark)
    provider.destroy(mark)


def test_checks_say_what_to_do_when_they_fail(name: str, context: Context) -> None:
    checks = providers.load(name)(context).checks()
    assert checks
    assert all(check.found for check in checks)
    assert all(check.fix for check in checks if check.ok is False)
