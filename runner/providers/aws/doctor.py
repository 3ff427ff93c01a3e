"""What `runner doctor` says about AWS: where credentials were found, who they are, and what they may do.

Every permission of `policy.json` is tried: calls of EC2 as dry runs, the few others for real, as they only read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from runner.errors import CredentialsError, ProviderError
from runner.providers.aws import causes, images, prices
from runner.providers.aws.api import Api
from runner.providers.base import Check

POLICY = Path(__file__).with_name("policy.json")
WORKERS = 8
WAYS = {
    "env": "in the environment: AWS_ACCESS_KEY_ID",
    "shared-credentials-file": "in the file of credentials, profile {profile}",
    "config-file": "in the configuration file, profile {profile}",
    "sso": "by single sign-on, profile {profile}",
    "assume-role": "by a role that profile {profile} takes on",
    "assume-role-with-web-identity": "by a web identity, as CI has one",
    "custom-process": "by the program that profile {profile} names",
    "container-role": "by the role of this container",
    "iam-role": "by the role of this machine",
    "login": "by a login in the browser, profile {profile}",
}
"""How botocore says it → how a person would."""
_INSTANCE, _GROUP = "i-00000000000000000", "sg-00000000000000000"
_RULE = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "192.0.2.1/32"}]}
_TAG = {"Key": "managed-by", "Value": "slipway"}
_ASKED: Mapping[str, Mapping[str, Any]] = {
    "ec2:AuthorizeSecurityGroupIngress": {"GroupId": _GROUP, "IpPermissions": [_RULE]},
    "ec2:CancelSpotInstanceRequests": {"SpotInstanceRequestIds": ["sir-00000000"]},
    "ec2:CreateSecurityGroup": {"GroupName": "slipway-doctor", "Description": "a dry run"},
    "ec2:CreateTags": {"Resources": [_INSTANCE], "Tags": [_TAG]},
    "ec2:DeleteSecurityGroup": {"GroupId": _GROUP},
    "ec2:DeleteVolume": {"VolumeId": "vol-00000000000000000"},
    "ec2:RevokeSecurityGroupIngress": {"GroupId": _GROUP, "IpPermissions": [_RULE]},
    "ec2:RunInstances": {"InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1},
    "ec2:StartInstances": {"InstanceIds": [_INSTANCE]},
    "ec2:StopInstances": {"InstanceIds": [_INSTANCE]},
    "ec2:TerminateInstances": {"InstanceIds": [_INSTANCE]},
    "pricing:GetProducts": {"ServiceCode": "AmazonEC2", "MaxResults": 1},
    "servicequotas:GetAWSDefaultServiceQuota": {"ServiceCode": "ec2", "QuotaCode": "L-DB2E81BA"},
    "servicequotas:GetServiceQuota": {"ServiceCode": "ec2", "QuotaCode": "L-DB2E81BA"},
    "servicequotas:ListServiceQuotas": {"ServiceCode": "ec2", "MaxResults": 1},
    "ssm:GetParameter": {"Name": images.PLAIN},
}
"""What a try needs besides its name. Nothing of these exists: a dry run that goes wrong hits nobody."""
_BY_AWS = {"iam:CreateServiceLinkedRole", "sts:GetCallerIdentity"}
"""Not tried: AWS does the first by itself, and everybody may do the second."""
_FIRST = "ec2:DescribeInstances"
_ONCE = {"pricing"}
"""Services that are the same whatever the region."""


def checks(api: Api, regions: Sequence[str]) -> Iterator[Check]:
    """Nothing is asked where no region is in use."""
    if not regions:
        yield Check("credentials", None, "nothing here is with AWS; to check it anyway, name providers.aws.region")
        return
    try:
        how, profile = api.credentials(regions[0])
        found = WAYS.get(how, how).format(profile=profile)
        yield Check("credentials", ok=True, found=f"found {found}")
        who = api.ask("sts", regions[0], "get_caller_identity")
    except ProviderError as error:
        what = "identity" if not isinstance(error, CredentialsError) else "credentials"
        yield Check(what, ok=False, found=str(error), fix=error.hint)
        return
    yield Check("identity", ok=True, found=f"{who['Arn']}, account {who['Account']}")
    tried = api.each(regions, lambda region: tries(api, region, once=region == regions[0]))
    for region, answer in tried.items():
        yield _region(region, answer, str(who["Arn"]))


def tries(api: Api, region: str, *, once: bool = True) -> dict[str, bool | None]:
    """Permission → whether it is there; None: cannot be told without the thing itself. Raises ProviderError."""
    wanted = [one for one in actions() if one not in _BY_AWS and (once or one.partition(":")[0] not in _ONCE)]
    wanted.sort(key=lambda one: one != _FIRST)
    told = {_FIRST: _tried(api, region, _FIRST)}  # a region that does not answer is asked once only
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        return told | dict(zip(wanted[1:], pool.map(lambda one: _tried(api, region, one), wanted[1:]), strict=True))


def actions() -> list[str]:
    """All permissions of the policy."""
    return sorted(action for statement in policy()["Statement"] for action in statement["Action"])


def missing_statements(missing: Sequence[str]) -> list[dict[str, Any]]:
    """The part of the policy that is about these permissions."""
    found = []
    for statement in policy()["Statement"]:
        wanted = [action for action in statement["Action"] if action in missing]
        if wanted:
            found.append({**statement, "Action": wanted})
    return found


@cache
def policy() -> dict[str, Any]:
    """The least that Slipway needs."""
    read: dict[str, Any] = json.loads(POLICY.read_text(encoding="utf-8"))
    return read


def _region(region: str, answer: dict[str, bool | None] | ProviderError, who: str) -> Check:
    if isinstance(answer, ProviderError):
        return Check(region, ok=False, found=str(answer), fix=answer.hint)
    refused = sorted(action for action, allowed in answer.items() if allowed is False)
    untold = sum(1 for allowed in answer.values() if allowed is None)
    later = f"; {untold} can only be told with a machine of ours" if untold else ""
    if not refused:
        return Check(region, ok=True, found=f"{len(answer) - untold} permissions are there{later}")
    statements = json.dumps(missing_statements(refused))
    return Check(region, ok=False, found=f"not allowed: {', '.join(refused)}{later}", fix=f"add to {who}: {statements}")


def _tried(api: Api, region: str, permission: str) -> bool | None:
    service = permission.partition(":")[0]
    operation = causes.operation(permission)
    arguments = dict(_ASKED.get(permission, {}))
    try:
        if service == "ec2":
            if permission == "ec2:RunInstances":
                arguments["ImageId"] = _image(api, region)
            api.call(region, operation, DryRun=True, **arguments)
        else:
            where = prices.PRICE_LIST if service in _ONCE else region
            api.ask(causes.service(permission), where, operation, **arguments)
    except ProviderError as error:
        return _verdict(error, permission)
    return True


def _verdict(error: ProviderError, permission: str) -> bool | None:
    """Of a try that failed, as every dry run does."""
    if error.code == "dry-run-operation":
        return True
    if error.code in causes.REFUSALS:
        return False
    if permission == _FIRST or isinstance(error, CredentialsError):
        raise error
    return None


def _image(api: Api, region: str) -> str:
    try:
        return api.parameter(region, images.PLAIN) or "ami-00000000000000000"
    except ProviderError:
        return "ami-00000000000000000"
