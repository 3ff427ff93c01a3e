"""Says what a failure of AWS means and what to do about it. Pure: exceptions of botocore in, our errors out.

The code of an error is AWS's own in kebab case: `VcpuLimitExceeded` is `vcpu-limit-exceeded`.
"""

from __future__ import annotations

import re
from typing import Any

from runner.errors import (
    CapacityError,
    CredentialsError,
    GoneError,
    InvalidRequestError,
    ProviderError,
    QuotaError,
    ThrottledError,
)

_KINDS: tuple[tuple[str, type[ProviderError], str], ...] = (
    (
        r"UnauthorizedOperation|AccessDenied(Exception)?|AuthFailure\.ServiceLinkedRole.*",
        CredentialsError,
        "allow {action} to these credentials; docs/aws.md has the whole policy, runner doctor says what is missing",
    ),
    (
        r"OptInRequired|AuthFailure",
        CredentialsError,
        "check the credentials, and that the region {region} is enabled for the account",
    ),
    (
        r"InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|InvalidAccessKeyId|PendingVerification",
        CredentialsError,
        "these credentials are not valid; runner doctor says where they were found",
    ),
    (
        r"ExpiredToken(Exception)?|RequestExpired|Unauthorized(SSO)?TokenError",
        CredentialsError,
        "the credentials have expired; log in again, e.g. aws sso login",
    ),
    (
        (
            r"VcpuLimitExceeded|InstanceLimitExceeded|MaxSpotInstanceCountExceeded|MaxSpotFleet.*|VolumeLimitExceeded"
            r"|SecurityGroupLimitExceeded|RulesPerSecurityGroupLimitExceeded|Spot.*LimitExceeded"
        ),
        QuotaError,
        "runner quota says how much is left; ask AWS for more under Service Quotas, or name other types or regions",
    ),
    (
        (
            r"Insufficient(Instance|Host|ReservedInstance)?Capacity|UnfulfillableCapacity|MaxFleetCountExceeded"
            r"|ReservationCapacityExceeded|Unsupported|InsufficientFreeAddressesInSubnet|InsufficientAddressCapacity"
            r"|SpotMaxPriceTooLow"
        ),
        CapacityError,
        "try again later, name more regions, or allow other types",
    ),
    (
        r"RequestLimitExceeded|.*Throttl.*|TooManyRequestsException|SlowDown|BandwidthLimitExceeded",
        ThrottledError,
        "run it again in a minute",
    ),
    (
        r"Invalid(InstanceID|SpotInstanceRequestID|Volume|Group|NetworkInterfaceID)\.NotFound",
        GoneError,
        "see runner status",
    ),
)
_SERVER_FAULT = 500
_ENCODED = re.compile(r"\s*Encoded authorization failure message:.*", re.DOTALL)


def translated(error: Exception, operation: str, region: str, service: str = "ec2") -> ProviderError:
    """The error behind a failed call. `operation` is boto3's name of it, e.g. run_instances."""
    response: dict[str, Any] | None = getattr(error, "response", None)
    if response is None:
        return _without_answer(error, region)
    code = str(response.get("Error", {}).get("Code", ""))
    said = _ENCODED.sub("", str(response.get("Error", {}).get("Message", "")))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    message = f"AWS in {region}: {code}: {said}".rstrip(": ")
    for pattern, kind, hint in _KINDS:
        if re.fullmatch(pattern, code):
            return kind(message, code=kebab(code), hint=hint.format(action=action(operation, service), region=region))
    if status >= _SERVER_FAULT:
        return ProviderError(message, code=UNCLEAR, hint="AWS has a problem of its own; run it again in a minute")
    return InvalidRequestError(message, code=kebab(code), hint="change what the message names, then run it again")


UNCLEAR = "unclear"
"""Code of the failures after which nobody knows whether AWS did what it was asked."""


def _without_answer(error: Exception, region: str) -> ProviderError:
    name = type(error).__name__
    if name in {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "NoAuthTokenError"}:
        hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run aws configure or aws sso login"
        return CredentialsError("no AWS credentials were found", code="no-credentials", hint=hint)
    if name in {"UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError", "LoginRefreshRequired"}:
        return CredentialsError(f"AWS: {error}", code="expired-token", hint="log in again: aws sso login")
    if name in {"ProfileNotFound", "ConfigParseError", "ConfigNotFound"}:
        hint = "check providers.aws.profile of runner.yaml, AWS_PROFILE and ~/.aws/config"
        return CredentialsError(f"AWS: {error}", code="bad-profile", hint=hint)
    if name == "ParamValidationError":
        return InvalidRequestError(f"AWS would not take this: {error}", code="bad-parameter", hint="change it")
    hint = f"is {region} a region that this network can reach? check the network, a proxy, and providers.aws.endpoint"
    return ProviderError(f"AWS in {region} does not answer: {error}", code=UNCLEAR, hint=hint)


def kebab(code: str) -> str:
    """`InvalidInstanceID.NotFound` → `invalid-instance-id-not-found`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", code)
    return "-".join(words).lower() or "aws-failed"


def action(operation: str, service: str = "ec2") -> str:
    """The IAM action that a call needs: `get_service_quota` of `service-quotas` → `servicequotas:GetServiceQuota`."""
    words = (_SPELLED.get(word, word.capitalize()) for word in operation.split("_"))
    return f"{service.replace('-', '')}:{''.join(words)}"


def operation(permission: str) -> str:
    """Boto3's name: `servicequotas:GetAWSDefaultServiceQuota` → `get_aws_default_service_quota`."""
    return "_".join(word.lower() for word in _WORDS.findall(permission.partition(":")[2]))


def service(permission: str) -> str:
    """Boto3's name of the service, which IAM writes without its dash."""
    name = permission.partition(":")[0]
    return {"servicequotas": "service-quotas"}.get(name, name)


_SPELLED = {"aws": "AWS"}
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]+")
REFUSALS = {"unauthorized-operation", "access-denied", "access-denied-exception"}
"""Codes of what the credentials may not do."""
