"""S3's GetObject, PutObject and ListObjectsV2, in the lake of the pipeline.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.errors import AlreadyExistsError, NotFoundError, TaskError, ValidationError
from penstock.lake import layout
from penstock.model.access import Kind, LakeAction
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.integrations import LAKE_BUCKET, lake_grant
from penstock.ports.objects import ObjectInfo
from penstock.runtime.handles import create_object
from penstock.runtime.integrations.request import Request

# A state's result has no room for more: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
RESULT_LIMIT_BYTES = 262_144
PAGE = 1000
# What does not change what is read or written here.
WITHOUT_EFFECT = frozenset(
    {"ChecksumAlgorithm", "ChecksumMode", "ContentLanguage", "ContentType", "ExpectedBucketOwner", "FetchOwner",
     "RequestPayer", "ServerSideEncryption", "StorageClass"}
)  # fmt: skip
HEEDED = {
    "getObject": frozenset({"Bucket", "Key"}),
    "putObject": frozenset({"Bucket", "Key", "Body", "IfNoneMatch"}),
    "listObjectsV2": frozenset({"Bucket", "Prefix", "ContinuationToken", "Delimiter", "MaxKeys", "StartAfter"}),
}


def get_object(request: Request) -> dict[str, Any]:
    """Returns a raw object of a table, its content as text."""
    key, _ = _granted(request, request.text("Key") or "", LakeAction.READ)
    info = request.ports.objects.head(key)
    if info is None:
        raise _no_key(request)
    if info.size > RESULT_LIMIT_BYTES:
        raise TaskError(
            "The state/task 'aws-sdk:s3:getObject' returned a result with a size exceeding the maximum number of bytes "
            "service limit.", error="States.DataLimitExceeded",
        )  # fmt: skip
    try:
        data = request.ports.objects.get(key)
    except NotFoundError as error:
        raise _no_key(request) from error
    return request.answer(
        {
            "AcceptRanges": "bytes",
            "Body": data.decode("utf-8", "replace"),
            "ContentLength": len(data),
            "ETag": _etag(data),
            "LastModified": _time(info),
        }
    )


def put_object(request: Request) -> dict[str, Any]:
    """Writes a new object of a table, and tells whoever watches the table. The body is written as JSON.

    Objects of the lake are written once. Another object under the key is left as it is, and the request refused as S3
    refuses one with ``IfNoneMatch: "*"``; the same object under the key is taken for this request, made again.
    """
    key, table = _granted(request, request.text("Key") or "", LakeAction.APPEND)
    _check_layout(request, key, table)
    if request.arguments.get("IfNoneMatch", "*") != "*":
        raise _not_implemented(request, "IfNoneMatch")
    body = request.arguments.get("Body")
    data = b"" if body is None else msgspec.json.encode(body)
    if key.startswith("raw/"):
        written = create_object(request.ports, request.definition, request.call, table, key, data)
    else:
        written = _create(request, key, data)
    if not written and request.ports.objects.get(key) != data:
        raise request.refusal(
            "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412
        )
    return request.answer({"ETag": _etag(data)})


def list_objects(request: Request) -> dict[str, Any]:
    """Returns the raw objects of a table, in order of their keys, at most 1,000 at a time."""
    prefix, _ = _granted(request, request.text("Prefix") or "", LakeAction.LIST)
    delimiter, most = request.text("Delimiter") or "", _page_size(request)
    page = _page(request, prefix, delimiter, most)
    body: dict[str, Any] = {
        "IsTruncated": page.is_truncated, "KeyCount": len(page.contents) + len(page.prefixes), "MaxKeys": most,
        "Name": LAKE_BUCKET, "Prefix": prefix,
    }  # fmt: skip
    body |= {"Contents": page.contents} if page.contents else {}
    if delimiter:
        body |= {"CommonPrefixes": [{"Prefix": one} for one in page.prefixes], "Delimiter": delimiter}
    body |= {name: request.arguments[name] for name in ("StartAfter", "ContinuationToken") if name in request.arguments}
    if page.is_truncated:
        body["NextContinuationToken"] = base64.urlsafe_b64encode(page.last.encode()).decode()
    return request.answer(body)


class _Page(msgspec.Struct):
    """Some of a listing. ``last`` is the last key that it stands for, itself or by a common prefix."""

    contents: list[dict[str, Any]] = []
    prefixes: list[str] = []
    last: str = ""
    is_truncated: bool = False


def _page(request: Request, prefix: str, delimiter: str, most: int) -> _Page:
    after, page = _after(request), _Page()
    for info in request.ports.objects.list(prefix, after) if most else ():
        common = _common(info.key, prefix, delimiter)
        is_known = common is not None and (common in page.prefixes or (after or "").startswith(common))
        if not is_known and len(page.contents) + len(page.prefixes) >= most:
            page.is_truncated = True
            return page
        if common is None:
            page.contents.append(_listed(info))
        elif not is_known:
            page.prefixes.append(common)
        page.last = info.key
    return page


def _granted(request: Request, key: str, usual: LakeAction) -> tuple[str, LakeTable]:
    """Returns a key and its table, if the workflow may do this there."""
    bucket, action = request.text("Bucket"), request.operation.action
    if bucket != LAKE_BUCKET:
        raise request.refusal("NoSuchBucket", "The specified bucket does not exist", 404)
    needed = lake_grant(action, key)
    if needed is None:
        raise request.denied(Kind.LAKE, usual, key)
    request.require(Kind.LAKE, LakeAction(needed.action), needed.resource)
    unknown = request.arguments.keys() - HEEDED[action] - WITHOUT_EFFECT
    if unknown:
        raise _not_implemented(request, min(unknown))
    table = request.definition.lake_tables.get(needed.resource)
    if table is None:
        raise request.denied(Kind.LAKE, usual, key)
    return key, table


def _check_layout(request: Request, key: str, table: LakeTable) -> None:
    """Refuses what no query and no sealing would find."""
    try:
        found = layout.parse_key(key)
    except ValidationError as error:
        raise request.refusal("InvalidArgument", f"{error.message}: {error.hint}") from error
    if tuple(found.partition) != PARTITION_COLUMNS[table.partition]:
        columns = ", ".join(PARTITION_COLUMNS[table.partition])
        raise request.refusal("InvalidArgument", f"keys of lake table {table.name} are partitioned by {columns}")


def _create(request: Request, key: str, data: bytes) -> bool:
    try:
        request.ports.objects.create(key, data)
    except AlreadyExistsError:
        return False
    return True


def _no_key(request: Request) -> TaskError:
    return request.refusal("NoSuchKey", "The specified key does not exist.", 404)


def _not_implemented(request: Request, name: str) -> TaskError:
    message = f"A header you provided implies functionality that is not implemented: {name}"
    return request.refusal("NotImplemented", message, 501)


def _page_size(request: Request) -> int:
    asked = request.number("MaxKeys")
    if asked is not None and asked < 0:
        raise request.refusal("InvalidArgument", "maxKeys cannot be negative")
    return PAGE if asked is None else min(asked, PAGE)


def _after(request: Request) -> str | None:
    token = request.text("ContinuationToken")
    if token is None:
        return request.text("StartAfter")
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError):
        raise request.refusal("InvalidArgument", "The continuation token provided is incorrect") from None


def _common(key: str, prefix: str, delimiter: str) -> str | None:
    if not delimiter:
        return None
    inner, found, _ = key[len(prefix) :].partition(delimiter)
    return f"{prefix}{inner}{found}" if found else None


def _listed(info: ObjectInfo) -> dict[str, Any]:
    return {
        "ETag": f'"{info.etag}"', "Key": info.key, "LastModified": _time(info), "Size": info.size,
        "StorageClass": "STANDARD",
    }  # fmt: skip


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def _time(info: ObjectInfo) -> str:
    return f"{datetime.fromtimestamp(info.modified_at, UTC):%Y-%m-%dT%H:%M:%SZ}"


ACTIONS = {"getObject": get_object, "putObject": put_object, "listObjectsV2": list_objects}
