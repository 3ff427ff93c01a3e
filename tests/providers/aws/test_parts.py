"""The parts that need no cloud: errors, options, keys, and what a machine is told at its first boot."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from pydantic import ValidationError

from runner.errors import (
    CapacityError,
    CredentialsError,
    GoneError,
    InvalidRequestError,
    ProviderError,
    QuotaError,
    ThrottledError,
)
from runner.providers.aws import causes, keys, network, seen, userdata, views
from runner.providers.aws.options import AwsSettings, Options
from runner.providers.aws.wanted import offers, tokens, wanted
from runner.providers.base import Mark
from tests.providers.aws.conftest import wanted as spec

ROOT = Path(__file__).parents[3]
BOOT = userdata.FirstBoot("slipway", ("ssh-ed25519 AAAA me",), "PRIVATE", "ssh-ed25519 BBBB", 3600)


def failed(code: str, message: str = "so it is", status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "RunInstances")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UnauthorizedOperation", CredentialsError),
        ("AuthFailure", CredentialsError),
        ("AuthFailure.ServiceLinkedRoleCreationNotPermitted", CredentialsError),
        ("OptInRequired", CredentialsError),
        ("PendingVerification", CapacityError),
        ("ExpiredToken", CredentialsError),
        ("VcpuLimitExceeded", QuotaError),
        ("MaxSpotInstanceCountExceeded", QuotaError),
        ("InsufficientInstanceCapacity", CapacityError),
        ("UnfulfillableCapacity", CapacityError),
        ("Unsupported", CapacityError),
        ("SpotMaxPriceTooLow", CapacityError),
        ("InsufficientFreeAddressesInSubnet", CapacityError),
        ("RequestLimitExceeded", ThrottledError),
        ("EC2ThrottledException", ThrottledError),
        ("InvalidInstanceID.NotFound", GoneError),
        ("InvalidParameterValue", InvalidRequestError),
        ("InvalidSubnetID.NotFound", InvalidRequestError),
    ],
)
def test_error_of_aws_is_of_the_class_that_says_what_comes_next(code: str, kind: type[ProviderError]) -> None:
    error = causes.translated(failed(code), "run_instances", "eu-west-1")
    assert type(error) is kind
    assert "eu-west-1" in str(error)
    assert error.hint
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", error.code)


def test_missing_permission_is_named_without_the_encoded_part() -> None:
    said = "You are not authorized. Encoded authorization failure message: x9fKq2"
    error = causes.translated(failed("UnauthorizedOperation", said), "run_instances", "eu-west-1")
    assert "x9fKq2" not in str(error)
    assert "ec2:RunInstances" in error.hint


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("PendingVerification", "its credentials are fine"),
        ("InvalidClientTokenId", "not enabled for its account"),
        ("SignatureDoesNotMatch", "does not belong to this access key"),
        ("RequestExpired", "clock"),
        ("SoNewThatNobodyKnows", "its words are all"),
    ],
)
def test_each_code_of_aws_has_its_own_advice(code: str, hint: str) -> None:
    assert hint in causes.translated(failed(code), "run_instances", "eu-west-1").hint


CREDENTIALS = "AWS was not able to validate the provided access credentials"
SKEW = "Signature expired: 20261128T090000Z is now earlier than 20261128T094500Z (20261128T100000Z - 15 min.)"


@pytest.mark.parametrize(
    ("code", "said", "answered_s", "found"),
    [
        ("AuthFailure", CREDENTIALS, 3600, "60 minutes slow"),
        ("AuthFailure", CREDENTIALS, -3600, "60 minutes fast"),
        ("AuthFailure", CREDENTIALS, 20, ""),
        ("AuthFailure", CREDENTIALS, None, ""),
        ("SignatureDoesNotMatch", SKEW, None, "wrong"),
        ("RequestExpired", "Request has expired.", 900, "15 minutes slow"),
        ("VcpuLimitExceeded", "so it is", 3600, ""),
    ],
)
def test_wrong_clock_is_seen_by_the_time_of_the_answer(
    code: str, said: str, answered_s: int | None, found: str
) -> None:
    error = failed(code, said)
    if answered_s is not None:
        headers = {"date": formatdate(time.time() + answered_s, usegmt=True)}
        error.response["ResponseMetadata"]["HTTPHeaders"] = headers
    cause = causes.translated(error, "run_instances", "eu-west-1")
    assert (cause.code == "clock", f"clock is {found}" in str(cause)) == (bool(found), bool(found))
    assert said in str(cause)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "no-credentials"),
        (CredentialRetrievalError(provider="custom-process", error_msg="no such file"), "credentials-source"),
        (SSLError(endpoint_url="https://ec2.mars-1.amazonaws.com", error=OSError("self-signed")), "certificate"),
        (ProxyConnectionError(proxy_url="http://proxy:3128"), causes.UNCLEAR),
        (ReadTimeoutError(endpoint_url="https://ec2.mars-1.amazonaws.com"), causes.UNCLEAR),
        (InvalidRegionError(region_name="not a region"), "bad-region"),
        (RuntimeError("so new that nobody knows"), causes.UNKNOWN),
        (NoCredentialsError(), "no-credentials"),
        (ProfileNotFound(profile="team"), "bad-profile"),
        (EndpointConnectionError(endpoint_url="https://ec2.mars-1.amazonaws.com"), causes.UNCLEAR),
        (failed("InternalError", status=500), causes.UNCLEAR),
    ],
)
def test_failure_without_an_answer_says_what_to_do(error: Exception, code: str) -> None:
    found = causes.translated(error, "describe_instances", "mars-1")
    assert (found.code, bool(found.hint)) == (code, True)


def test_token_depends_on_everything_that_makes_another_machine() -> None:
    one = wanted(Mark("shop", "chat", "d1"), spec(), {})
    other = replace(one, mark=Mark("shop", "chat", "d2"))
    first = list(tokens(one, "us-east-1a", "g6.xlarge", "spot"))
    assert first == list(tokens(one, "us-east-1a", "g6.xlarge", "spot"))
    assert all(len(token) <= 64 for token in first)
    others = [*tokens(one, "us-east-1b", "g6.xlarge", "spot"), *tokens(other, "us-east-1a", "g6.xlarge", "spot")]
    assert not set(first) & set(others)
    assert len(set(first)) == len(first)


@pytest.mark.parametrize(
    "machine",
    [
        {"ssh_cidrs": ["0.0.0.0/0"]},
        {"ssh_cidrs": ["::/0"]},
        {"type": "g6.xlarge", "gpu": "L4"},
        {"subnet": "subnet-1", "region": ["us-east-1", "us-west-2"]},
        {"spot": {"type": "sometimes"}},
        {"region": "Frankfurt"},
        {"max_hourly": 0},
    ],
)
def test_options_that_make_no_sense_are_refused(machine: dict) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(machine)


def test_spot_is_a_word_or_a_mapping() -> None:
    assert Options.model_validate({"spot": False}).spot is None
    assert Options.model_validate({"spot": True}) == Options.model_validate({"spot": {}})
    assert AwsSettings().region == "us-east-1"


@pytest.mark.parametrize(
    ("attached", "ends"), [(True, "2026-06-01T11:00:00+00:00"), (False, "2026-06-02T11:00:00+00:00")]
)
def test_ttl_counts_from_the_first_launch(*, attached: bool, ends: str) -> None:
    first, start = datetime(2026, 6, 1, 10, tzinfo=UTC), datetime(2026, 6, 2, 10, tzinfo=UTC)
    later = {"Attachment": {"DeviceIndex": 1, "AttachTime": start}}
    primary = {"Attachment": {"DeviceIndex": 0, "AttachTime": first}}
    machine = {
        "InstanceId": "i-1",
        "InstanceType": "g6.xlarge",
        "State": {"Name": "running"},
        "LaunchTime": start,
        "NetworkInterfaces": [later, *([primary] if attached else [])],
    }
    found = seen.from_answer(machine, "us-east-1")
    assert views.end(found, 3600) == ends
    assert found.launched == "2026-06-02T10:00:00+00:00"


def test_machine_of_unknown_price_is_not_taken_below_a_limit() -> None:
    unknown = spec({"gpu": "", "type": "zz9.large"})
    assert len(offers(unknown, {})) == 1
    assert not offers(spec({"gpu": "", "type": "zz9.large", "max_hourly": 100}), {})
    assert offers(spec({"max_hourly": 100}), {})


def test_own_settings_give_what_the_deployment_does_not_say() -> None:
    found = wanted(Mark("shop", "chat"), spec({"key": "mine"}), {"region": "eu-west-1", "key": "ours", "user": "ops"})
    assert {offer.region for offer in found.offers} == {"eu-west-1"}
    assert (found.key, found.user, found.disk_gb, found.public) == ("mine", "ops", 60, True)


def test_first_boot_fits_into_what_aws_takes() -> None:
    text = userdata.cloud_config(replace(BOOT, host_key_private="k" * 500, authorized_keys=("a" * 800,), spot=True))
    assert len(text.encode()) < userdata.LIMIT_BYTES / 2


def test_scripts_of_the_machine_can_be_read_by_their_interpreters(tmp_path: Path) -> None:
    command = json.loads(userdata.cloud_config(BOOT).partition("\n")[2])["bootcmd"][0]
    assert command[:2] == ["sh", "-c"]
    script = tmp_path / "arm.sh"
    script.write_text("#!/bin/sh\n" + command[2])
    subprocess.run(["sh", "-n", script], check=True)
    assert "@guard.sh@" not in command[2]
    folder = ROOT / "runner/providers/aws/machine"
    subprocess.run([Path(sys.executable).with_name("shellcheck"), "-e", "SC1091", folder / "guard.sh"], check=True)
    compile((folder / "notice.py").read_text(), "notice.py", "exec")


@pytest.mark.parametrize(("born_ago_s", "ttl_s", "settled", "ends"), [
    (10, 0, True, False),
    (10, 0, False, False),
    (10, 5, True, True),
    (10, 3600, True, False),
    (4000, 0, True, False),
])  # fmt: skip
def test_guard_ends_a_machine_whose_time_is_over(
    tmp_path: Path, born_ago_s: int, ttl_s: int, settled: bool, ends: bool
) -> None:
    assert guarded(tmp_path, born_ago_s=born_ago_s, ttl_s=ttl_s, settled=settled) is ends


def test_guard_ends_a_machine_that_was_not_finished_in_time(tmp_path: Path) -> None:
    assert guarded(tmp_path, born_ago_s=0, setup_s=0, settled=False)
    assert not guarded(tmp_path / "other", born_ago_s=0, setup_s=0, settled=True)


@pytest.mark.parametrize(("booted_ago_s", "ends"), [(100, False), (299, False), (301, True), (4000, True)])
def test_guard_waits_for_a_later_end_when_started_again_after_the_last(
    tmp_path: Path, booted_ago_s: int, ends: bool
) -> None:
    """4000 s ago it had lived for 1000 of its 1800 s: nobody started it again."""
    assert guarded(tmp_path, born_ago_s=5000, ttl_s=1800, settled=True, booted_ago_s=booted_ago_s) is ends


def test_settling_notes_the_ttl_or_fails(tmp_path: Path) -> None:
    told = userdata.settle_command(7200)
    guard, mark = tmp_path / "guard", tmp_path / "settled"
    command = ["sh", "-c", told.replace(userdata.GUARD, str(guard)).replace(userdata.SETTLED, str(mark))]
    assert subprocess.run(command, capture_output=True, check=False).returncode
    assert not mark.exists()
    guard.write_text("SETUP_S=60\nTTL_S=0\n")
    for _ in range(2):
        subprocess.run(command, check=True)
        assert (guard.read_text(), mark.exists()) == ("SETUP_S=60\nTTL_S=7200\n", True)


def guarded(  # noqa: PLR0913 - what a machine can be told, each named
    root: Path, *, born_ago_s: int, settled: bool, setup_s: int = 3600, ttl_s: int = 0, booted_ago_s: int | None = None
) -> bool:
    """Whether the guard switches off a machine whose root is a folder. It was booted when it was born, or later."""
    for folder in ("etc/slipway", "var/lib/slipway", "run/slipway", "bin", "dev"):
        (root / folder).mkdir(parents=True)
    (root / "etc/slipway/guard").write_text(f"SETUP_S={setup_s}\nTTL_S={ttl_s}\nIMDS=http://127.0.0.1\n")
    now = int(subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True).stdout)
    (root / "var/lib/slipway/born").write_text(f"{now - born_ago_s}\n")
    booted = born_ago_s if booted_ago_s is None else booted_ago_s
    (root / "run/slipway/booted").write_text(f"{now - booted}\n")
    if settled:
        (root / "var/lib/slipway/settled").touch()
    (root / "bin/systemctl").write_text(f'#!/bin/sh\necho "$1" > {root}/told\n')
    (root / "bin/systemctl").chmod(0o755)
    script = (ROOT / "runner/providers/aws/machine/guard.sh").read_text()
    script = re.sub(r"(?<![\w.])/(etc|var|run|dev)/", rf"{root}/\1/", script.partition("\n")[2])
    path = f"{root}/bin:{os.environ['PATH']}"
    subprocess.run(["sh", "-c", script], check=True, env={"PATH": path}, capture_output=True)
    return (root / "told").exists() and (root / "told").read_text() == "poweroff\n"


def test_host_keys_are_new_each_time() -> None:
    (private, public), (other, _) = keys.new_host_key(), keys.new_host_key()
    assert private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert public.startswith("ssh-ed25519 ")
    assert private != other


def test_public_half_is_beside_the_key_or_made_from_it(tmp_path: Path) -> None:
    private, public = keys.new_host_key()
    path = tmp_path / "id"
    path.write_text(private)
    path.chmod(0o600)
    assert keys.public_half(str(path)).split()[:2] == public.split()[:2]
    path.with_name("id.pub").write_text("ssh-ed25519 CCCC beside\n")
    assert keys.public_half(str(path)) == "ssh-ed25519 CCCC beside"


def test_missing_key_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsError, match="none cannot be used"):
        keys.public_half(str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with pytest.raises(CredentialsError) as caught:
        keys.public_half("")
    assert "ssh-keygen" in caught.value.hint


@pytest.fixture
def pages() -> Iterator[str]:
    """Services that say from which address they are asked, and one that says something else."""
    said = {"/six": "2001:db8::7\n", "/four": "203.0.113.9", "/page": "<html>", "/long": "1" * 9999}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in said else 404)
            self.end_headers()
            self.wfile.write(said.get(self.path, "").encode())

        def log_message(self, *_: object) -> None:
            """Not here."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_own_address_is_that_of_the_route_or_what_a_service_says(
    pages: str, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert network.callers_address("127.0.0.1") == "127.0.0.1/32"
    monkeypatch.setattr(network, "WHO_AM_I", f"{pages}/six")
    assert network.callers_address("") == "2001:db8::7/128"
    assert network.callers_address("", f"{pages}/four") == "203.0.113.9/32"
    wrong = [
        f"{pages}/page",
        f"{pages}/long",
        f"{pages}/none",
        f"http://127.0.0.1:{free_port()}/",
        "file:///etc/passwd",
    ]
    for service in wrong:
        with pytest.raises(ProviderError, match=re.escape(service)) as caught:
            network.callers_address("", service)
        assert (caught.value.code, "ssh_cidrs" in caught.value.hint) == ("unknown-address", True)
