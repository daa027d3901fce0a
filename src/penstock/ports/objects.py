"""Objects: bytes under a key, as S3 has them.

Guarantees that every adapter gives: an object is there whole or not at all; of several writers that create one key
exactly one succeeds; what was written is read at once (strong consistency); a listing is in the order of the keys'
UTF-8 bytes. https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from penstock.errors import ValidationError

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
KEY_LIMIT_BYTES = 1024
SEGMENT_LIMIT_BYTES = 255
FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")


class ObjectInfo(msgspec.Struct, frozen=True):
    """What is known of an object.

    Attributes:
        modified_at: in seconds since the epoch; after a write, by the writer's clock.
    """

    key: str
    size: int
    modified_at: float
    etag: str


class ObjectStore(Protocol):
    """A bucket. Every method raises ValidationError for a key that ``check_key`` refuses."""

    def create(self, key: str, data: bytes) -> ObjectInfo:
        """Writes an object that is not there yet. Raises AlreadyExistsError, and nothing is written, if it is."""
        ...

    def put(self, key: str, data: bytes) -> ObjectInfo:
        """Writes an object in place of any other."""
        ...

    def replace(self, key: str, source: Path | bytes, *, if_match: str | None) -> ObjectInfo:
        """Writes an object if it is still the one that is known: compare and swap.

        Of several writers that know the same object exactly one succeeds.

        Args:
            source: the bytes, or a file that holds them. The file must not be used afterwards; a store of files moves
                it, from wherever it is on the same disk.
            if_match: the etag of the object that is replaced; None when there must be none.

        Raises:
            ConditionFailedError: there is another object, or none; nothing is written.
        """
        ...

    def get(self, key: str) -> bytes:
        """Returns an object's bytes. Raises NotFoundError."""
        ...

    def stream(self, key: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """Yields an object's bytes in pieces. Raises NotFoundError."""
        ...

    def head(self, key: str) -> ObjectInfo | None:
        """Returns what is known of an object, or None."""
        ...

    def list(self, prefix: str = "", start_after: str | None = None) -> Iterator[ObjectInfo]:
        """Yields the objects whose keys begin with a prefix, in order of their keys."""
        ...

    def delete(self, key: str) -> None:
        """Deletes an object; one that is not there is none the worse."""
        ...


def check_key(key: str) -> None:
    """Checks that a key can be used in every home.

    Raises:
        ValidationError: it is empty or too long, or could mean a place outside the store.
    """
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError:
        raise ValidationError(f"object key {key!r} is no valid Unicode", hint="use plain text") from None
    segments = key.split("/")
    if not key or size > KEY_LIMIT_BYTES:
        mistake = f"has {size} bytes, 1 to {KEY_LIMIT_BYTES} are possible"
    elif FORBIDDEN.search(key):
        mistake = "holds a control character or a backslash"
    elif any(segment in {"", ".", ".."} for segment in segments):
        mistake = "has an empty segment, `.` or `..`"
    elif any(len(segment.encode()) > SEGMENT_LIMIT_BYTES for segment in segments):
        mistake = f"has a segment of more than {SEGMENT_LIMIT_BYTES} bytes"
    else:
        return
    raise ValidationError(f"object key {key[:100]!r} {mistake}", hint="such as raw/table/year=2026/month=02/file.json")
