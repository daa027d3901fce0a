"""The record of one log line: what raw objects hold, one a line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

Severity = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "UNKNOWN"]
"""How grave a line is; UNKNOWN where it does not say."""

DeviceType = Literal["server", "application", "network"]

ERRORS = frozenset({"ERROR", "CRITICAL"})
"""The severities that count as errors."""


class LogRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One log line, however many lines of text it had.

    Attributes:
        timestamp: when it was logged, with a zone; when it was read where it does not say.
        service: the program or device that says it, such as ``checkout`` or ``sshd``.
        message: what it says; the whole text where its form is not known.
        latency_ms: how long what it tells of took.
        status: its HTTP status.
        source: what wrote the record: the generator, or the path of the file that was followed.
        template: the message without its parameters, where it is known.
        attributes: what else a line of its form tells, such as the client's address.
    """

    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    severity: Severity
    service: str
    host: str
    device_type: DeviceType
    message: str
    latency_ms: float | None = None
    status: int | None = None
    trace_id: str | None = None
    source: str = ""
    template: str | None = None
    attributes: dict[str, str] = {}


def utc(at: float) -> datetime:
    """Returns a time, in seconds since the epoch, as records have it."""
    return datetime.fromtimestamp(at, UTC)
