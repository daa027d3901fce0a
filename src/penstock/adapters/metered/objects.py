"""Objects: requests by class, and bytes by how long they are there. https://aws.amazon.com/s3/pricing/"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from penstock.adapters.metered.wrapper import Wrapper
from penstock.cost.units import (
    GB,
    KEYS_IN_A_LISTING,
    LARGE,
    LEAST_MOVED_BYTES,
    early_deletion_days,
    stored_bytes,
)
from penstock.errors import ThrottledError, UnavailableError
from penstock.ports.objects import ObjectInfo

WRITE, READ = "s3-put", "s3-get"
# Not billed itself: how many objects are large enough to be moved into a colder class.
OBJECTS = "s3-large-objects"
# The zone of what was archived.
ARCHIVE = "archive"
DAY_SECONDS, MONTH_DAYS = 86_400.0, 30


class MeteredObjectStore(Wrapper):
    """Requests of a bucket. What fails on a condition, or finds nothing, is a request as well; deleting is free.

    What S3 itself fails to do is not billed: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ErrorCodeBilling.html
    """

    def create(self, key: str, data: bytes) -> ObjectInfo:
        with self._billed(WRITE, "PutObject", key):
            return self._inner.create(key, data)  # type: ignore[no-any-return]

    def put(self, key: str, data: bytes) -> ObjectInfo:
        with self._billed(WRITE, "PutObject", key):
            return self._inner.put(key, data)  # type: ignore[no-any-return]

    def replace(self, key: str, source: Path | bytes, *, if_match: str | None) -> ObjectInfo:
        with self._billed(WRITE, "PutObject", key):
            return self._inner.replace(key, source, if_match=if_match)  # type: ignore[no-any-return]

    def get(self, key: str) -> bytes:
        with self._billed(READ, "GetObject", key):
            return self._inner.get(key)  # type: ignore[no-any-return]

    def stream(self, key: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        with self._billed(READ, "GetObject", key):
            yield from self._inner.stream(key, chunk_bytes)

    def head(self, key: str) -> ObjectInfo | None:
        with self._billed(READ, "HeadObject", key):
            return self._inner.head(key)  # type: ignore[no-any-return]

    def list(self, prefix: str = "", start_after: str | None = None) -> Iterator[ObjectInfo]:
        for number, found in enumerate(self._inner.list(prefix, start_after)):
            if number and number % KEYS_IN_A_LISTING == 0:
                self._count(WRITE, 1, "ListObjectsV2", resource_of(prefix))
            yield found
        # What is read of the last page, or of none, was asked for too.
        self._count(WRITE, 1, "ListObjectsV2", resource_of(prefix))

    @contextlib.contextmanager
    def _billed(self, item: str, operation: str, key: str) -> Iterator[None]:
        try:
            yield
        except (ThrottledError, UnavailableError):
            raise
        except BaseException:
            self._count(item, 1, operation, resource_of(key))
            raise
        self._count(item, 1, operation, resource_of(key))


class HeldObjectStore(Wrapper):
    """What a bucket holds, whoever writes to it.

    What is in the archive was moved there, is a little larger than it seems, and is billed for 90 days at least; but
    what is small stays in the standard class.
    """

    def create(self, key: str, data: bytes) -> ObjectInfo:
        info: ObjectInfo = self._inner.create(key, data)
        self._came(key, info.size)
        return info

    def put(self, key: str, data: bytes) -> ObjectInfo:
        self._went(key)
        info: ObjectInfo = self._inner.put(key, data)
        self._came(key, info.size)
        return info

    def replace(self, key: str, source: Path | bytes, *, if_match: str | None) -> ObjectInfo:
        before = None if if_match is None else self._inner.head(key)
        info: ObjectInfo = self._inner.replace(key, source, if_match=if_match)
        self._changed(key, before, -1)
        self._came(key, info.size)
        return info

    def delete(self, key: str) -> None:
        self._went(key)
        self._inner.delete(key)

    def found(self, info: ObjectInfo) -> None:
        """Counts an object that was there before the meter."""
        item, zone, size = _kept_as(info.key, info.size)
        at, resource = self._clock.now(), resource_of(info.key)
        self._meter.found(item, size, at=at, operation=zone, resource=resource)
        if zone.endswith(LARGE):
            self._meter.found(OBJECTS, 1, at=at, operation=zone, resource=resource)

    def _came(self, key: str, size: int) -> None:
        self._changed(key, ObjectInfo(key, size, self._clock.now(), ""), 1)
        if is_archived(key, size):
            self._count("s3-archive-transition", 1, ARCHIVE, resource_of(key))

    def _went(self, key: str) -> None:
        known: ObjectInfo | None = self._inner.head(key)
        self._changed(key, known, -1)
        if known is not None and is_archived(key, known.size):
            left = early_deletion_days("archive", (self._clock.now() - known.modified_at) / DAY_SECONDS)
            gb_months = stored_bytes("archive", known.size) / GB * left / MONTH_DAYS
            self._count("s3-archive-storage", gb_months, "early deletion", resource_of(key))

    def _changed(self, key: str, info: ObjectInfo | None, sign: int) -> None:
        if info is not None:
            item, zone, size = _kept_as(key, info.size)
            self._hold(item, sign * size, zone, resource_of(key))
            if zone.endswith(LARGE):
                self._hold(OBJECTS, sign, zone, resource_of(key))


def _kept_as(key: str, size: int) -> tuple[str, str, float]:
    """Returns the price of an object's storage, its zone, and the GB that it is billed for."""
    if is_archived(key, size):
        return "s3-archive-storage", ARCHIVE, stored_bytes("archive", size) / GB
    zone = zone_of(key)
    return "s3-storage", zone + LARGE if size >= LEAST_MOVED_BYTES else zone, stored_bytes("standard", size) / GB


def is_archived(key: str, size: int) -> bool:
    """Tells whether S3 would keep an object in a colder class: a lifecycle rule leaves small ones where they are."""
    return zone_of(key) == ARCHIVE and size >= LEAST_MOVED_BYTES


def zone_of(key: str) -> str:
    """Returns the zone that a key is in, such as ``raw``."""
    return key.partition("/")[0]


def resource_of(key: str) -> str:
    """Returns the table, or the inbox, that a key belongs to: the second part of every key of a home."""
    return f"{key}//".split("/")[1]
