"""Lambda's limits, as far as they are known before a function runs.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

from collections.abc import Mapping

from penstock.errors import UsageError, ValidationError

REQUEST_LIMIT_BYTES = 6 * 1024 * 1024
# Lambda's own message names this number: an answer has a little more room than a request.
RESPONSE_LIMIT_BYTES = 6 * 1024 * 1024 + 100
ASYNCHRONOUS_LIMIT_BYTES = 1024 * 1024
ENVIRONMENT_LIMIT_BYTES = 4096
MEMORY_MB = (128, 10_240)
TIMEOUT_SECONDS = (1, 900)
EPHEMERAL_MB = (512, 10_240)
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
INIT_LIMIT_SECONDS = 10.0
FILES_LIMIT = PROCESSES_LIMIT = 1024

RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)


def check_settings(memory_mb: int, timeout_seconds: float, ephemeral_mb: int) -> None:
    """Refuses what Lambda refuses when a function is configured.

    Raises:
        UsageError: a setting is out of Lambda's bounds.
    """
    for name, value, (least, most), unit in (
        ("memory_mb", memory_mb, MEMORY_MB, "MB"),
        ("timeout_seconds", timeout_seconds, TIMEOUT_SECONDS, "seconds"),
        ("ephemeral_mb", ephemeral_mb, EPHEMERAL_MB, "MB"),
    ):
        if not least <= value <= most:
            raise UsageError(f"{name} is {value}", hint=f"Lambda takes {least} to {most} {unit}")
        if value != int(value):
            raise UsageError(f"{name} is {value}", hint=f"Lambda takes whole {unit} only")


def check_environment(environment: Mapping[str, str]) -> None:
    """Refuses the variables that Lambda refuses.

    Raises:
        UsageError: together they have more than 4 KB, or one has a name that Lambda keeps to itself.
    """
    for name in environment:
        if name in RESERVED:
            raise UsageError(f"the variable {name} is set by Lambda itself", hint="leave it out of the function's")
        if not name.isascii() or not name.replace("_", "").isalnum() or not name[0].isalpha() or len(name) < 2:
            raise UsageError(
                f"Lambda does not take the variable {name!r}", hint="use a letter, then letters, digits and _"
            )
    size = sum(len(name.encode()) + len(value.encode()) for name, value in environment.items())
    if size > ENVIRONMENT_LIMIT_BYTES:
        raise UsageError(
            f"the function's variables have {size} bytes; Lambda takes {ENVIRONMENT_LIMIT_BYTES}",
            hint="keep large values in the parameter store or in the code",
        )


def check_request(payload: bytes, *, asynchronous: bool = False) -> None:
    """Refuses an event that Lambda would not take.

    Raises:
        ValidationError: it has more than 6 MB, or 1 MB when nobody waits for the answer.
    """
    limit = ASYNCHRONOUS_LIMIT_BYTES if asynchronous else REQUEST_LIMIT_BYTES
    if len(payload) > limit:
        raise ValidationError(
            f"RequestTooLargeException: the event has {len(payload)} bytes; Lambda takes {limit}",
            hint="put the data into the lake and send its key",
        )
