"""What is seen of what there is, and that nothing is left of what there was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from runner.errors import CredentialsError, GoneError, InvalidRequestError, ProviderError
from runner.providers.aws import boot, seen, views
from runner.providers.base import Mark
from runner.workflow import make_plan
from tests.providers.aws.conftest import MARK, Shop, wanted
from tests.small import Small

LABELS = {"managed-by": "slipway", "slipway-repo": "shop", "slipway-deployment": "chat", "slipway-digest": "d1"}


def service(state: str = "running", status: str = "Up 2 hours") -> dict:
    return {
        "docker": "",
        "missing": False,
        "containers": [
            {
                "Id": "c" * 64,
                "Names": ["/slipway-shop-chat"],
                "Image": "ollama",
                "State": state,
                "Status": status,
                "Created": 1_780_000_000,
                "Labels": {**LABELS, "slipway-container": json.dumps({"restart": "unless-stopped"})},
            }
        ],
        "health": {"chat": ["healthy", ""]},
    }


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "repo")


def listed(shop: Shop, **more: object) -> list:
    return list(shop.provider({}, **more).list())


def settled(shop: Shop, eventually) -> str:
    machine = shop.create()
    eventually(lambda: any(one.facts["machine_runs"] and one.state != "gone" for one in listed(shop)))
    eventually(lambda: shop.cloud.alive[0].state == "running")
    return machine.id


def test_service_on_a_machine_is_one_resource_under_the_machines_id(shop: Shop, eventually) -> None:
    machine = settled(shop, eventually)
    shop.said[machine] = service()
    [found] = listed(shop)
    assert (found.id, found.deployment, found.state, found.digest) == (machine, "chat", "running", "d1")
    assert (found.health, found.facts["type"], found.facts["region"]) == ("healthy", "g6.xlarge", "us-east-1")
    assert found.stopped_price is not None
    assert found.stopped_price["hourly"] > 0


def test_machine_without_its_service_is_unfinished(shop: Shop, eventually) -> None:
    settled(shop, eventually)
    [found] = listed(shop)
    assert (found.state, found.digest, found.facts["machine_runs"]) == ("pending", "", True)


def test_stopped_service_on_a_running_machine_still_has_to_be_stopped(shop: Shop, eventually) -> None:
    shop.said[settled(shop, eventually)] = service("exited", "Exited (0) 2 minutes ago")
    [found] = listed(shop)
    assert (found.state, found.facts["machine_runs"]) == ("failed", True)


def test_machine_that_does_not_answer_is_there_and_unhealthy(shop: Shop, eventually) -> None:
    shop.said[settled(shop, eventually)] = ProviderError("no route", code="unreachable")
    [found] = listed(shop)
    assert (found.state, found.health) == ("running", "unhealthy")
    assert "no route" in found.health_detail


def test_notice_of_interruption_shows_as_unhealthy(shop: Shop, eventually) -> None:
    shop.said[settled(shop, eventually)] = {**service(), "notice": "AWS takes this machine back (terminate) at 10:00"}
    [found] = listed(shop)
    assert (found.health, found.health_detail) == ("unhealthy", "AWS takes this machine back (terminate) at 10:00")


def test_looking_takes_three_calls_however_many_machines(shop: Shop, eventually) -> None:
    for number in range(12):
        shop.create(mark=Mark("shop", f"chat-{number}", "d1"))
    eventually(lambda: all(one.state == "running" for one in shop.cloud.alive))
    before = len(shop.cloud.calls)
    assert len(listed(shop)) == 12
    assert len(shop.cloud.calls) - before <= 3


def test_stop_and_start_wait_for_aws(shop: Shop, eventually) -> None:
    machine = settled(shop, eventually)
    shop.provider({}).stop(MARK)
    assert shop.cloud.alive[0].state == "stopped"
    shop.provider({}).stop(MARK)
    [found] = listed(shop)
    assert (found.state, found.facts["machine_runs"]) == ("stopped", False)
    assert shop.create().id == machine


def test_machine_that_is_stopping_is_waited_for_and_not_asked_again(
    shop: Shop, eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = settled(shop, eventually)
    there = seen.one(shop.provider({})._api, "us-east-1", machine)
    assert there is not None
    half = replace(there, state="stopping")
    found = views.resource(half, "aws", None)
    assert (found.state, found.detail, found.facts["machine_runs"]) == ("stopped", "it is stopping", True)
    answers = [half, half, replace(there, state="stopped")]
    monkeypatch.setattr(seen, "one", lambda *_: answers.pop(0))
    boot.stopped(shop.provider({})._api, half)
    assert answers == []
    assert not shop.cloud.calls.of("StopInstances")


def test_one_time_spot_cannot_be_stopped_and_says_so(shop: Shop, eventually) -> None:
    shop.create({"spot": True})
    eventually(lambda: shop.cloud.alive[0].state == "running")
    with pytest.raises(InvalidRequestError, match="persistent"):
        shop.provider({}).stop(MARK)
    [found] = listed(shop)
    assert "persistent" in found.facts["cannot_stop"]
    assert not shop.cloud.calls.of("StopInstances")


def test_destroy_leaves_nothing(shop: Shop) -> None:
    shop.create({"spot": {"type": "persistent"}})
    shop.provider({}).destroy(MARK)
    assert not shop.ids()
    assert not shop.groups()
    ec2 = shop.cloud.client("ec2")
    assert not ec2.describe_volumes()["Volumes"]
    assert {one["State"] for one in ec2.describe_spot_instance_requests()["SpotInstanceRequests"]} <= {"cancelled"}
    assert not [one for one in listed(shop, everywhere=True) if one.state != "gone"]
    shop.provider({}).destroy(MARK)


def test_destroy_touches_nobody_else(shop: Shop) -> None:
    other = shop.create(mark=Mark("shop", "other", "d1"))
    shop.create()
    shop.provider({}).destroy(MARK)
    assert shop.ids() == [other.id]
    assert shop.groups() == ["slipway/shop/other"]


def test_group_and_volume_without_machine_are_left_overs(shop: Shop) -> None:
    shop.create()
    ec2 = shop.cloud.client("ec2")
    ec2.create_volume(
        AvailabilityZone="us-east-1a",
        Size=1,
        TagSpecifications=[{"ResourceType": "volume", "Tags": [{"Key": k, "Value": v} for k, v in LABELS.items()]}],
    )
    machine = shop.ids()
    ec2.terminate_instances(InstanceIds=machine)
    found = [one for one in listed(shop) if one.leftover]
    assert {one.id.partition("-")[0] for one in found} >= {"vol"}
    shop.provider({}).destroy(MARK)
    assert not [one for one in listed(shop) if one.leftover]
    assert not ec2.describe_volumes()["Volumes"]


def test_orphan_in_a_region_that_nobody_names_is_found(shop: Shop) -> None:
    machine = shop.create({"region": "eu-north-1"})
    assert not listed(shop)
    assert machine.id in {one.id for one in listed(shop, everywhere=True)}
    shop.provider(everywhere=True).destroy(MARK)
    assert not shop.ids()


def test_interrupted_spot_is_gone_with_its_reason_and_waits_from_the_second_time_on(shop: Shop, eventually) -> None:
    for number in range(2):
        machine = shop.create({"spot": True})
        eventually(lambda: shop.cloud.alive[0].state == "running")
        shop.cloud.interrupt(machine.id)
        [found] = [one for one in listed(shop) if one.state == "gone"]
        assert "took the spot machine" in found.detail
        assert bool(found.facts.get("wait")) is bool(number)


def test_machine_that_is_gone_cannot_be_settled(shop: Shop) -> None:
    gone = {"id": "i-0123456789abcdef0", "region": "us-east-1", "key": ""}
    with pytest.raises(GoneError, match="i-0123456789abcdef0"):
        shop.provider({}).settle(MARK, wanted(), gone)


def test_region_that_does_not_answer_blocks_what_is_there_and_nothing_else(shop: Shop) -> None:
    shop.create(mark=Mark("shop", "there", "d1"), machine={"region": "us-west-2"})
    shop.cloud.faults.add("DescribeInstances", "UnauthorizedOperation", times=None, match={"region": "us-east-1"})
    provider = shop.provider({"region": "us-east-1"}, {"region": "us-west-2"})
    assert [one.deployment for one in provider.list()] == ["there"]
    blind = provider.blind_spot({"region": "us-east-1"})
    assert isinstance(blind, CredentialsError)
    assert "us-east-1" in str(blind)
    assert provider.blind_spot({"region": "us-west-2"}) is None
    assert isinstance(provider.blind_spot({}), CredentialsError)


def test_no_region_answering_is_no_absence(shop: Shop) -> None:
    shop.cloud.faults.add("DescribeInstances", "AuthFailure", times=None)
    with pytest.raises(CredentialsError):
        listed(shop)


def test_options_that_spell_out_what_is_there_have_its_facts(shop: Shop) -> None:
    shop.create({"address": "private", "disk_gb": 80, "user": "me"})
    [found] = listed(shop)
    there = {key: found.facts[key] for key in ("address", "disk_gb", "user", "made_for")}
    assert there == {"address": "private", "disk_gb": 80, "user": "me", "made_for": MARK.digest}


def test_throttled_look_is_tried_again(shop: Shop) -> None:
    shop.create()
    shop.cloud.faults.add("DescribeInstances", "RequestLimitExceeded", times=2)
    assert [one.deployment for one in listed(shop) if not one.leftover] == ["chat"]


def test_who_has_nothing_to_do_with_aws_is_not_asked_for_credentials(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.providers.aws.provider import Provider
    from runner.providers.base import Context

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert list(Provider(Context(shop.root, "shop", everywhere=True)).list()) == []
    assert not shop.cloud.calls


def test_plan_of_fifty_deployments_takes_three_calls(shop: Shop, small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K", "a value")
    key = shop.settings["key"]
    small.write("runner.yaml", f"id: shop\nproviders: {{aws: {{key: {key}, ssh_cidrs: [203.0.113.7/32]}}}}\n")
    for number in range(50):
        small.deployment(f"chat-{number}", "template: app\nprovider: aws\nmachine: {gpu: L4}\nsecrets: {key: env:K}\n")
    planned = make_plan(small.repo)
    assert {str(action.kind) for action in planned.plan.actions} == {"create"}
    assert len(planned.plan.actions) == 50
    assert 0 < len(shop.cloud.calls) <= 3
