"""Whose credentials AWS's libraries find: they read them from the environment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

# A person's own account stays out of it.
UNWANTED = ("AWS_PROFILE", "AWS_ENDPOINT_URL_S3")


@contextlib.contextmanager
def settings(environment: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for a while: AWS's libraries read their settings there."""
    import boto3

    before = {name: os.environ.get(name) for name in (*environment, *UNWANTED)}
    for name in UNWANTED:
        os.environ.pop(name, None)
    os.environ.update(environment)
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
