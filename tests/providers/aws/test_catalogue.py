from __future__ import annotations

import pytest

from runner import providers
from runner.errors import InvalidRequestError
from runner.providers.aws import catalogue

NOTHING: dict[str, object] = {}


def first(options: dict[str, object], needs: dict[str, object] = NOTHING) -> str:
    return catalogue.candidates(options, needs)[0].type


@pytest.mark.parametrize(
    ("options", "needs", "expected"),
    [
        ({"gpu": "T4"}, {}, "g4dn.xlarge"),
        ({"gpu": "l40s"}, {}, "g6e.xlarge"),
        ({"gpu": "NVIDIA A10G"}, {}, "g5.xlarge"),
        ({"gpu": "RTX PRO 6000"}, {}, "g7e.2xlarge"),
        ({"gpu": "A100", "vram_gb": 80}, {}, "p4de.24xlarge"),
        ({"gpu": "T4", "gpus": 4}, {}, "g4dn.12xlarge"),
        ({"gpu": "T4"}, {"gpus": "all", "gpu_count": 4}, "g4dn.12xlarge"),  # its model is spread over four
        ({"gpu": "L4"}, {}, "g6.xlarge"),
        ({"vram_gb": 3}, {}, "g6f.large"),
        ({}, {"gpus": "all", "vram_gb": 24, "ram_gb": 16}, "g6.xlarge"),
        ({}, {"gpus": "auto", "vram_gb": 48, "ram_gb": 8}, "g6e.xlarge"),
        ({"ram_gb": 32}, {"gpus": "all"}, "g6f.2xlarge"),
        ({}, {"gpus": "auto", "ram_gb": 1}, "t3.small"),
        ({}, {"gpus": "none", "ram_gb": 4}, "t3.medium"),
        ({"vcpus": 8}, {}, "t3.2xlarge"),
        ({"gpu": "T4g", "arch": "arm64"}, {}, "g5g.xlarge"),
        ({"type": "g6.48xlarge"}, {"gpus": "none"}, "g6.48xlarge"),
    ],
)
def test_cheapest_type_that_fits_comes_first(options, needs, expected):
    assert first(options, needs) == expected


def test_offers_come_cheapest_first_with_source_and_date():
    found = catalogue.candidates({"vram_gb": 16}, {})
    priced = [offer.hourly for offer in found if offer.hourly is not None]
    assert len(priced) > 20
    assert priced == sorted(priced)
    assert all(offer.source and offer.as_of for offer in found if offer.hourly is not None)


def test_price_that_the_table_does_not_have_is_unknown_and_ordered_last():
    assert catalogue.offer("p5e.48xlarge", "us-east-1").hourly is None
    assert catalogue.candidates({"gpu": "H200"}, {})[-1].type == "p5e.48xlarge"
    elsewhere = catalogue.candidates({"gpu": "T4", "region": "eu-central-1"}, {})
    assert elsewhere[0].type == "g4dn.xlarge"
    assert {offer.hourly for offer in elsewhere} == {None}
    assert {offer.as_of for offer in elsewhere} == {""}


def test_several_regions_keep_their_order():
    found = catalogue.candidates({"gpu": "H100", "region": ["eu-north-1", "us-east-1"]}, {})
    assert [offer.region for offer in found] == ["eu-north-1"] * 2 + ["us-east-1"] * 2


@pytest.mark.parametrize(
    ("options", "code", "hint"),
    [
        ({"gpu": "L40"}, "unknown-gpu", "L40S"),
        ({"gpu": "A10"}, "unknown-gpu", "A10G"),
        ({"gpu": "A100-80GB"}, "unknown-gpu", "A100"),
        ({"gpu": "potato"}, "unknown-gpu", "known: A100, A10G"),
        ({"type": "g6.xlrge"}, "unknown-type", "g6.xlarge"),
        ({"type": "g6xlarge"}, "unknown-type", "g6.xlarge"),
        ({"region": "us-east1"}, "unknown-region", "us-east-1"),
        ({"gpu": "T4", "region": "eu-centrel-1"}, "unknown-region", "eu-central-1"),
    ],
)
def test_unknown_name_gets_a_suggestion(options, code, hint):
    with pytest.raises(InvalidRequestError) as caught:
        catalogue.candidates(options, {})
    assert caught.value.code == code
    assert hint in caught.value.hint
    assert hint in catalogue.misfit(options, {})


def test_type_of_a_family_that_the_table_does_not_have_is_taken_at_its_word():
    [offer] = catalogue.candidates({"type": "m6i.large"}, {})
    assert (offer.type, offer.hourly, offer.ram_gb) == ("m6i.large", None, 0)


def test_what_nothing_can_fit_is_said_with_what_was_asked_for():
    reason = catalogue.misfit({"gpu": "T4", "gpus": 9}, {"ram_gb": 16})
    assert reason.startswith("no type has 9 × T4, 16 GB of memory;")
    assert catalogue.misfit({"gpu": "T4"}, {}) == ""


def test_estimate_names_type_region_source_and_date():
    assert catalogue.estimate({"gpu": "T4"}, {}) == {
        "hourly": 0.526,
        "currency": "USD",
        "source": "g4dn.xlarge in us-east-1, list price",
        "as_of": "2026-07-20",
    }


def test_estimate_of_spot_is_what_it_costs_at_most():
    spot = catalogue.estimate({"gpu": "T4", "spot": True}, {})
    assert spot is not None
    assert (spot["hourly"], "at most" in spot["source"]) == (0.526, True)
    capped = catalogue.estimate({"gpu": "T4", "spot": True, "max_price": 0.2}, {})
    assert capped is not None
    assert (capped["hourly"], "max_price" in capped["source"]) == (0.2, True)


def test_estimate_is_unknown_where_the_price_is():
    assert catalogue.estimate({"gpu": "T4", "region": "eu-west-1"}, {}) is None
    assert catalogue.estimate({"gpu": "T4", "gpus": 99}, {}) is None
    assert catalogue.estimate({"gpu": "potato"}, {}) is None


def test_stopped_machine_costs_its_volume():
    price = catalogue.stopped({"region": "us-east-1"}, 100)
    assert price is not None
    assert price["hourly"] == pytest.approx(100 * 0.08 / 730, abs=1e-6)
    assert catalogue.stopped({"region": "eu-west-1"}, 100) is None


def test_table_is_whole():
    offers = catalogue.offers()
    assert len({offer.type for offer in offers}) == len(offers) > 70
    assert all(offer.vcpus and offer.ram_gb for offer in offers)
    assert all(bool(offer.gpu) == (offer.gpus > 0) == (offer.vram_gb > 0) for offer in offers)


def test_folder_without_provider_is_no_provider(tmp_path, monkeypatch):
    for name in ("whole", "half"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "catalogue.py").touch()
    (tmp_path / "whole" / "provider.py").touch()
    monkeypatch.setattr(providers, "__file__", str(tmp_path / "__init__.py"))
    providers.names.cache_clear()
    try:
        assert providers.names() == ("whole",)
    finally:
        providers.names.cache_clear()
