from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from runner.errors import CredentialsError, ProviderError
from runner.providers.aws import boot, catalogue, prices
from runner.providers.aws.api import Api
from runner.providers.aws.seen import Seen
from runner.providers.base import Mark

SESSION: Any = boto3.session.Session("AKIA", "canary", region_name="us-east-1")  # reads its models once
REGION = "eu-central-1"


@pytest.fixture
def api(cloud, monkeypatch) -> Api:
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    return Api({})


def product(type_: str, usd: str) -> str:
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": usd}}
    terms = {"OnDemand": {"X.Y": {"priceDimensions": {"X.Y.Z": dimension}}}}
    return json.dumps({"product": {"attributes": {"instanceType": type_}}, "terms": terms})


def stubbed(answers: list[Any]) -> tuple[Api, Stubber]:
    """The client of the price list, as botocore checks what is asked of it and what it answers."""
    client = SESSION.client("pricing")
    stub = Stubber(client)
    for answer in answers:
        if isinstance(answer, str):
            stub.add_client_error("get_products", answer, http_status_code=400)
        else:
            stub.add_response("get_products", *answer)
    api = Api({})
    api._client = lambda service, region, attempts: client  # type: ignore[method-assign]
    stub.activate()
    return api, stub


def asked(type_: str, **more: Any) -> dict[str, Any]:
    wanted = {**prices.LISTED, "regionCode": REGION, "instanceType": type_}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    return {"ServiceCode": "AmazonEC2", "Filters": filters, "MaxResults": 100, **more}


def test_price_list_is_read_page_by_page_and_capacity_reservations_are_passed_over():
    first = {"PriceList": [product("g6.xlarge", "0.0000000000")], "NextToken": "more"}
    second = {"PriceList": [product("g6.xlarge", "1.0060000000")]}
    api, stub = stubbed([(first, asked("g6.xlarge")), (second, asked("g6.xlarge", NextToken="more"))])
    with stub:
        assert prices.on_demand(api, REGION, ["g6.xlarge"]) == {"g6.xlarge": 1.006}
        stub.assert_no_pending_responses()


def test_missing_permission_for_the_price_list_names_itself():
    api, stub = stubbed(["AccessDeniedException"])
    with stub, pytest.raises(CredentialsError) as caught:
        prices.on_demand(api, REGION, ["g6.xlarge"])
    assert "pricing:GetProducts" in caught.value.hint


def test_offers_carry_the_prices_of_now_and_the_cheapest_zone(cloud, api):
    cloud.prices["g4dn.xlarge", REGION] = 0.658
    cloud.spot_prices["g4dn.xlarge", f"{REGION}a"] = 0.31
    cloud.spot_prices["g4dn.xlarge", f"{REGION}b"] = 0.29
    found, failures = prices.offers(api, {"gpu": "T4", "region": REGION})
    [first, *_] = [one for one in found if one.type == "g4dn.xlarge"]
    assert (first.hourly, first.spot_hourly, first.source) == (0.658, 0.29, "AWS price list")
    assert first.as_of
    assert failures == []


def test_region_that_cannot_be_asked_keeps_the_table_and_says_why(cloud, api):
    cloud.faults.deny("ec2:DescribeInstanceTypeOfferings")
    found, [failure] = prices.offers(api, {"gpu": "T4", "region": "us-east-1"})
    assert (found[0].type, found[0].hourly, found[0].as_of) == ("g4dn.xlarge", 0.526, "2026-07-20")
    assert isinstance(failure, CredentialsError)
    assert "us-east-1" in str(failure)
    assert "ec2:DescribeInstanceTypeOfferings" in failure.hint


def test_region_offers_only_what_it_has(cloud, api):
    found, _ = prices.offers(api, {"gpu": "", "region": "eu-north-1"})
    assert len(found) < len(catalogue.candidates({}, {"gpus": "all"}))


def machine(*, spot: bool = False, zone: str = "us-east-1b") -> Seen:
    nothing = dict.fromkeys(
        ("deployment", "address", "spot_request", "launched", "born", "reason_code", "reason", "since", "token"), ""
    )
    return Seen(
        id="i-1",
        region="us-east-1",
        zone=zone,
        type="g4dn.xlarge",
        state="running",
        tags={},
        spot=spot,
        parts=frozenset(),
        **nothing,
    )


def test_real_rate_is_that_of_the_zone_or_of_the_price_list(cloud, api):
    cloud.prices["g4dn.xlarge", "us-east-1"] = 0.6
    cloud.spot_prices["g4dn.xlarge", "us-east-1a"] = 0.1
    cloud.spot_prices["g4dn.xlarge", "us-east-1b"] = 0.2
    listed, spot = prices.rate(api, machine()), prices.rate(api, machine(spot=True))
    assert listed
    assert (listed["hourly"], listed["source"]) == (0.6, "g4dn.xlarge in us-east-1b, AWS price list")
    assert spot
    assert (spot["hourly"], spot["source"]) == (0.2, "g4dn.xlarge in us-east-1b, spot price of its start")


def test_real_rate_falls_back_to_the_table(cloud, api):
    cloud.faults.deny("pricing:GetProducts", "ec2:DescribeSpotPriceHistory")
    listed, spot = prices.rate(api, machine()), prices.rate(api, machine(spot=True))
    assert listed
    assert spot
    assert listed["hourly"] == spot["hourly"] == 0.526
    assert "at most" in spot["source"]
    assert prices.rate(api, replace(machine(), type="m6i.large")) is None


def test_silent_price_list_ends_in_an_error_of_ours():
    api, stub = stubbed(["ThrottlingException"])
    with stub, pytest.raises(ProviderError):
        prices.on_demand(api, REGION, ["g6.xlarge"])


def test_machine_that_is_up_has_its_real_rate_once_and_for_all(shop, monkeypatch):
    monkeypatch.setattr(boot, "reachable", lambda host, api, machine, lifetime_s: None)
    shop.cloud.prices["g6.xlarge", "us-east-1"] = 0.9
    made = shop.create()
    up = shop.provider({}).ready(made)
    assert up.rate
    assert (up.rate["hourly"], up.rate["source"]) == (0.9, "g6.xlarge in us-east-1a, AWS price list")
    shop.cloud.prices["g6.xlarge", "us-east-1"] = 1.1
    noted = {"id": made.id, "region": "us-east-1", "rate": up.rate}
    assert shop.provider({}, machine=noted).ready(made).rate == up.rate


def test_stopped_machine_costs_its_disk(shop, eventually):
    made = shop.create({"disk_gb": 100})
    shop.provider({}, machine={"id": made.id, "region": "us-east-1"}).stop(Mark("shop", "chat", "d1"))
    [seen] = shop.provider({}).list()
    assert seen.state == "stopped"
    assert seen.stopped_price["hourly"] == pytest.approx(100 * 0.08 / 730, abs=1e-6)
    assert seen.stopped_price["source"] == "100 GB, list price of gp3"
