"""Where a new deployment fits: what is known, what is not, and at what price."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner import places
from runner.load import read_settings, read_templates
from runner.models import Settings
from runner.providers.base import Choice
from runner.providers.local.provider import Provider as Local
from runner.providers.ssh.pool import choices
from tests.small import APP, Small

POOL = """\
id: test
defaults: {provider: ssh}
providers:
  ssh:
    hosts:
      big: {address: 192.0.2.1, gpu: L4, gpus: 2, vram_gb: 24}
      mute: {address: 192.0.2.2, gpu: K80, gpus: 1}
      bare: {address: 192.0.2.3}
"""
MODELS = "models:\n" + "".join(
    f"  - {{id: {name}, name: {name}, size_gb: 1, vram_gb: {vram}}}\n"
    for name, vram in (("small", 8), ("large", 40), ("huge", 400))
)
ANY = APP.replace(", choices: [small, large]", "") + MODELS


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(tmp_path / "repo")
    for gpu in ("required", "optional", "none"):
        made.write(f"templates/{gpu}.yaml", ANY.replace("params:", f"requirements: {{gpu: {gpu}}}\nparams:", 1))
    made.write("runner.yaml", POOL)
    return made


def fits(small: Small, data: dict[str, Any]) -> dict[str, tuple[str, str]]:
    found = places.places("web", data, read_templates(small.repo)[0], read_settings(small.repo)[0])
    return {place.choice.label: (place.fit, place.reason) for place in found if place.provider == "ssh"}


@pytest.mark.parametrize(
    ("template", "model", "expected"),
    [
        ("required", "small", {"big": "fits", "big, all GPUs": "fits", "mute": "unknown", "bare": "too small"}),
        ("required", "large", {"big": "too small", "big, all GPUs": "fits", "mute": "unknown", "bare": "too small"}),
        ("required", "huge", {"big": "too small", "big, all GPUs": "too small", "mute": "unknown"}),
        ("optional", "small", {"big": "fits", "bare": "unknown"}),
        ("optional", "elsewhere", {"big": "unknown", "big, all GPUs": "unknown"}),
        ("none", "huge", {"big": "fits", "mute": "fits", "bare": "fits"}),
    ],
)
def test_fit_is_what_is_known(small: Small, template: str, model: str, expected: dict[str, str]) -> None:
    found = fits(small, {"template": template, "params": {"model": model}})
    assert {label: found[label][0] for label in expected} == expected
    assert all(reason for fit, reason in found.values() if fit != "fits")


def test_what_fits_comes_first_and_the_default_before_others(small: Small) -> None:
    templates, settings = read_templates(small.repo)[0], read_settings(small.repo)[0]
    found = places.places("web", {"template": "none"}, templates, settings)
    assert [place.fit for place in found] == sorted((place.fit for place in found), key=places.ORDER.index)
    assert found[0].provider == "ssh"
    assert {place.provider for place in found} >= {"ssh", "local"}


def test_going_on_never_costs_money_that_the_repository_does_not_spend_anyway() -> None:
    def at(provider: str, hourly: float | None, fit: places.Fit = "fits") -> places.Place:
        return places.Place(
            provider, Choice(f"{hourly}"), fit, price={"hourly": hourly} if hourly is not None else None
        )

    own = Settings()
    assert places.usual([at("cloud", 0.5), at("local", 0, "unknown")], own) == at("local", 0, "unknown")
    assert places.usual([at("cloud", 0.5), at("cloud", None), at("pool", 0.0)], own) == at("pool", 0.0)
    assert places.usual([at("cloud", 0.5), at("local", 0, "too small")], own) is None
    rents = Settings.model_validate({"defaults": {"provider": ["cloud", "pool"]}})
    assert places.usual([at("cloud", 0.5), at("pool", 0)], rents) == at("cloud", 0.5)


def test_place_says_what_to_write_and_what_it_costs(small: Small) -> None:
    templates, settings = read_templates(small.repo)[0], read_settings(small.repo)[0]
    found = {p.choice.label: p for p in places.places("web", {"template": "none"}, templates, settings)}
    assert found["any host that fits"].fields == {"provider": "ssh"}
    assert found["big, all GPUs"].fields == {"provider": "ssh", "machine": {"host": "big", "gpus": 2}}
    assert found["big"].price == {"hourly": 0.0, "currency": "USD", "source": "own hardware", "as_of": ""}


def test_pool_of_one_host_is_that_host() -> None:
    assert [choice.label for choice in choices({"one": {"gpu": "L4", "gpus": 1, "vram_gb": 24}})] == ["one"]
    assert list(choices({})) == []


def test_this_machine_has_the_gpus_that_nvidia_smi_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '0, NVIDIA L4, GPU-1, 23034, 560.1\\n1, NVIDIA L4, GPU-2, 23034, 560.1\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    [choice] = Local.choices({})
    assert (choice.gpu, choice.vram_gb, choice.machine) == ("2 × NVIDIA L4", 48, {})
