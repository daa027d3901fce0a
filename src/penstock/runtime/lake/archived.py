"""The archive, seen as if its objects still lay where they arrived."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from penstock.errors import UsageError, ValidationError
from penstock.lake.catalog import ARCHIVE_PREFIX, archive_key, raw_key_of
from penstock.lake.compression import decompressed
from penstock.lake.outcome import BrokenError
from penstock.ports.objects import ObjectInfo, ObjectStore


class ArchivedObjects:
    """A store of the archived raw objects, under the keys and with the bytes that they had. It is only read.

    Args:
        objects: the lake.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def get(self, key: str) -> bytes:
        return b"".join(self.stream(key))

    def stream(self, key: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """Yields an object's bytes as they were. Raises NotFoundError, and ValidationError where it is damaged."""
        try:
            yield from decompressed(self._objects.stream(archive_key(key), chunk_bytes), "zstd")
        except BrokenError as error:
            raise ValidationError(
                f"{archive_key(key)} is damaged: {error}", hint="restore it from a backup; its rows are sealed"
            ) from error

    def head(self, key: str) -> ObjectInfo | None:
        """Returns what is known of an object; its size as it was, for which all of it is read."""
        found = self._objects.head(archive_key(key))
        if found is None:
            return None
        return msgspec.structs.replace(found, key=key, size=sum(map(len, self.stream(key))))

    def list(self, prefix: str = "", start_after: str | None = None) -> Iterator[ObjectInfo]:
        after = None if start_after is None else archive_key(start_after)
        for info in self._objects.list(f"{ARCHIVE_PREFIX}{prefix}", after):
            yield msgspec.structs.replace(info, key=raw_key_of(info.key))

    def create(self, key: str, data: bytes) -> ObjectInfo:
        raise _refused(key)

    def put(self, key: str, data: bytes) -> ObjectInfo:
        raise _refused(key)

    def replace(self, key: str, source: Path | bytes, *, if_match: str | None) -> ObjectInfo:
        raise _refused(key)

    def delete(self, key: str) -> None:
        raise _refused(key)


def _refused(key: str) -> UsageError:
    return UsageError(f"{archive_key(key)} is in the archive, which is only read", hint="`penstock lake restore` it")
