"""Objects in an S3 bucket.

``create`` is a conditional write, so that it needs ``s3:PutObject`` and no right to read; ``replace`` of what is there
needs ``s3:GetObject`` as well.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    ConditionFailedError,
    NotFoundError,
    PenstockError,
    UnavailableError,
    ValidationError,
)
from penstock.ports.objects import ObjectInfo, check_key

if TYPE_CHECKING:
    from obstore.store import S3Store

RETRIES = 4
STATUS = re.compile(r"status code: (\d{3})\b")
RETRY_SECONDS = 60


class S3ObjectStore:
    """A bucket in S3, or in what ``AWS_ENDPOINT_URL_S3`` or ``AWS_ENDPOINT_URL`` names.

    A caller without ``s3:ListBucket`` meets AccessDeniedError where an object is absent: S3 does not tell it more.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

    Args:
        bucket: its name.
        region: the bucket's region; by default the environment's.
    """

    def __init__(self, bucket: str, *, region: str | None = None) -> None:
        self._bucket = bucket
        self._region = region
        self._store = _open(bucket, region)

    def create(self, key: str, data: bytes) -> ObjectInfo:
        return self._write(key, data, "create")

    def put(self, key: str, data: bytes) -> ObjectInfo:
        return self._write(key, data, "overwrite")

    def replace(self, key: str, source: Path | bytes, *, if_match: str | None) -> ObjectInfo:
        """Writes an object if it is still the one that is known; a file is sent as it is read.

        A write whose answer is lost is tried again, and then meets what it has written itself: whoever gets
        ConditionFailedError has to look.
        """
        from penstock.adapters.aws.session import calling

        check_key(key)
        condition = {"IfNoneMatch": "*"} if if_match is None else {"IfMatch": f'"{if_match}"'}
        with contextlib.ExitStack() as opened, calling(f"write s3://{self._bucket}/{key}"):
            body = source if isinstance(source, bytes) else opened.enter_context(source.open("rb"))
            size = len(source) if isinstance(source, bytes) else source.stat().st_size
            try:
                written = self._client.put_object(Bucket=self._bucket, Key=key, Body=body, **condition)
            except self._client.exceptions.ClientError as error:
                if not _is_lost(error.response, if_match):
                    raise
                raise ConditionFailedError(
                    f"object s3://{self._bucket}/{key} is not the one that was to be replaced",
                    hint="another writer was first: read it again",
                ) from error
        return ObjectInfo(key, size, time.time(), _etag(written["ETag"]))

    @functools.cached_property
    def _client(self) -> Any:
        """What ``replace`` asks: the library of the other methods sends a file only as a whole, or in parts.

        Parts cannot be written on a condition.
        """
        from penstock.adapters.aws.session import client

        return client("s3", region=self._region)

    def get(self, key: str) -> bytes:
        import obstore

        check_key(key)
        with self._translated(key):
            return bytes(obstore.get(self._store, key).bytes())

    def stream(self, key: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        import obstore

        check_key(key)
        with self._translated(key):
            for piece in obstore.get(self._store, key).stream(min_chunk_size=chunk_bytes):
                data = memoryview(piece)
                for start in range(0, len(data), chunk_bytes):
                    yield bytes(data[start : start + chunk_bytes])

    def head(self, key: str) -> ObjectInfo | None:
        import obstore

        check_key(key)
        with contextlib.suppress(NotFoundError), self._translated(key):
            return _info(obstore.head(self._store, key))
        return None

    def list(self, prefix: str = "", start_after: str | None = None) -> Iterator[ObjectInfo]:
        import obstore

        # The library lists whole folders; what is no whole segment of the prefix is compared here.
        folder, _, _ = prefix.rpartition("/")
        if folder:
            check_key(folder)
        with self._translated(prefix):
            for found in obstore.list(self._store, folder or None, offset=start_after):
                for one in found:
                    if one["path"].startswith(prefix):
                        yield _info(one)
                    elif one["path"].encode() > prefix.encode():
                        return

    def delete(self, key: str) -> None:
        import obstore

        check_key(key)
        with contextlib.suppress(NotFoundError), self._translated(key):
            obstore.delete(self._store, key)

    def _write(self, key: str, data: bytes, mode: Any) -> ObjectInfo:
        import obstore

        check_key(key)
        with self._translated(key):
            # In one request: a condition holds for the whole object.
            written = obstore.put(self._store, key, data, mode=mode, use_multipart=False)
        return ObjectInfo(key, len(data), time.time(), _etag(written["e_tag"]))

    @contextlib.contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            raise _translate(error, f"s3://{self._bucket}/{key}") from error


class ListedObjectStore(S3ObjectStore):
    """A bucket for a caller that may list below the prefixes it reads: what is absent is absent, and no denial.

    A permission to list that names prefixes is of no use to S3 when it is asked for an object that is not there.
    """

    def head(self, key: str) -> ObjectInfo | None:
        check_key(key)
        return next((one for one in self.list(key) if one.key == key), None)


def _open(bucket: str, region: str | None) -> S3Store:
    from obstore.store import S3Store

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    # An endpoint of one's own has seldom a name for each bucket.
    return S3Store(
        bucket,
        region=region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        endpoint=endpoint or None,
        virtual_hosted_style_request=not endpoint,
        client_options={"allow_http": bool(endpoint and endpoint.startswith("http://"))},
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        credential_provider=None if os.environ.get("AWS_ACCESS_KEY_ID") else _shared_credentials(),
    )


def _shared_credentials() -> Any:
    """Credentials as every AWS tool finds them: profiles, single sign-on, roles."""
    import boto3
    from obstore.auth.boto3 import Boto3CredentialProvider

    return Boto3CredentialProvider(boto3.Session())


def _info(found: Any) -> ObjectInfo:
    return ObjectInfo(found["path"], found["size"], found["last_modified"].timestamp(), _etag(found["e_tag"]))


def _is_lost(response: Mapping[str, Any], if_match: str | None) -> bool:
    """Says whether a conditional write found another object, or none.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html#conditional-error-response
    """
    code = response.get("Error", {}).get("Code", "")
    if code in {"PreconditionFailed", "ConditionalRequestConflict"}:
        return True
    return code == "NoSuchKey" and if_match is not None


def _etag(quoted: str | None) -> str:
    return (quoted or "").strip('"')


def _translate(error: Exception, where: str) -> PenstockError:
    from obstore import exceptions

    if isinstance(error, exceptions.AlreadyExistsError | exceptions.PreconditionError):
        return AlreadyExistsError(f"object {where} is there already", hint="objects are written once")
    # Of a listing that failed, the library has the status in words alone.
    status = found[1] if (found := STATUS.search(_first_line(error))) else ""
    if isinstance(error, exceptions.NotFoundError | FileNotFoundError) or status == "404":
        return NotFoundError(f"there is no object {where}", hint="check the key, the bucket and the region")
    denied = exceptions.PermissionDeniedError | exceptions.UnauthenticatedError
    if isinstance(error, denied) or status in {"401", "403"}:
        return AccessDeniedError(
            f"no access to {where}", hint="grant it in may=[…]; without s3:ListBucket an absent object is denied too"
        )
    if isinstance(error, exceptions.InvalidPathError):
        return ValidationError(f"{where} cannot be a key: {_first_line(error)}", hint="use another key")
    return UnavailableError(
        f"cannot reach {where}: {_first_line(error)}", hint="check the network and AWS_ENDPOINT_URL"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
