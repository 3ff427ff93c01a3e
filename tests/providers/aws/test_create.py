"""One machine for one deployment, whatever goes wrong while it is made."""

from __future__ import annotations

import base64
import json

import pytest

from runner.errors import CapacityError, CredentialsError, InvalidRequestError, ProviderError, QuotaError
from runner.providers.base import Mark
from tests.lab.cloud import LOST
from tests.providers.aws.conftest import MARK, Shop, wanted


def described(shop: Shop, machine: str, region: str = "us-east-1") -> dict:
    found = shop.cloud.client("ec2", region).describe_instances(InstanceIds=[machine])
    return found["Reservations"][0]["Instances"][0]


def tags(item: dict) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in item["Tags"]}


def test_machine_is_marked_closed_and_encrypted(shop: Shop) -> None:
    machine = shop.create()
    ec2 = shop.cloud.client("ec2")
    made = described(shop, machine.id)
    assert made["InstanceType"] == "g6.xlarge"
    assert made["MetadataOptions"]["HttpTokens"] == "required"
    assert made["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    own = {"managed-by": "slipway", "slipway-repo": "shop", "slipway-deployment": "chat"}
    assert tags(made).items() >= own.items()
    [volume] = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [machine.id]}])["Volumes"]
    assert volume["Encrypted"]
    assert tags(volume).items() >= own.items()
    [request] = shop.cloud.calls.of("RunInstances")
    assert request.params["InstanceInitiatedShutdownBehavior"] == "terminate"
    assert request.params["BlockDeviceMapping.1.Ebs.VolumeType"] == "gp3"
    assert request.params["BlockDeviceMapping.1.Ebs.DeleteOnTermination"] == "true"


def test_group_lets_in_ssh_from_the_given_networks_only(shop: Shop) -> None:
    shop.create({"ssh_cidrs": ["198.51.100.0/24", "203.0.113.9/32"]})
    [group] = [
        one
        for one in shop.cloud.client("ec2").describe_security_groups()["SecurityGroups"]
        if one["GroupName"] != "default"
    ]
    [rule] = group["IpPermissions"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 22, 22)
    assert {entry["CidrIp"] for entry in rule["IpRanges"]} == {"198.51.100.0/24", "203.0.113.9/32"}


def test_caller_from_another_address_is_let_in_and_the_old_one_no_more(shop: Shop) -> None:
    shop.create()
    shop.settings["ssh_cidrs"] = ["203.0.113.8/32"]
    shop.create()
    [group] = shop.cloud.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": shop.groups()}]
    )["SecurityGroups"]
    assert [entry["CidrIp"] for rule in group["IpPermissions"] for entry in rule["IpRanges"]] == ["203.0.113.8/32"]


def open_doors(shop: Shop) -> set[tuple[int, str]]:
    """(port, network) of everything that the only group lets in."""
    [name] = shop.groups()
    named = [{"Name": "group-name", "Values": [name]}]
    [group] = shop.cloud.client("ec2").describe_security_groups(Filters=named)["SecurityGroups"]
    return {
        (rule["FromPort"], entry[key])
        for rule in group["IpPermissions"]
        for ranges, key in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"))
        for entry in rule[ranges]
    }


SSH_ONLY = {(22, "203.0.113.7/32")}
PUBLIC = {"expose": "public", "auth": "token", "domain": "", "tls": "internal", "ports": {"web": 443}}
NEAR = {**PUBLIC, "expose": {"cidr": ["198.51.100.9/24", "2001:db8::/32"]}, "ports": {"web": 443, "api": 8443}}


def test_callers_of_an_exposed_service_are_let_in_and_nobody_else_once_it_is_not(shop: Shop) -> None:
    first = shop.create(access=PUBLIC)
    assert open_doors(shop) == SSH_ONLY | {(443, "0.0.0.0/0"), (443, "::/0")}
    near = {(port, cidr) for port in (443, 8443) for cidr in ("198.51.100.0/24", "2001:db8::/32")}
    assert shop.create(access=NEAR).id == first.id
    assert open_doors(shop) == SSH_ONLY | near
    shop.cloud.calls.clear()
    shop.create(access=NEAR)
    assert not shop.cloud.calls.of("AuthorizeSecurityGroupIngress")
    shop.create(access={"expose": "tunnel"})
    assert open_doors(shop) == SSH_ONLY


def test_what_takes_access_away_is_done_first(shop: Shop) -> None:
    shop.create(access=PUBLIC)
    shop.cloud.calls.clear()
    shop.create(access=NEAR)
    changes = [call.action for call in shop.cloud.calls if "SecurityGroupIngress" in call.action]
    assert changes == ["RevokeSecurityGroupIngress", "AuthorizeSecurityGroupIngress"]


def test_what_people_have_opened_besides_is_left_alone_but_not_ssh(shop: Shop) -> None:
    shop.create(access=PUBLIC)
    ec2 = shop.cloud.client("ec2")
    [group] = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": shop.groups()}])["SecurityGroups"]
    for port in (22, 9000):
        ranges = [{"CidrIp": "192.0.2.0/24", "Description": "me"}]
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": ranges}
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[rule])
    shop.create()
    assert open_doors(shop) == SSH_ONLY | {(9000, "192.0.2.0/24")}


def test_what_people_have_opened_already_is_not_opened_twice(shop: Shop) -> None:
    shop.create()
    ec2 = shop.cloud.client("ec2")
    [group] = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": shop.groups()}])["SecurityGroups"]
    mine = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=[mine])
    shop.create(access=PUBLIC)
    assert open_doors(shop) == SSH_ONLY | {(443, "0.0.0.0/0"), (443, "::/0")}
    shop.create()
    assert open_doors(shop) == SSH_ONLY | {(443, "0.0.0.0/0")}  # theirs


def test_more_networks_than_a_group_may_have_are_said_to_be_the_reason(shop: Shop) -> None:
    many = {**PUBLIC, "expose": {"cidr": [f"198.51.{number}.0/24" for number in range(61)]}}
    for _ in range(2):  # with no machine and no group yet, and again
        with pytest.raises(InvalidRequestError, match="62 ways in are more than a security group may have") as caught:
            shop.create(access=many)
        assert caught.value.code == "too-many-rules"
    assert shop.ids() == []


def test_first_boot_brings_the_host_key_that_we_will_expect(shop: Shop) -> None:
    machine = shop.create({}, lifecycle={"ttl": "8h"})
    encoded = shop.cloud.calls.of("RunInstances")[0].params["UserData"]
    head, _, body = base64.b64decode(encoded).decode().partition("\n")
    data = json.loads(body)
    assert head == "#cloud-config"
    assert data["ssh_keys"]["ed25519_public"] == machine.keep["host_key"]
    assert data["users"][1]["ssh_authorized_keys"] == ["ssh-ed25519 AAAAmine me@here"]
    assert data["bootcmd"][0][4:6] == ["3600", "28800"]
    assert len(encoded) < 16384


def test_second_create_finds_the_first_one(shop: Shop) -> None:
    assert shop.create().id == shop.create(mark=Mark("shop", "chat", "d2")).id
    assert len(shop.ids()) == 1


def test_answer_that_is_lost_makes_no_second_machine(shop: Shop) -> None:
    shop.cloud.faults.add("RunInstances", LOST, after_success=True)
    machine = shop.create()
    assert shop.ids() == [machine.id]
    assert len(shop.cloud.calls.of("RunInstances")) == 1


@pytest.mark.parametrize("code", ["InternalError", "Unavailable", "RequestLimitExceeded"])
def test_failure_of_aws_itself_is_tried_again_with_the_same_token(shop: Shop, code: str) -> None:
    shop.cloud.faults.add("RunInstances", code, times=2)
    shop.create()
    assert len(shop.ids()) == 1
    assert len({call.params["ClientToken"] for call in shop.cloud.calls.of("RunInstances")}) == 1


def test_machine_that_does_not_show_up_yet_is_not_made_twice(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run before died after its call, and AWS does not list the machine yet: the token tells."""
    first = shop.create()
    provider = shop.provider({})
    monkeypatch.setattr(provider._account, "one", lambda mark: None)
    again = provider.create(MARK, {"machine": {"gpu": "L4"}, "service": {"gpus": "all"}})
    assert again.id == first.id
    assert again.keep["host_key"] == first.keep["host_key"]
    assert shop.ids() == [first.id]


def test_machine_that_was_never_noted_is_found_in_the_region_that_was_asked(shop: Shop) -> None:
    """The run before died after its call, and the file has named another region since."""
    before = shop.provider({}).whereabouts(wanted({"region": "us-west-2"}), {})
    first = shop.create({"region": "us-west-2"})
    after = shop.provider({}).whereabouts(wanted({"region": ["us-east-1", "us-west-2"]}), before)
    assert (before, after) == ({"region": ["us-west-2"]}, {"region": ["us-west-2", "us-east-1"]})
    provider = shop.provider({"region": "us-east-1"}, machine=after)
    assert provider.create(MARK, wanted({"region": "us-east-1"})).id == first.id
    assert shop.ids() == [first.id]


def test_after_a_destroy_the_same_deployment_gets_a_new_machine(shop: Shop) -> None:
    first = shop.create()
    shop.provider({}).destroy(MARK)
    second = shop.create()
    assert second.id != first.id
    assert shop.ids() == [second.id]


def test_next_zone_then_next_type_is_tried_when_there_is_no_capacity(shop: Shop) -> None:
    shop.cloud.faults.add(
        "RunInstances", "InsufficientInstanceCapacity", times=None, match={"InstanceType": "g6.xlarge"}
    )
    machine = shop.create()
    assert machine.keep["type"] == "g6.2xlarge"
    tried = [call.params["InstanceType"] for call in shop.cloud.calls.of("RunInstances")]
    assert tried.count("g6.xlarge") > 1
    assert tried[-1] == "g6.2xlarge"


def test_type_that_costs_much_more_is_never_taken_by_itself(shop: Shop) -> None:
    shop.cloud.faults.add("RunInstances", "InsufficientInstanceCapacity", times=None)
    with pytest.raises(CapacityError) as caught:
        shop.create()
    assert {call.params["InstanceType"] for call in shop.cloud.calls.of("RunInstances")} == {"g6.xlarge", "g6.2xlarge"}
    assert "\n  g6.xlarge on-demand in us-east-1 a b c d f: insufficient-instance-capacity;\n  g6.2xlarge" in str(
        caught.value
    )
    assert not shop.ids()
    assert not shop.groups()


def test_next_region_is_tried_after_a_quota(shop: Shop) -> None:
    shop.cloud.faults.add("RunInstances", "VcpuLimitExceeded", times=None, match={"region": "us-east-1"})
    machine = shop.create({"region": ["us-east-1", "us-west-2"]})
    assert machine.keep["region"] == "us-west-2"
    assert len(shop.cloud.calls.of("RunInstances", region="us-east-1")) == 2  # one for each type: other zones share it
    assert not shop.groups("us-east-1")
    assert len(shop.groups("us-west-2")) == 1


def test_group_that_cannot_be_removed_elsewhere_loses_no_machine(shop: Shop) -> None:
    shop.cloud.faults.add("RunInstances", "VcpuLimitExceeded", times=None, match={"region": "us-east-1"})
    shop.cloud.faults.add("DeleteSecurityGroup", "UnauthorizedOperation", times=None)
    machine = shop.create({"region": ["us-east-1", "us-west-2"]})
    assert shop.cloud.calls.of("DeleteSecurityGroup")
    assert shop.ids() == [machine.id]


def test_group_of_a_like_name_is_not_taken_for_ours(shop: Shop) -> None:
    """`shop` with `a-b`, and `shop-a` with `b`."""
    for mark in (Mark("shop", "a-b"), Mark("shop-a", "b")):
        shop.create(mark=mark)
    assert sorted(shop.groups()) == ["slipway/shop-a/b", "slipway/shop/a-b"]


def test_quota_everywhere_is_a_quota_error_with_what_was_tried(shop: Shop) -> None:
    shop.cloud.faults.add("RunInstances", "VcpuLimitExceeded", times=None)
    with pytest.raises(QuotaError, match="vcpu-limit-exceeded") as caught:
        shop.create({"type": "p5.48xlarge", "gpu": ""})
    assert "Service Quotas" in caught.value.hint


def test_spot_with_fallback_becomes_on_demand(shop: Shop) -> None:
    shop.cloud.faults.add(
        "RunInstances", "InsufficientInstanceCapacity", times=None, match={"InstanceMarketOptions.MarketType": "spot"}
    )
    machine = shop.create({"spot": {"fallback": "on-demand"}})
    assert machine.keep["spot"] is False
    assert "InstanceLifecycle" not in described(shop, machine.id)


def test_spot_without_fallback_stays_spot_or_nothing(shop: Shop) -> None:
    machine = shop.create({"spot": True})
    assert described(shop, machine.id)["InstanceLifecycle"] == "spot"
    shop.provider({}).destroy(MARK)
    shop.cloud.faults.add("RunInstances", "InsufficientInstanceCapacity", times=None)
    with pytest.raises(CapacityError, match="spot in us-east-1 a"):
        shop.create({"spot": True})


def test_persistent_spot_stops_itself_instead_of_coming_back(shop: Shop) -> None:
    shop.create({"spot": {"type": "persistent", "max_price": 0.5}})
    params = shop.cloud.calls.of("RunInstances")[0].params
    assert params["InstanceInitiatedShutdownBehavior"] == "stop"
    assert params["InstanceMarketOptions.SpotOptions.SpotInstanceType"] == "persistent"
    assert params["InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior"] == "stop"
    assert float(params["InstanceMarketOptions.SpotOptions.MaxPrice"]) == 0.5


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "AuthFailure", "ExpiredToken"])
def test_refusal_of_credentials_is_not_tried_again(shop: Shop, code: str) -> None:
    shop.cloud.faults.add("RunInstances", code, times=None)
    with pytest.raises(CredentialsError) as caught:
        shop.create()
    assert caught.value.hint
    assert len(shop.cloud.calls.of("RunInstances")) == 1


def test_missing_permission_names_itself(shop: Shop) -> None:
    shop.cloud.faults.deny("ec2:RunInstances")
    with pytest.raises(CredentialsError) as caught:
        shop.create()
    assert "ec2:RunInstances" in caught.value.hint


def test_parameter_that_aws_refuses_is_said_at_once(shop: Shop) -> None:
    with pytest.raises(InvalidRequestError, match="subnet-12345678"):
        shop.create({"subnet": "subnet-12345678"})
    with pytest.raises(ProviderError, match="ami-0123456789abcdef0"):
        shop.create({"ami": "ami-0123456789abcdef0"})
    assert not shop.ids()
