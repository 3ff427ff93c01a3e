"""What `runner doctor` says about AWS, and that its policy is exactly what the code needs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from runner.providers.aws import causes, doctor
from runner.providers.aws.api import Api
from runner.providers.base import Mark
from tests.lab.cloud import SILENCE

ROOT = Path(__file__).parents[3]
CODE = ROOT / "runner" / "providers" / "aws"
SESSION: Any = boto3.session.Session("AKIA", "canary", region_name="us-east-1")  # reads its models once
MARK = Mark("shop", "chat", "d1")


@pytest.fixture
def api(cloud, monkeypatch):
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    return Api({})


def said(api, *regions):
    return {check.name: check for check in doctor.checks(api, regions or ("us-east-1",))}


def test_all_is_well_with_every_permission(cloud, api):
    found = said(api)
    assert found["credentials"].found == "found in the environment: AWS_ACCESS_KEY_ID"
    assert found["identity"].found.endswith("account 123456789012")
    assert found["us-east-1"].ok
    assert cloud.machines == []


def test_missing_permissions_come_with_the_statement_that_is_missing(cloud, api):
    cloud.faults.deny("ec2:RunInstances", "ec2:TerminateInstances", "ssm:GetParameter", "pricing:GetProducts")
    check = said(api)["us-east-1"]
    assert check.ok is False
    assert "ec2:RunInstances, ec2:TerminateInstances, pricing:GetProducts, ssm:GetParameter" in check.found
    who, statements = check.fix.removeprefix("add to ").split(": ", 1)
    assert who.startswith("arn:aws:sts::123456789012:")
    told = {action: one for one in json.loads(statements) for action in one["Action"]}
    assert set(told) == {"ec2:RunInstances", "ec2:TerminateInstances", "ssm:GetParameter", "pricing:GetProducts"}
    assert told["ec2:TerminateInstances"]["Condition"] == {"StringEquals": {"aws:ResourceTag/managed-by": "slipway"}}
    assert told["ssm:GetParameter"]["Resource"] == "arn:aws:ssm:*::parameter/aws/service/*"


def test_region_that_does_not_answer_names_itself_and_the_others_are_told(cloud, api, monkeypatch):
    monkeypatch.setattr("runner.providers.aws.api.ANSWER_TIMEOUT_S", 0.3)
    monkeypatch.setattr("runner.providers.aws.api.ATTEMPTS", 1)
    cloud.faults.add("*", SILENCE, times=None, match={"region": "eu-west-1"})
    found = said(api, "us-east-1", "eu-west-1")
    assert found["us-east-1"].ok
    assert found["eu-west-1"].ok is False
    assert "eu-west-1 does not answer" in found["eu-west-1"].found
    assert "region that this network can reach" in found["eu-west-1"].fix


@pytest.mark.parametrize(("code", "hint"), [("ExpiredToken", "aws sso login"), ("InvalidClientTokenId", "was deleted")])
def test_credentials_that_are_refused_say_what_to_do(cloud, api, code, hint):
    cloud.faults.add("GetCallerIdentity", code, times=None)
    found = [check for check in doctor.checks(api, ("us-east-1",)) if check.ok is False]
    assert len(found) == 1
    assert hint in found[0].fix


def test_without_credentials_and_with_a_profile_that_does_not_exist(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    none = said(Api({}))["credentials"]
    assert (none.ok, "aws configure" in none.fix) == (False, True)
    wrong = said(Api({"profile": "team"}))["credentials"]
    assert (wrong.ok, "team" in wrong.found) == (False, True)
    (tmp_path / "credentials").write_text("[team]\naws_access_key_id = AKIA\naws_secret_access_key = canary\n")
    assert Api({"profile": "team"}).credentials("us-east-1") == ("shared-credentials-file", "team")


def test_nothing_is_asked_where_nothing_is_with_aws():
    [check] = doctor.checks(Api({}), ())
    assert check.ok is None


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("DryRunOperation", True),
        ("UnauthorizedOperation", False),
        ("AccessDenied", False),
        ("InvalidInstanceID.NotFound", None),
        ("InvalidParameterValue", None),
    ],
)
def test_outcome_of_a_dry_run(code, told):
    client = SESSION.client("ec2")
    stub = Stubber(client)
    asked = {"DryRun": True, "InstanceIds": ["i-00000000000000000"]}
    stub.add_client_error("stop_instances", code, http_status_code=412, expected_params=asked)
    api = Api({})
    api._client = lambda service, region, attempts: client  # type: ignore[method-assign]
    with stub:
        assert doctor._tried(api, "us-east-1", "ec2:StopInstances") is told


# --- the policy -----------------------------------------------------------------------------------------------------


def test_policy_names_exactly_what_the_code_calls():
    verbs = "authorize|cancel|create|delete|describe|get|list|revoke|run|start|stop|terminate"
    named = {name for path in CODE.rglob("*.py") for name in re.findall(rf'"((?:{verbs})_[a-z_]+)"', path.read_text())}
    assert named == {causes.operation(action) for action in doctor.actions() if not action.startswith("iam:")}


def test_permission_and_operation_are_two_names_of_one_thing():
    tried = [action for action in doctor.actions() if not action.startswith("iam:")]  # AWS does that one by itself
    clients = {service: SESSION.client(service) for service in map(causes.service, tried)}
    for action in tried:
        service, operation = causes.service(action), causes.operation(action)
        assert hasattr(clients[service], operation)
        assert causes.action(operation, service) == action


def test_life_of_a_machine_calls_nothing_that_the_policy_does_not_allow(shop, eventually):
    """Everything from the first look to nothing left, as the cloud has recorded it."""
    cloud = shop.cloud
    spot = {"spot": {"type": "persistent"}, "region": "us-east-1"}
    made = shop.create(spot)
    eventually(lambda: cloud.machines[0].state == "running")
    shop.settings["ssh_cidrs"] = ["203.0.113.8/32"]
    shop.create(spot)
    shop.provider({}, machine={"id": made.id, "region": "us-east-1"}).stop(MARK)
    cloud.client("ec2").create_volume(
        AvailabilityZone="us-east-1a",
        Size=1,
        TagSpecifications=[{"ResourceType": "volume", "Tags": _tags()}],
    )
    shop.provider({}, everywhere=True)._account.regions()
    provider = shop.provider({})
    provider.list()
    provider.offers({})
    provider.quotas(())
    provider.checks()
    provider.destroy(MARK)
    used = {call.action for call in cloud.calls}
    allowed = {action.partition(":")[2] for action in doctor.actions()}
    assert used <= allowed
    assert allowed - used <= {"CreateServiceLinkedRole"}
    assert cloud.alive == []


def _tags():
    values = {"managed-by": "slipway", "slipway-repo": "shop", "slipway-deployment": "chat"}
    return [{"Key": key, "Value": value} for key, value in values.items()]


def test_page_about_aws_has_the_policy():
    assert doctor.POLICY.read_text() in (ROOT / "docs" / "aws.md").read_text()
