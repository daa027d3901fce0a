"""Permissions that requests to S3 need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

from penstock.rehearsal.exchange import Exchange, Need, Place

# Subresources whose permission is not what their name says.
_BUCKET_NAMES = {
    "location": "BucketLocation",
    "lifecycle": "LifecycleConfiguration",
    "encryption": "EncryptionConfiguration",
    "replication": "ReplicationConfiguration",
    "accelerate": "AccelerateConfiguration",
    "analytics": "AnalyticsConfiguration",
    "inventory": "InventoryConfiguration",
    "metrics": "MetricsConfiguration",
    "cors": "BucketCORS",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "requestPayment": "BucketRequestPayment",
    "policyStatus": "BucketPolicyStatus",
    **{name: f"Bucket{name.capitalize()}" for name in ("acl", "logging", "notification", "policy", "tagging",
                                                       "versioning", "website")},
}  # fmt: skip
# To take any other configuration away needs the permission to put one.
_DELETED = {"policy", "website"}
_LISTS = {"uploads": "ListBucketMultipartUploads", "versions": "ListBucketVersions"}
_OBJECT_NAMES = {
    "acl": "Acl",
    "tagging": "Tagging",
    "retention": "Retention",
    "legal-hold": "LegalHold",
    "attributes": "Attributes",
    "torrent": "Torrent",
}
_VERBS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}
_LISTED = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}
_ADDED = {"x-amz-acl": "Acl", "x-amz-tagging": "Tagging", "x-amz-object-lock-mode": "Retention"}
_HOST = re.compile(r"(.+)\.s3[.-][^/]+")
_KEY = re.compile(rb"<Key>([^<]*)</Key>")


def needs(exchange: Exchange, place: Place) -> list[Need]:
    """Returns what one request needs."""
    bucket, key = _address(exchange)
    if not bucket:
        return [Need("s3:ListAllMyBuckets", "*")]
    arn = f"arn:{place.partition}:s3:::{bucket}"
    return _object(exchange, arn, key) if key else _bucket(exchange, arn)


def _address(exchange: Exchange) -> tuple[str, str]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html"""
    path = unquote(exchange.path.removeprefix("/"))
    host = _HOST.fullmatch(exchange.headers.get("host", ""))
    if host is not None:
        return host[1], path
    bucket, _, key = path.partition("/")
    return bucket, key


def _bucket(exchange: Exchange, arn: str) -> list[Need]:
    method, query = exchange.method, exchange.query
    if method == "POST" and "delete" in query:
        return [Need("s3:DeleteObject", f"{arn}/{key}") for key in _deleted(exchange.body)]
    named = next((name for name in query if name in _BUCKET_NAMES), None)
    if named is not None:
        verb = "Put" if method == "DELETE" and named not in _DELETED else _VERBS[method]
        return [Need(f"s3:{verb}{_BUCKET_NAMES[named]}", arn)]
    if method in {"GET", "HEAD"}:
        action = next((action for name, action in _LISTS.items() if name in query), "ListBucket")
        return [Need(f"s3:{action}", arn, {key: query[name] for name, key in _LISTED.items() if name in query})]
    return [Need("s3:DeleteBucket" if method == "DELETE" else "s3:CreateBucket", arn)]


def _object(exchange: Exchange, arn: str, key: str) -> list[Need]:
    method, query, one = exchange.method, exchange.query, f"{arn}/{key}"
    version = "Version" if "versionId" in query else ""
    if "uploadId" in query and method in {"GET", "DELETE"}:
        return [Need("s3:ListMultipartUploadParts" if method == "GET" else "s3:AbortMultipartUpload", one)]
    named = next((suffix for name, suffix in _OBJECT_NAMES.items() if name in query), None)
    if named is not None:
        return [Need(f"s3:{_VERBS[method]}Object{version}{named}", one)]
    if method in {"GET", "HEAD"}:
        return [Need(f"s3:GetObject{version}", one), *_absence(exchange, arn)]
    if method == "DELETE":
        return [Need(f"s3:DeleteObject{version}", one)]
    if method == "POST" and "select" in query:
        return [Need("s3:GetObject", one)]
    if method == "POST" and "restore" in query:
        return [Need("s3:RestoreObject", one)]
    added = [Need(f"s3:PutObject{suffix}", one) for name, suffix in _ADDED.items() if name in exchange.headers]
    return [*_source(exchange, arn), Need("s3:PutObject", one), *added]


def _absence(exchange: Exchange, arn: str) -> list[Need]:
    """S3 says that an object is absent only to who may list the bucket; to others it says 403.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    return [Need("s3:ListBucket", arn)] if exchange.status == 404 else []


def _source(exchange: Exchange, arn: str) -> list[Need]:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    source = exchange.headers.get("x-amz-copy-source")
    if not source:
        return []
    partition = arn.split(":")[1]
    path, _, version = unquote(source).removeprefix("/").partition("?versionId=")
    return [Need(f"s3:GetObject{'Version' if version else ''}", f"arn:{partition}:s3:::{path}")]


def _deleted(body: bytes) -> list[str]:
    return [unescape(found.decode()) for found in _KEY.findall(body)]
