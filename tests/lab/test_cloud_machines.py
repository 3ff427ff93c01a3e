"""The hosts behind the cloud's machines: booted with their user data, gone with them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cloud import Cloud
from tests.lab.cloud.images import IMAGES
from tests.lab.host import LabError, run
from tests.lab.machine import Host

pytestmark = pytest.mark.ssh
PATIENCE_S = 120
BARE = next(image for image in IMAGES if image.boots == "cloud")

USER_DATA = """#cloud-config
ssh_deletekeys: true
ssh_keys:
  ed25519_private: |
{private}
  ed25519_public: {public}
ssh_authorized_keys: ["{login}"]
write_files:
  - {{path: /opt/note, content: from cloud-init, permissions: "0640"}}
bootcmd: [[cloud-init-per, once, early, touch, /opt/early]]
runcmd: [[touch, /opt/late]]
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    try:
        running = Cloud(machines=True).__enter__()
    except LabError as error:
        pytest.skip(f"no lab: {error}")
    with running._stack:
        yield running
        assert running._bridge.faults == []


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("host", "login"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name)
    return {name: folder / name for name in ("host", "login")}


def user_data(keys: dict[str, Path]) -> str:
    private = "\n".join(f"    {line}" for line in keys["host"].read_text().splitlines())
    public, login = (keys[name].with_suffix(".pub").read_text().strip() for name in ("host", "login"))
    return USER_DATA.format(private=private, public=public, login=login)


def create(cloud: Cloud, keys: dict[str, Path], **more: Any) -> str:
    wanted = {"ImageId": BARE.id, "InstanceType": "t3.large", "MinCount": 1, "MaxCount": 1, **more}
    answer = cloud.client("ec2").run_instances(UserData=user_data(keys), **wanted)
    return str(answer["Instances"][0]["InstanceId"])


def state(cloud: Cloud, machine: str) -> str:
    return next(one.state for one in cloud.machines if one.id == machine)


def wait(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def reach(cloud: Cloud, machine: str, wanted: str) -> None:
    wait(lambda: state(cloud, machine) == wanted, f"{machine} does not become {wanted}: {cloud._bridge.faults}")


def host(cloud: Cloud, machine: str, keys: dict[str, Path]) -> Host:
    address = next(str(one.private_ip) for one in cloud.machines if one.id == machine)
    public = " ".join(keys["host"].with_suffix(".pub").read_text().split()[:2])
    return Host(machine, address, public, keys["login"])


def answers(there: Host) -> bool:
    return there.ssh("true", check=False, timeout_s=2).returncode == 0


def containers(machine: str) -> str:
    return run("docker", "ps", "--all", "--quiet", "--filter", f"label=slipway-lab-cloud-machine={machine}").strip()


def test_machine_has_its_user_data_applied_and_lives_as_the_cloud_says(cloud, keys):
    machine = create(cloud, keys, InstanceInitiatedShutdownBehavior="terminate")
    reach(cloud, machine, "running")
    there = host(cloud, machine, keys)
    wait(lambda: answers(there), "no SSH with the host key and the login that the user data gave")
    assert there.ssh("sudo cat /opt/note; sudo stat -c %a /opt/note; ls /opt/early").stdout.split("\n")[:3] == [
        "from cloud-init640",
        "/opt/early",
        "",
    ]
    wait(lambda: there.ssh("ls /opt/late", check=False).returncode == 0, "runcmd did not run")
    assert there.ssh("command -v docker", check=False).returncode != 0

    there.ssh("sudo touch /run/until-reboot")
    there.ssh("sudo systemctl reboot", check=False)
    wait(lambda: there.ssh("ls /run/until-reboot", check=False).returncode == 2, "it does not come back from a reboot")
    assert state(cloud, machine) == "running"

    ec2 = cloud.client("ec2")
    ec2.stop_instances(InstanceIds=[machine])
    reach(cloud, machine, "stopped")
    assert not answers(there)
    ec2.start_instances(InstanceIds=[machine])
    reach(cloud, machine, "running")
    wait(lambda: answers(there), "no SSH with the same host key after a start")

    there.ssh("sudo systemctl poweroff", check=False)
    reach(cloud, machine, "terminated")
    assert containers(machine) == ""


def test_machine_that_was_told_to_stop_is_stopped_when_it_powers_itself_off(cloud, keys):
    machine = create(cloud, keys, InstanceInitiatedShutdownBehavior="stop")
    reach(cloud, machine, "running")
    there = host(cloud, machine, keys)
    wait(lambda: answers(there), "no SSH")
    there.ssh("sudo shutdown -h now", check=False)
    reach(cloud, machine, "stopped")
    cloud.client("ec2").terminate_instances(InstanceIds=[machine])
    reach(cloud, machine, "terminated")
    assert containers(machine) == ""


def test_metadata_service_asks_for_a_token_and_announces_an_interruption(cloud, keys):
    market = {"InstanceMarketOptions": {"MarketType": "spot"}}
    machine = create(cloud, keys, ImageId=IMAGES[0].id, **market)
    reach(cloud, machine, "running")
    there = host(cloud, machine, keys)
    wait(lambda: answers(there), "no SSH")
    assert there.ssh("docker --version").stdout.startswith("Docker version")
    ask = """python3 -c '
import urllib.request as u, urllib.error, sys
base = "http://169.254.169.254/latest/"
def get(path, **headers):
    try:
        return u.urlopen(u.Request(base + path, headers=headers)).read().decode()
    except urllib.error.HTTPError as error:
        return str(error.code)
made = u.Request(base + "api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
token = u.urlopen(made).read().decode()
print(get("meta-data/instance-id"))
for path in ("instance-id", "placement/region", "spot/instance-action"):
    print(get("meta-data/" + path, **{"X-aws-ec2-metadata-token": token}))
'"""
    assert there.ssh(ask).stdout.split() == ["401", machine, "us-east-1", "404"]
    cloud.interrupt(machine, notice=True)
    assert json.loads(there.ssh(ask).stdout.split("\n", 3)[3])["action"] == "terminate"
    cloud.interrupt(machine)
    reach(cloud, machine, "terminated")


def test_hosts_of_a_cloud_whose_process_was_killed_are_removed_by_the_next(cloud):
    """The claim on the addresses ends with its process; whoever gets it next finds what is left."""
    source = "import sys; from tests.lab.cloud.addresses import of_the_lab as f; a = f(); print(a.part, a.take())"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, cwd=Path.cwd())
    part, address = done.stdout.split()
    assert int(part) != cloud._rules.addresses.part
    assert address not in {str(one.private_ip) for one in cloud.machines}
