"""A request to AWS and its answer, and what they say about who asked which service."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")
_PRESIGNED = re.compile(r"([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its answer.

    Attributes:
        target: path and query, as they were sent.
        headers: of the request, by their names in small letters.
        status: of the answer; 0 before there is one.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    status: int = 0
    answer: bytes = b""

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query string."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """The parameters of the query protocol, from the body and the query string."""
        return self.query | dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        return _object(self.body)

    @property
    def answered(self) -> dict[str, Any]:
        """The answer as a JSON object; empty when it is none."""
        return _object(self.answer)


class Place(msgspec.Struct, frozen=True):
    """Where a request was sent: what an ARN needs beside a name."""

    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """Returns the ARN of a resource here, or the resource itself if it is an ARN already.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
        """
        if resource.startswith("arn:"):
            return resource
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    @property
    def partition(self) -> str:
        """Such as ``aws``."""
        return next((name for start, name in _PARTITIONS.items() if self.region.startswith(start)), "aws")


class Need(msgspec.Struct, frozen=True):
    """A permission that a request needs."""

    action: str
    resource: str
    context: dict[str, str | list[str]] = {}


class Signature(msgspec.Struct, frozen=True):
    """Who signed a request, for which service and region."""

    access_key_id: str
    region: str
    service: str


def signature(exchange: Exchange) -> Signature | None:
    """Returns who signed a request, in a header or in the address; ``None`` when nobody did."""
    found = _CREDENTIAL.search(exchange.headers.get("authorization", ""))
    if found is None:
        found = _PRESIGNED.fullmatch(exchange.query.get("X-Amz-Credential", ""))
    return None if found is None else Signature(*found.groups())


def text_at(document: Mapping[str, Any], key: str) -> str:
    """Returns a string of a document, or ``""`` where there is none."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
