"""Clients of AWS. ``AWS_ENDPOINT_URL`` and its service-specific forms are honoured, as by every SDK.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from penstock.errors import (
    AccessDeniedError,
    NotFoundError,
    PenstockError,
    PortError,
    ThrottledError,
    UnavailableError,
    ValidationError,
)

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60
ATTEMPTS = 5
THROTTLES = frozenset({
    "LimitExceededException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown",
    "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestThrottled",
    "TransactionInProgressException", "OverLimit", "AWS.SimpleQueueService.PurgeQueueInProgress",
})  # fmt: skip
MISTAKES = frozenset({"MalformedDetail", "NotAuthorizedForSourceException", "ReceiptHandleIsInvalid"})
# An answer without a body has its status for a code.
DENIALS = frozenset({"403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})
ABSENCES = frozenset({
    "EntityNotFoundException", "ExecutionDoesNotExist", "NoSuchBucket", "NoSuchKey", "NotFound", "NotFoundException",
    "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "ResourceNotFoundException", "ResourceNotFound",
    "StateMachineDoesNotExist",
})  # fmt: skip
STRANGERS = frozenset({
    "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidClientTokenId",
    "InvalidSignatureException", "MissingAuthenticationToken", "SignatureDoesNotMatch", "UnrecognizedClientException",
})  # fmt: skip
# What the SDK says before it asks anybody.
UNCONFIGURED = frozenset({
    "CredentialRetrievalError", "NoCredentialsError", "NoRegionError", "PartialCredentialsError", "ProfileNotFound",
    "SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError",
})  # fmt: skip


def client(service: str, *, region: str | None = None) -> Any:
    """Returns a boto3 client that backs off when it is throttled.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    return boto3.client(service, region_name=region, config=config)


def translate(error: Exception, what: str) -> PenstockError:
    """Returns a botocore error as one of ours.

    Args:
        what: what was being done, such as ``put an item into InfraMetrics``.
    """
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        kind = type(error).__name__
        if kind in UNCONFIGURED:
            return AccessDeniedError(
                f"cannot {what}: {error}", hint="log in to AWS, and set AWS_PROFILE and AWS_REGION"
            )
        if kind == "ParamValidationError":
            return ValidationError(f"cannot {what}: {error}", hint="see the message")
        return UnavailableError(f"cannot {what}: {error}", hint="check the network, the region and AWS_ENDPOINT_URL")
    details = response.get("Error", {})
    code, text = str(details.get("Code", "")), str(details.get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    message = f"cannot {what}: {code}: {text}"
    if code in THROTTLES or status == 429:
        return ThrottledError(message, hint="try again later, or raise the quota", aws_code=code)
    if code in STRANGERS:
        return AccessDeniedError(message, hint="log in to AWS again; check the clock of this machine", aws_code=code)
    if code in DENIALS:
        return AccessDeniedError(message, hint="grant the action in may=[…], or to the role that asks", aws_code=code)
    if code in ABSENCES or status == 404:
        return NotFoundError(message, hint="check the name, the account and the region", aws_code=code)
    if status >= 500:
        return UnavailableError(message, hint="try again later", aws_code=code)
    if code in MISTAKES or "Validation" in code or code.startswith("Invalid") or code.endswith("TooLong"):
        return ValidationError(message, hint="see the message", aws_code=code)
    return PortError(message, hint="see the message", aws_code=code)


@contextlib.contextmanager
def calling(what: str) -> Iterator[None]:
    """Raises botocore's errors in the block as ours.

    Args:
        what: what is being done, such as ``list the alarms``.
    """
    try:
        yield
    except Exception as error:
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, ClientError | BotoCoreError):
            raise translate(error, what) from error
        raise
