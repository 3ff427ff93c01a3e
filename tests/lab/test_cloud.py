"""What the cloud of the lab promises: tests of the provider stand on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.lab.cloud import LOST, SILENCE, Cloud
from tests.lab.cloud.images import IMAGES

PATIENCE_S = 60
SESSION = boto3.session.Session("AKIALAB", "canary", region_name="us-east-1")  # reads its model of EC2 once


def client(cloud: Cloud, service: str = "ec2", *, attempts: int = 1, read_s: float = 60) -> Any:
    """As a user has it: through the proxy, without hidden repetitions."""
    config = Config(retries={"total_max_attempts": attempts}, read_timeout=read_s, proxies={})
    made: Any = SESSION
    return made.client(service, endpoint_url=cloud.endpoint, config=config)


def create(ec2: Any, **more: Any) -> str:
    wanted = {"ImageId": IMAGES[0].id, "InstanceType": "g4dn.xlarge", "MinCount": 1, "MaxCount": 1, **more}
    return str(ec2.run_instances(**wanted)["Instances"][0]["InstanceId"])


def seen(ec2: Any, machine: str) -> dict[str, Any]:
    return dict(ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0])


def state(ec2: Any, machine: str) -> str:
    return str(seen(ec2, machine)["State"]["Name"])


def wait(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def reach(ec2: Any, machine: str, wanted: str) -> None:
    wait(lambda: state(ec2, machine) == wanted, f"{machine} does not become {wanted}")


def code(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def spot(kind: str = "one-time", behaviour: str = "terminate") -> dict[str, Any]:
    options = {"SpotInstanceType": kind, "InstanceInterruptionBehavior": behaviour}
    return {"InstanceMarketOptions": {"MarketType": "spot", "SpotOptions": options}}


def test_machine_goes_through_its_states_and_back_to_nothing(cloud):
    ec2 = client(cloud)
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "slipway-deployment", "Value": "web"}]}]
    machine = create(ec2, TagSpecifications=tags, UserData="#cloud-config\n{}\n")
    reach(ec2, machine, "running")
    assert cloud.machines[0].user_data.decode() == "#cloud-config\n{}\n"
    ec2.stop_instances(InstanceIds=[machine])
    reach(ec2, machine, "stopped")
    ec2.start_instances(InstanceIds=[machine])
    reach(ec2, machine, "running")
    assert ec2.terminate_instances(InstanceIds=[machine])["TerminatingInstances"][0]["CurrentState"]["Name"] == (
        "shutting-down"
    )
    reach(ec2, machine, "terminated")
    assert cloud.alive == []
    assert ec2.describe_volumes()["Volumes"] == []
    assert code(ec2.start_instances, InstanceIds=[machine]) == "IncorrectInstanceState"
    assert code(ec2.stop_instances, InstanceIds=[machine]) == "IncorrectInstanceState"
    ec2.terminate_instances(InstanceIds=[machine])


def test_same_token_gives_the_same_machine(cloud):
    ec2 = client(cloud)
    first = create(ec2, ClientToken="slipway-web-1")
    assert create(ec2, ClientToken="slipway-web-1") == first
    assert create(ec2, ClientToken="slipway-web-2") != first
    assert code(lambda: create(ec2, ClientToken="slipway-web-1", InstanceType="g6.xlarge")) == (
        "IdempotentParameterMismatch"
    )
    assert len(cloud.alive) == 2


def test_unknown_images_and_types_are_refused(cloud):
    ec2 = client(cloud)
    assert code(lambda: create(ec2, ImageId="ami-00000000000000000")) == "InvalidAMIID.NotFound"
    assert code(lambda: create(ec2, InstanceType="g99.xlarge")) == "InvalidInstanceType.NotFound"
    assert cloud.machines == []


@pytest.mark.parametrize(
    "wanted",
    [
        "InsufficientInstanceCapacity",
        "VcpuLimitExceeded",
        "MaxSpotInstanceCountExceeded",
        "RequestLimitExceeded",
        "AuthFailure",
        "UnauthorizedOperation",
        "ExpiredToken",
    ],
)
def test_fault_has_its_code_once_and_then_it_works(cloud, wanted):
    ec2 = client(cloud)
    cloud.faults.add("RunInstances", wanted)
    assert code(lambda: create(ec2)) == wanted
    assert cloud.machines == []
    create(ec2)
    assert [call.error for call in cloud.calls.of("RunInstances")] == [wanted, ""]


def test_fault_hits_only_what_it_names(cloud):
    ec2 = client(cloud)
    cloud.faults.add("RunInstances", "InsufficientInstanceCapacity", match={"InstanceType": "g6.xlarge"}, times=None)
    create(ec2)
    assert code(lambda: create(ec2, InstanceType="g6.xlarge")) == "InsufficientInstanceCapacity"
    cloud.faults.add("DescribeRegions", "RequestLimitExceeded", match={"region": "eu-west-1"})
    ec2.describe_regions()
    cloud.faults.clear()
    create(ec2, InstanceType="g6.xlarge")


def test_capacity_is_asked_again_by_the_client_unless_it_was_told_not_to(cloud):
    """It comes as HTTP 500, which botocore repeats by itself."""
    cloud.faults.add("RunInstances", "InsufficientInstanceCapacity", times=2)
    create(client(cloud, attempts=3))
    assert [call.status for call in cloud.calls.of("RunInstances")] == [500, 500, 200]


def test_lost_answer_leaves_a_machine_that_its_token_finds(cloud):
    ec2 = client(cloud)
    cloud.faults.add("RunInstances", LOST, after_success=True)
    with pytest.raises(ConnectionClosedError):
        create(ec2, ClientToken="t1")
    [left] = cloud.alive
    assert create(ec2, ClientToken="t1") == left.id
    assert [call.error for call in cloud.calls.of("RunInstances")] == ["lost", ""]


def test_silence_lasts_until_the_client_gives_up(cloud):
    cloud.faults.add("RunInstances", SILENCE)
    with pytest.raises(ReadTimeoutError):
        create(client(cloud, read_s=0.3))
    assert cloud.machines == []


def test_denied_permission_shows_in_a_dry_run(cloud):
    ec2 = client(cloud)
    assert code(lambda: create(ec2, DryRun=True)) == "DryRunOperation"
    cloud.faults.deny("ec2:RunInstances", "ssm:GetParameter")
    assert code(lambda: create(ec2, DryRun=True)) == "UnauthorizedOperation"
    assert code(client(cloud, "ssm").get_parameter, Name=IMAGES[0].parameter) == "AccessDeniedException"
    ec2.describe_instances()


def test_calls_are_recorded_with_service_region_and_parameters(cloud):
    ec2 = client(cloud)
    ec2.describe_instances(Filters=[{"Name": "tag:slipway-repo", "Values": ["x"]}])
    client(cloud, "sts").get_caller_identity()
    [described, asked] = cloud.calls
    assert (described.service, described.action, described.region) == ("ec2", "DescribeInstances", "us-east-1")
    assert described.params["Filter.1.Value.1"] == "x"
    assert cloud.calls.actions() == {"ec2:DescribeInstances", "sts:GetCallerIdentity"}
    assert asked.status == 200
    cloud.client("ec2").describe_instances()
    assert len(cloud.calls) == 2


def test_one_time_spot_machine_cannot_be_stopped_and_ends_when_it_is_interrupted(cloud):
    ec2 = client(cloud)
    machine = create(ec2, **spot())
    reach(ec2, machine, "running")
    found = seen(ec2, machine)
    assert found["InstanceLifecycle"] == "spot"
    assert code(ec2.stop_instances, InstanceIds=[machine]) == "UnsupportedOperation"
    cloud.interrupt(machine)
    reach(ec2, machine, "terminated")
    assert seen(ec2, machine)["StateReason"]["Code"] == "Server.SpotInstanceTermination"
    [request] = ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
    assert request["SpotInstanceRequestId"] == found["SpotInstanceRequestId"]
    assert (request["State"], request["Status"]["Code"]) == ("closed", "instance-terminated-no-capacity")


def test_persistent_spot_machine_stops_and_comes_back_unless_its_request_is_cancelled(cloud):
    ec2 = client(cloud)
    assert code(lambda: create(ec2, **spot("persistent"))) == "InvalidParameterCombination"
    machine = create(ec2, **spot("persistent", "stop"))
    reach(ec2, machine, "running")
    ec2.stop_instances(InstanceIds=[machine])
    reach(ec2, machine, "stopped")
    ec2.terminate_instances(InstanceIds=[machine])
    wait(lambda: len(cloud.alive) == 1 and cloud.alive[0].id != machine, "it does not come back")
    [again] = cloud.alive
    request = seen(ec2, again.id)["SpotInstanceRequestId"]
    ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[request])
    ec2.terminate_instances(InstanceIds=[again.id])
    reach(ec2, again.id, "terminated")
    assert cloud.alive == []


def test_lost_hardware_is_a_machine_that_ended(cloud):
    ec2 = client(cloud)
    machine = create(ec2)
    cloud.lose(machine)
    reach(ec2, machine, "terminated")
    assert seen(ec2, machine)["StateReason"]["Code"] == "Server.InternalError"


def test_images_are_found_by_their_parameters_in_every_region(cloud):
    ssm = client(cloud, "ssm")
    for image in IMAGES:
        assert ssm.get_parameter(Name=image.parameter)["Parameter"]["Value"] == image.id
        [found] = cloud.client("ec2", "eu-central-1").describe_images(ImageIds=[image.id])["Images"]
        assert (found["RootDeviceName"], found["OwnerId"]) == ("/dev/sda1", image.owner)
        assert found["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == image.size_gb
    assert code(ssm.get_parameter, Name="/aws/service/none") == "ParameterNotFound"


def test_quotas_and_prices_are_what_the_test_sets(cloud):
    cloud.quotas["L-DB2E81BA"] = 8
    cloud.prices["g4dn.xlarge", "us-east-1"] = 0.5
    cloud.spot_prices["g4dn.xlarge", "us-east-1a"] = 0.21
    listed = client(cloud, "service-quotas").list_service_quotas(ServiceCode="ec2")["Quotas"]
    assert {row["QuotaCode"]: row["Value"] for row in listed}["L-DB2E81BA"] == 8
    filters = [{"Type": "TERM_MATCH", "Field": "instanceType", "Value": "g4dn.xlarge"}]
    [product] = client(cloud, "pricing").get_products(ServiceCode="AmazonEC2", Filters=filters)["PriceList"]
    assert '"USD": "0.5"' in product
    [spot_price] = client(cloud).describe_spot_price_history(InstanceTypes=["g4dn.xlarge"])["SpotPriceHistory"]
    assert (spot_price["AvailabilityZone"], spot_price["SpotPrice"]) == ("us-east-1a", "0.210000")


def test_nothing_of_a_cloud_is_left_for_the_next():
    for _ in range(2):
        with Cloud() as cloud:
            assert cloud.machines == []
            create(client(cloud), ClientToken="same")
            assert len(cloud.machines) == 1
