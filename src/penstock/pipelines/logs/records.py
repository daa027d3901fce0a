"""What the tasks of the pipeline know of every log line."""

from __future__ import annotations

from datetime import UTC, datetime

ERRORS = frozenset({"ERROR", "CRITICAL"})
"""The severities that count as errors."""


def utc(at: float) -> datetime:
    """Returns a time, in seconds since the epoch, as records have it."""
    return datetime.fromtimestamp(at, UTC)
