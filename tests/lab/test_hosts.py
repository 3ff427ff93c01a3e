"""The lab's hosts are what tests of the provider `ssh` take them for."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.lab import hosts, ready
from tests.lab.host import LabError
from tests.lab.machine import Host

pytestmark = pytest.mark.ssh

BARE, DOCKER = "test-bare", "test-docker"


@pytest.fixture
def bare() -> Host:
    return ready.hosts(BARE)[0]


@pytest.fixture
def docker() -> Host:
    return ready.hosts(DOCKER, flavour="host-docker")[0]


@pytest.fixture
def fresh() -> Iterator[str]:
    """The name of a host that is made for one test."""
    ready.hosts("test-fresh", flavour="host-docker")
    yield "test-fresh"
    hosts.remove("test-fresh")


def test_host_is_reached_with_its_key_pinned(bare: Host) -> None:
    assert bare.ssh("id --user --name; uname --nodename").stdout.split() == ["ubuntu", BARE]


def test_host_that_runs_is_given_at_once(bare: Host) -> None:
    started = time.monotonic()
    assert hosts.ensure([BARE]) == [bare]
    assert time.monotonic() - started < 1


def test_systemd_is_the_first_process_and_has_no_failed_unit(bare: Host) -> None:
    assert bare.ssh("cat /proc/1/comm; systemctl is-system-running").stdout.split() == ["systemd", "running"]


def test_users_differ_by_what_sudo_asks_of_them(bare: Host) -> None:
    assert bare.ssh("sudo -n id --user").stdout.strip() == "0"
    asks = bare.as_user("needs-password")
    assert "a password is required" in asks.ssh("sudo -n true", check=False).stderr
    assert asks.ssh("echo lab | sudo -S id --user").stdout.strip() == "0"
    assert "not in the sudoers file" in bare.as_user("no-sudo").ssh("echo lab | sudo -S true", check=False).stderr


def test_bare_host_has_no_docker_but_reaches_its_package(bare: Host) -> None:
    assert bare.ssh("command -v docker dockerd containerd; ls -A /var/lib/docker", check=False).stdout == ""
    assert "docker.io" in bare.ssh("sudo apt-get update -qq && apt-get install --dry-run docker.io").stdout


def test_engine_inside_keeps_layers_on_a_disk(docker: Host) -> None:
    assert docker.ssh("sudo docker info --format '{{.Driver}}'").stdout.strip() == "overlay2"


def test_reboot_keeps_the_host_key_and_the_files(bare: Host) -> None:
    bare.ssh("echo kept > mark; touch /tmp/gone")
    assert hosts.restart(BARE) == bare
    assert bare.ssh("cat mark; ls /tmp/gone", check=False).stdout == "kept\n"


def test_host_reboots_itself(bare: Host) -> None:
    before = bare.ssh("systemctl show --value --property=UserspaceTimestampMonotonic").stdout
    bare.ssh("sudo systemctl reboot", check=False)
    deadline = time.monotonic() + 30
    while bare.ssh("systemctl show --value --property=UserspaceTimestampMonotonic", check=False).stdout in {"", before}:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_reset_gives_another_machine_at_the_same_address(fresh: str) -> None:
    old = hosts.ensure([fresh], "host-docker")[0]
    old.ssh("sudo docker volume create mine; touch mark")
    new = hosts.reset(fresh)
    assert new.address == old.address
    assert new.host_key != old.host_key
    assert new.ssh("ls; sudo docker volume ls --quiet").stdout == ""
    with pytest.raises(LabError, match="Host key verification failed"):
        old.ssh("true")
    bare = hosts.reset(fresh, "host")
    assert bare.ssh("command -v dockerd", check=False).returncode


def test_other_host_key_is_refused(fresh: str) -> None:
    host = hosts.ensure([fresh], "host-docker")[0]
    line = hosts.change_host_key(fresh)
    with pytest.raises(LabError, match="Host key verification failed"):
        host.ssh("true")
    assert hosts.ensure([fresh], "host-docker")[0].host_key == line


def test_paused_host_accepts_and_says_nothing(bare: Host) -> None:
    hosts.pause(BARE)
    try:
        assert "timed out during banner exchange" in bare.ssh("true", timeout_s=1, check=False).stderr
    finally:
        hosts.unpause(BARE)
    bare.ssh("true")


def test_cut_host_times_out_and_is_reached_through_another(bare: Host, docker: Host) -> None:
    hosts.cut(BARE)
    try:
        assert "port 22: Connection timed out" in bare.ssh("true", timeout_s=1, check=False).stderr
        assert bare.through(docker).ssh("uname --nodename").stdout.strip() == BARE
    finally:
        hosts.uncut(BARE)
    bare.ssh("true")


def test_apt_waits_for_the_lock(bare: Host) -> None:
    hosts.hold_apt_lock(BARE)
    assert "Could not get lock" in bare.ssh("sudo apt-get update", check=False).stderr
    hosts.release_apt_lock(BARE)
    bare.ssh("sudo apt-get check")


def test_full_disk_keeps_what_it_held(docker: Host) -> None:
    docker.ssh("sudo docker volume create before")
    hosts.fill_disk(DOCKER, free_mb=8)
    try:
        free = docker.ssh("df --output=avail -BM /var/lib/docker").stdout.split()[-1]
        assert int(free.removesuffix("M")) <= 10
        assert "before" in docker.ssh("sudo docker volume ls --quiet").stdout
        written = docker.ssh("sudo head -c 20M /dev/zero | sudo tee /var/lib/docker/big > /dev/null", check=False)
        assert "No space left on device" in written.stderr
    finally:
        hosts.free_disk(DOCKER)
    assert docker.ssh("sudo docker volume rm before; sudo ls /var/lib/docker/big", check=False).stdout == "before\n"


@pytest.mark.parametrize("how", ["stopped", "config", "disabled"])
def test_broken_docker_does_not_answer(fresh: str, how: str) -> None:
    host = hosts.ensure([fresh], "host-docker")[0]
    hosts.break_docker(fresh, how)  # type: ignore[arg-type]
    assert "Cannot connect to the Docker daemon" in host.ssh("sudo docker version", check=False).stderr
    started = host.ssh("sudo systemctl start docker", check=False).returncode
    assert bool(started) == (how == "config")


def test_name_that_is_none_is_refused() -> None:
    with pytest.raises(LabError, match="no name for a host"):
        hosts.stop("../etc")
