"""Says what a failure of AWS means and what to do about it. Pure: exceptions of botocore in, our errors out.

The code of an error is AWS's own in kebab case: `VcpuLimitExceeded` is `vcpu-limit-exceeded`.
"""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from runner import said
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
        "PendingVerification",
        CapacityError,
        "AWS still checks this account for {region}; its credentials are fine: wait, name other regions, or ask AWS",
    ),
    (
        "OptInRequired",
        CredentialsError,
        "enable the region {region} for the account, or subscribe to what the message names",
    ),
    (
        "Blocked",
        CredentialsError,
        "AWS has blocked this account: write to its support",
    ),
    (
        "AuthFailure",
        CredentialsError,
        (
            "check the credentials (runner doctor says where they were found), and that {region} is enabled for the "
            "account"
        ),
    ),
    (
        r"InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId",
        CredentialsError,
        (
            "this access key was deleted, or {region} is not enabled for its account; runner doctor says where it was "
            "found"
        ),
    ),
    (
        r"SignatureDoesNotMatch|InvalidSignatureException",
        CredentialsError,
        "the secret key does not belong to this access key; runner doctor says where they were found",
    ),
    (
        r"ExpiredToken(Exception)?|TokenRefreshRequired|Unauthorized(SSO)?TokenError",
        CredentialsError,
        "the credentials have expired; log in again, e.g. aws sso login",
    ),
    (
        r"RequestExpired|RequestTimeTooSkewed",
        CredentialsError,
        "check this machine's clock (timedatectl); credentials that have expired say the same: log in again",
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
    (
        (
            r"(Invalid|Missing|Malformed|Unsupported|Incorrect).*|.*\.(NotFound|Malformed|Duplicate|InUse)"
            r"|Validation(Error|Exception)"
        ),
        InvalidRequestError,
        "change what the message names, then run it again",
    ),
)
_SIGNED = re.compile(
    "AuthFailure|RequestExpired|RequestTimeTooSkewed|SignatureDoesNotMatch|InvalidSignatureException"
    "|ExpiredToken(Exception)?"
)
"""What a wrong clock may look like: each request is signed with the time."""
_CLOCK_TEXT = re.compile(r"Signature (?:expired|not yet current)|request time and the current time is too large")
_CLOCK_S = 240
"""AWS takes what is signed five minutes ago, at most."""
_SERVER_FAULT = 500
_ENCODED = re.compile(r"\s*Encoded authorization failure message:.*", re.DOTALL)


def translated(error: Exception, operation: str, region: str, service: str = "ec2") -> ProviderError:
    """The error behind a failed call. `operation` is boto3's name of it, e.g. run_instances."""
    response: dict[str, Any] | None = getattr(error, "response", None)
    if not isinstance(response, dict) or "Error" not in response:
        return _without_answer(error, region)
    code = str(response["Error"].get("Code", ""))
    words = _ENCODED.sub("", str(response["Error"].get("Message", "")))
    metadata = response.get("ResponseMetadata", {})
    message = f"AWS in {region}: {code}: {words}".rstrip(": ")
    if _SIGNED.fullmatch(code) and (off := _clock(words, metadata.get("HTTPHeaders", {}).get("date", ""))):
        hint = "set it right (timedatectl set-ntp true), then run it again; nothing is wrong with the credentials"
        return CredentialsError(f"this machine's clock is {off}: {message}", code="clock", hint=hint)
    for pattern, kind, hint in _KINDS:
        if re.fullmatch(pattern, code):
            return kind(message, code=kebab(code), hint=hint.format(action=action(operation, service), region=region))
    if metadata.get("HTTPStatusCode", 0) >= _SERVER_FAULT:
        return ProviderError(message, code=UNCLEAR, hint="AWS has a problem of its own; run it again in a minute")
    hint = "nobody has met this code of AWS here before: its words are all there is to know"
    return InvalidRequestError(message, code=kebab(code), hint=hint)


def _clock(words: str, answered: str) -> str:
    """How wrong this machine's clock is; empty when it is right, or nobody can say. `answered`: when AWS did, as HTTP
    writes it.
    """
    try:
        off = round(time.time() - parsedate_to_datetime(answered).timestamp())
    except (TypeError, ValueError):
        return "wrong" if _CLOCK_TEXT.search(words) else ""
    if abs(off) < _CLOCK_S:
        return ""
    return f"{round(abs(off) / 60)} minutes {'fast' if off > 0 else 'slow'}"


UNCLEAR = "unclear"
"""Code of the failures after which nobody knows whether AWS did what it was asked."""


UNKNOWN = "unknown-aws-failure"
MAY_BE_DONE = frozenset({UNCLEAR, UNKNOWN})


class _Silent(NamedTuple):
    """What a failure without an answer means, by the names that botocore gives to them."""

    names: tuple[str, ...]
    kind: type[ProviderError]
    code: str
    message: str
    """{error}: what botocore says."""
    hint: str


_WITHOUT_ANSWER = (
    _Silent(
        ("NoCredentialsError",),
        CredentialsError,
        "no-credentials",
        "no AWS credentials were found",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run aws configure or aws sso login",
    ),
    _Silent(
        ("PartialCredentialsError",),
        CredentialsError,
        "no-credentials",
        "AWS credentials are not complete: {error}",
        "set what is missing there",
    ),
    _Silent(
        ("CredentialRetrievalError", "MetadataRetrievalError", "MissingDependencyException"),
        CredentialsError,
        "credentials-source",
        "what should give AWS credentials does not: {error}",
        "mend what the message names; runner doctor says where credentials come from",
    ),
    _Silent(
        (
            *("UnauthorizedSSOTokenError", "SSOTokenLoadError", "TokenRetrievalError", "LoginRefreshRequired"),
            *("NoAuthTokenError", "SSOError", "LoginError"),
        ),
        CredentialsError,
        "expired-token",
        "AWS: {error}",
        "log in again: aws sso login",
    ),
    _Silent(
        ("ProfileNotFound", "ConfigParseError", "ConfigNotFound", "InvalidConfigError", "InfiniteLoopConfigError"),
        CredentialsError,
        "bad-profile",
        "AWS: {error}",
        "check providers.aws.profile of runner.yaml, AWS_PROFILE and ~/.aws/config",
    ),
    _Silent(
        ("ParamValidationError",), InvalidRequestError, "bad-parameter", "AWS would not take this: {error}", "change it"
    ),
    _Silent(
        ("NoRegionError", "InvalidRegionError", "UnknownRegionError", "UnknownEndpointError"),
        InvalidRequestError,
        "bad-region",
        "{region} is no region of AWS: {error}",
        "check region of the deployment and of providers.aws",
    ),
    _Silent(
        ("SSLError",),
        ProviderError,
        "certificate",
        "AWS in {region} shows a certificate that is not trusted here: {error}",
        "a proxy in between has its own: AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt; or the clock is wrong",
    ),
    _Silent(
        ("ProxyConnectionError", "InvalidProxiesConfigError"),
        ProviderError,
        UNCLEAR,
        "the proxy to AWS cannot be used: {error}",
        "check HTTPS_PROXY and NO_PROXY",
    ),
    _Silent(
        (
            *("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError"),
            *("ConnectionError", "HTTPClientError", "IncompleteReadError", "ResponseStreamingError"),
        ),
        ProviderError,
        UNCLEAR,
        "AWS in {region} does not answer: {error}",
        "is {region} a region that this network can reach? check the network, a proxy, and providers.aws.endpoint",
    ),
)


def _without_answer(error: Exception, region: str) -> ProviderError:
    for silent in _WITHOUT_ANSWER:
        if type(error).__name__ in silent.names:
            message = silent.message.format(error=error, region=region)
            return silent.kind(message, code=silent.code, hint=silent.hint.format(region=region))
    message = f"the call to AWS in {region} failed:\n{type(error).__name__}: {said.line(str(error))}"
    return ProviderError(message, code=UNKNOWN, hint="the message has all that is known")


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
