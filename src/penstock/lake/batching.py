"""Batches of records: what is written often is put into few objects, each closed by its size or by its age."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from penstock.errors import UsageError
from penstock.lake.compression import compress
from penstock.lake.records import encode_one

DEFAULT_BYTES = 8 * 1024 * 1024
DIGEST_DIGITS = 12


class Full(msgspec.Struct, frozen=True):
    """A closed batch.

    Attributes:
        first: which record of the writer's is its first; counts from 1.
        records: how many records it holds.
        data: newline-delimited JSON, with zstd if it was asked for.
        digest: 12 hexadecimal digits that follow from the records.
    """

    first: int
    records: int
    data: bytes
    digest: str

    @property
    def name(self) -> str:
        """Tells the batch apart: equal for equal records at an equal place, and for nothing else."""
        return f"{self.first:09d}-{self.digest}"


class Batch:
    """Records on their way into one object.

    Args:
        max_bytes: of newline-delimited JSON; a batch is due when it has as many.
        max_age_seconds: a batch is due when its first record is as old; None for no such limit.
        compressed: whether batches are closed with zstd.

    Raises:
        UsageError: a limit is not above zero.
    """

    def __init__(
        self, *, max_bytes: int = DEFAULT_BYTES, max_age_seconds: float | None = None, compressed: bool = False
    ) -> None:
        if max_bytes <= 0 or (max_age_seconds is not None and max_age_seconds <= 0):
            raise UsageError("a batch has limits above zero", hint="such as max_bytes=8_000_000, max_age_seconds=60")
        self._max_bytes = max_bytes
        self._max_age_seconds = max_age_seconds
        self._compressed = compressed
        self._first = 1
        self._since = 0.0
        self._size = 0
        self._lines: list[bytes] = []

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def size_bytes(self) -> int:
        """How many bytes of newline-delimited JSON are held."""
        return self._size

    def add(self, item: Any, now: float) -> None:
        """Adds a record.

        Raises:
            ValidationError: it holds something that JSON or a column cannot, or is too long for a line.
        """
        line = encode_one(item, self._first + len(self._lines))
        if not self._lines:
            self._since = now
        self._lines.append(line)
        self._size += len(line) + 1

    def is_due(self, now: float) -> bool:
        """Tells whether it is time to close the batch."""
        if not self._lines:
            return False
        is_old = self._max_age_seconds is not None and now - self._since >= self._max_age_seconds
        return is_old or self._size >= self._max_bytes

    def close(self) -> Full | None:
        """Returns the records so far and begins a new batch; None when there are none."""
        if not self._lines:
            return None
        data = b"\n".join([*self._lines, b""])
        digest = hashlib.sha256(data).hexdigest()[:DIGEST_DIGITS]
        full = Full(self._first, len(self._lines), compress(data) if self._compressed else data, digest)
        self._first += len(self._lines)
        self._lines, self._size = [], 0
        return full
