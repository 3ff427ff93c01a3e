"""`runner offers` and `runner quota`, and what a plan says about limits."""

from __future__ import annotations

import pytest


@pytest.fixture
def account(cloud, monkeypatch):
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    return cloud


def test_offers_come_cheapest_first_with_their_price_and_its_age(shell, account):
    account.prices["g6.xlarge", "us-east-1"] = 0.9
    account.spot_prices["g4dn.xlarge", "us-east-1a"] = 0.2
    listed = shell("offers", "--vram", "16", "--json").json["offers"]
    known = [row["hourly"] for row in listed if row["hourly"] is not None]
    assert known == sorted(known)
    assert listed[0] | {"as_of": ""} == {
        "provider": "aws",
        "type": "g4dn.xlarge",
        "region": "us-east-1",
        "gpu": "T4",
        "gpus": 1,
        "vram_gb": 16,
        "ram_gb": 16,
        "vcpus": 4,
        "hourly": 0.526,
        "spot_hourly": 0.2,
        "currency": "USD",
        "source": "list price",
        "as_of": "",
        "arch": "x86_64",
        "spot": True,
        "share": 1,
    }
    text = shell("offers", "--gpu", "T4").out
    assert "ON DEMAND" in text
    assert "$0.526/h" in text
    assert "old)" in text


def test_spot_offers_are_ordered_by_their_spot_price(shell, account):
    account.spot_prices["g4dn.2xlarge", "us-east-1a"] = 0.1
    account.spot_prices["g4dn.xlarge", "us-east-1a"] = 0.2
    types = [row["type"] for row in shell("offers", "--gpu", "T4", "--spot", "--json").json["offers"]]
    assert types[:2] == ["g4dn.2xlarge", "g4dn.xlarge"]


def test_without_credentials_the_table_answers_and_says_why(shell, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    answer = shell("offers", "--gpu", "T4")
    assert answer.code == 0
    assert "g4dn.xlarge" in answer.out
    assert "no AWS credentials were found" in answer.out


def test_hosts_of_the_pool_are_offers_that_cost_nothing(shell, account):
    shell.small.write(
        "runner.yaml",
        "id: test\nproviders: {ssh: {hosts: {spark: {address: 192.0.2.1, gpu: L4, gpus: 1, vram_gb: 24}}}}\n",
    )
    first = shell("offers", "--gpu", "l4", "--json").json["offers"][0]
    assert (first["provider"], first["type"], first["hourly"]) == ("ssh", "spark", 0.0)
    assert "free" in shell("offers", "--provider", "ssh").out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("offers", "--gpu", "L40"), "did you mean L40S or L4?"),
        (("offers", "--provider", "awz"), "did you mean aws?"),
        (("offers", "--region", "us-east1"), "us-east-1"),
        (("quota", "--provider", "awz"), "did you mean aws?"),
    ],
)
def test_unknown_names_are_wrong_usage_with_a_suggestion(shell, account, words, hint):
    answer = shell(*words)
    assert answer.code == 3
    assert hint in answer.err


def test_quota_says_limit_use_and_rest(shell, account):
    account.quotas["L-DB2E81BA"] = 8
    rows = shell("quota", "--region", "eu-west-1", "--json").json["quotas"]
    [row] = [row for row in rows if row["code"] == "L-DB2E81BA"]
    assert (row["region"], row["market"], row["limit"], row["used"], row["left"]) == (
        *("eu-west-1", "on-demand"),
        *(8, 0, 8),
    )
    assert "Running On-Demand G and VT instances" in shell("quota", "--region", "eu-west-1").out


def test_quota_that_cannot_be_read_says_which_permission_is_missing(shell, account):
    account.faults.deny("servicequotas:ListServiceQuotas")
    answer = shell("quota", "--region", "eu-west-1")
    assert answer.code == 1
    assert "eu-west-1" in answer.out
    assert "servicequotas:ListServiceQuotas" in answer.out


def test_plan_of_fifty_new_machines_in_one_region_takes_three_calls(shell, account):
    account.quotas["L-DB2E81BA"] = 8
    for number in range(50):
        shell.small.deployment(f"gpu-{number}", "template: app\nprovider: aws\nmachine: {gpu: L4}\n")
    answer = shell("plan", "--json")
    assert answer.code == 2
    assert answer.json["summary"]["create"] == 50
    assert answer.json["actions"][0]["price"]["hourly_after"] == 0.8048
    assert "us-east-1 allows 8 G vCPUs on-demand; this plan needs 200 more" in answer.err
    assert len(account.calls) <= 3


def test_plan_blocks_what_no_limit_allows_and_names_the_remedy(shell, account):
    account.quotas["L-417A185B"] = 0
    shell.small.deployment("big", "template: app\nprovider: aws\nmachine: {gpu: H100}\n")
    answer = shell("plan", "--json")
    assert answer.code == 4
    [action] = answer.json["actions"]
    assert (action["action"], action["code"]) == ("blocked", "quota-too-small")
    assert "p5.4xlarge needs 16 P vCPUs on-demand, and us-east-1 allows 0" in action["reason"]
    assert "servicequotas" in action["hint"]


def test_doctor_asks_aws_only_where_it_is_used(shell, account):
    checks = shell("doctor", "--json").json["checks"]
    assert [check["ok"] for check in checks if check["name"] == "credentials"] == [None]
    assert account.calls == []
    shell.small.write("runner.yaml", "id: test\nproviders: {aws: {region: eu-west-1}}\n")
    found = {check["name"]: check for check in shell("doctor", "--json").json["checks"]}
    assert found["eu-west-1"]["ok"]
    account.faults.deny("ec2:RunInstances")
    answer = shell("doctor")
    assert answer.code == 1
    assert '"Action": ["ec2:RunInstances"]' in " ".join(answer.out.split())
