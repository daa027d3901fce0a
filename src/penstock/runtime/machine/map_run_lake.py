"""The lake as a distributed Map's bucket: what its ItemReader and ResultWriter may reach, by the workflow's grants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from penstock.errors import NotFoundError, PortError
from penstock.model.access import Grant
from penstock.model.integrations import LAKE_BUCKET, lake_grant
from penstock.ports.objects import ObjectInfo, ObjectStore
from penstock.states.distributed import Place, reader_failed, writer_failed
from penstock.states.failures import StateFailedError

Rows = Callable[[str], Iterator[dict[str, Any]]]


class LakeBucket:
    """Reads and writes objects of the lake for one workflow.

    Args:
        grants: what the workflow may.
        rows: yields the rows of a Parquet file by its key; None where there is nothing that could.
    """

    def __init__(self, objects: ObjectStore, workflow: str, grants: tuple[Grant, ...], rows: Rows | None) -> None:
        self._objects = objects
        self._workflow = workflow
        self._grants = grants
        self._rows = rows

    def stream(self, place: Place) -> Iterator[bytes]:
        """Yields an object's bytes."""
        self._check("getObject", place.bucket, place.key, reader_failed)
        try:
            yield from self._objects.stream(place.key)
        except NotFoundError:
            raise reader_failed(f"The specified key does not exist: {place.key}") from None
        except PortError as error:
            raise reader_failed(str(error)) from error

    def listing(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        """Yields what ListObjectsV2 says of the objects below a prefix."""
        self._check("listObjectsV2", bucket, prefix, reader_failed)
        try:
            yield from map(_listed, self._objects.list(prefix))
        except PortError as error:
            raise reader_failed(str(error)) from error

    def rows(self, place: Place) -> Iterator[dict[str, Any]]:
        """Yields the rows of a Parquet file."""
        self._check("getObject", place.bucket, place.key, reader_failed)
        if self._rows is None:
            raise reader_failed("PARQUET: files of this type cannot be read here; use JSON, JSONL or CSV")
        if self._objects.head(place.key) is None:
            raise reader_failed(f"The specified key does not exist: {place.key}")
        try:
            yield from self._rows(place.key)
        except PortError as error:
            raise reader_failed(str(error)) from error

    def put(self, bucket: str, key: str, data: bytes) -> None:
        """Writes a file of results in place of any other.

        Raises:
            StateFailedError: ``States.ResultWriterFailed``: it must not, or cannot, be written.
        """
        self._check("putObject", bucket, key, writer_failed)
        try:
            self._objects.put(key, data)
        except PortError as error:
            raise writer_failed(str(error)) from error

    def _check(self, action: str, bucket: str, key: str, failed: Callable[[str], StateFailedError]) -> None:
        if bucket != LAKE_BUCKET:
            raise failed(f"The specified bucket does not exist: {bucket}; a pipeline's bucket is {LAKE_BUCKET!r}")
        needed = lake_grant(action, key)
        if needed is None or Grant(needed.kind, needed.resource, needed.action) not in self._grants:
            hint = "" if needed is None else f"; add {needed.resource}.{needed.action} to its may=[…]"
            raise failed(
                f"workflow {self._workflow!r} is not authorized to perform: s3:{action[0].upper()}{action[1:]} on"
                f" {key or 'the whole lake'}{hint}"
            )


def _listed(info: ObjectInfo) -> dict[str, Any]:
    return {
        "Etag": f'"{info.etag}"',
        "Key": info.key,
        "LastModified": info.modified_at,
        "Size": info.size,
        "StorageClass": "STANDARD",
    }
