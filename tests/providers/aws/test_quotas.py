from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from runner.errors import QuotaError
from runner.providers.aws import quotas
from runner.providers.aws.api import Api
from runner.providers.aws.provider import Provider
from runner.providers.aws.quotas import Quotas
from runner.providers.base import Context
from tests.lab.cloud.images import IMAGES

G, G_SPOT = "L-DB2E81BA", "L-3819A6DF"


@pytest.fixture
def account(cloud, monkeypatch, tmp_path):
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    return lambda: Provider(Context(tmp_path, "shop", hints=({},)))


def wanted(**machine):
    return {"machine": {"gpu": "L4", **machine}, "needs": {}, "service": {"gpus": "all"}, "lifecycle": {}}


@pytest.mark.parametrize(
    ("type_", "market", "expected"),
    [
        ("g6.xlarge", "on-demand", ("on-demand", "G")),
        ("gr6.4xlarge", "spot", ("spot", "G")),
        ("p5.48xlarge", "on-demand", ("on-demand", "P")),
        ("p5en.48xlarge", "spot", ("spot", "P5")),
        ("p4d.24xlarge", "spot", ("spot", "P")),
        ("p6-b200.48xlarge", "on-demand", ("on-demand", "P")),
        ("p6-b200.48xlarge", "spot", None),
        ("t3.large", "spot", ("spot", "Standard")),
        ("c7i.large", "on-demand", ("on-demand", "Standard")),
        ("inf2.xlarge", "on-demand", None),
    ],
)
def test_type_counts_for_the_limit_of_its_family(type_, market, expected):
    assert quotas.kind(type_, market) == expected


def test_table_counts_everything_that_runs_in_the_account_by_market(cloud, account):
    ec2 = cloud.client("ec2")
    for kind, market in (("g6.2xlarge", {}), ("g6.xlarge", {"InstanceMarketOptions": {"MarketType": "spot"}})):
        ec2.run_instances(ImageId=IMAGES[0].id, InstanceType=kind, MinCount=1, MaxCount=1, **market)
    cloud.quotas[G] = 16
    rows, failures = account().quotas(("us-east-1",))
    found = {row.code: row for row in rows}
    assert (found[G].limit, found[G].used) == (16, 8)
    assert (found[G_SPOT].limit, found[G_SPOT].used) == (64, 4)
    assert list(failures) == []


def test_limit_that_can_never_fit_blocks_with_the_numbers_and_the_remedy(cloud, account):
    cloud.quotas[G] = 0
    error = account().requirements(wanted())
    assert isinstance(error, QuotaError)
    assert "g6.xlarge needs 4 G vCPUs on-demand, and us-east-1 allows 0" in str(error)
    assert "servicequotas" in error.hint
    assert account().requirements(wanted(spot={"fallback": "none"})) is None
    assert account().requirements(wanted(spot={"fallback": "on-demand"})) is None
    cloud.quotas[G_SPOT] = 0
    assert account().requirements(wanted(spot={"fallback": "on-demand"})) is not None


def test_limit_that_cannot_be_read_blocks_nothing(cloud, account):
    cloud.quotas[G] = 0
    cloud.faults.deny("servicequotas:GetServiceQuota")
    assert account().requirements(wanted()) is None
    assert account().shortages([wanted()] * 50) == []


def test_shortage_is_foreseen_from_what_runs_and_what_is_planned(cloud, account):
    cloud.quotas[G] = 10
    provider = account()
    assert provider.shortages([wanted()] * 2) == []
    [warning] = provider.shortages([wanted()] * 3)
    assert "us-east-1 allows 10 G vCPUs on-demand; this plan needs 12 more" in warning
    assert len(cloud.calls.of("GetServiceQuota")) == 1


def test_fifty_new_deployments_in_one_region_take_three_calls(cloud, account):
    provider = account()
    provider.list()
    assert all(provider.requirements(wanted()) is None for _ in range(50))
    provider.shortages([wanted()] * 50)
    assert len(cloud.calls) == 3


def test_limit_that_was_never_changed_is_the_default_one():
    client = boto3.session.Session("AKIA", "canary", region_name="us-east-1").client("service-quotas")
    stub = Stubber(client)
    asked = {"ServiceCode": "ec2", "QuotaCode": G}
    stub.add_client_error("get_service_quota", "NoSuchResourceException", expected_params=asked)
    stub.add_response("get_aws_default_service_quota", {"Quota": {"QuotaCode": G, "Value": 8.0}}, asked)
    api = Api({})
    api._client = lambda service, region, attempts: client  # type: ignore[method-assign]
    with stub:
        limits = Quotas(api)
        assert limits.limit("us-east-1", ("on-demand", "G")) == 8
        assert limits.limit("us-east-1", ("on-demand", "G")) == 8
        stub.assert_no_pending_responses()
