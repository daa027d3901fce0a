"""What a reader says of each thing that it read: a record of the table's type, or not one, and why."""

from __future__ import annotations

from typing import Any

import msgspec

LINE_LIMIT_BYTES = 16 * 1024 * 1024
KEPT_BYTES = 64 * 1024


class Good(msgspec.Struct, frozen=True):
    """A record of the table's type. Lines count from 1."""

    line: int
    record: Any
    raw: bytes

    def as_bad(self, reason: str) -> Bad:
        """Returns the record as one that does not fit after all."""
        return Bad(self.line, reason, self.raw[:KEPT_BYTES])


class Bad(msgspec.Struct, frozen=True):
    """A record that does not fit, and why. ``raw`` holds at most its first 64 KiB."""

    line: int
    reason: str
    raw: bytes


class BrokenError(ValueError):
    """What remains of an object cannot be read; what came before it could. The message says why."""
