"""Whose credentials AWS's libraries find: they read them from the environment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

# A person's own account, endpoints and workspace stay out of it.
# https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
# https://developer.hashicorp.com/terraform/cli/config/environment-variables
UNWANTED = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "TF_WORKSPACE", "TF_DATA_DIR",
)  # fmt: skip
UNWANTED_PREFIXES = ("AWS_ENDPOINT_URL_", "TF_CLI_ARGS")
IDENTITY = "AWS_ACCESS_KEY_ID"
# They belong to an identity: another one comes without them.
OF_IDENTITY = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
LOOPBACK = "127.0.0.1,localhost"


@contextlib.contextmanager
def settings(environment: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for a while: AWS's libraries read their settings there, and nowhere else meanwhile."""
    import boto3

    wanted = {
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK, **environment,
    }  # fmt: skip
    unwanted = _unwanted(environment)
    before = {name: os.environ.get(name) for name in (*wanted, *unwanted)}
    for name in unwanted:
        del os.environ[name]
    os.environ.update(wanted)
    # It keeps the credentials that it found first.
    boto3.DEFAULT_SESSION = None
    try:
        yield
    finally:
        boto3.DEFAULT_SESSION = None
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _unwanted(environment: Mapping[str, str]) -> list[str]:
    names = {*UNWANTED, *(OF_IDENTITY if IDENTITY in environment else ())}
    return [name for name in os.environ if name in names or name.startswith(UNWANTED_PREFIXES)]
