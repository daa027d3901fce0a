"""What a log line says, whatever its format."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal

import msgspec

Severity = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "UNKNOWN"]
DeviceType = Literal["server", "application", "network"]

# RFC 5424, table 2: emergency, alert, critical, error, warning, notice, informational, debug.
SYSLOG_SEVERITIES: tuple[Severity, ...] = (
    "CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG",
)  # fmt: skip

_WORDS: dict[str, Severity] = {
    "trace": "DEBUG", "debug": "DEBUG", "verbose": "DEBUG", "fine": "DEBUG", "finer": "DEBUG", "finest": "DEBUG",
    "info": "INFO", "information": "INFO", "informational": "INFO", "notice": "INFO", "config": "INFO",
    "warning": "WARNING", "warn": "WARNING",
    "error": "ERROR", "err": "ERROR", "severe": "ERROR",
    "critical": "CRITICAL", "crit": "CRITICAL", "fatal": "CRITICAL", "panic": "CRITICAL", "dpanic": "CRITICAL",
    "alert": "CRITICAL", "emerg": "CRITICAL", "emergency": "CRITICAL",
}  # fmt: skip


class Origin(msgspec.Struct, frozen=True):
    """Where a line was found, and what is assumed of it where it does not say.

    Attributes:
        at: when it was written at the latest, in seconds since the epoch.
        zone: of times that name none.
    """

    at: float
    source: str = ""
    host: str = ""
    service: str = ""
    zone: tzinfo = UTC


class LogEntry(msgspec.Struct, kw_only=True):
    """One log line, or several that belong together.

    Attributes:
        timestamp: when it was logged, in UTC; the origin's time where it does not say.
        message: what it says; the whole text where its format is not known.
        latency_ms: how long what it tells of took.
        status: its HTTP status.
        source: where it was found.
        attributes: what else it says, by name.
    """

    timestamp: datetime
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


Parse = Callable[[str, Origin], LogEntry | None]
"""A format's parser: None for a line that is not of the format. It may raise ValueError or OverflowError for such."""


def severity_of(word: Any) -> Severity:
    """Returns what a word or a number of bunyan's and pino's scale (10 to 60) means; UNKNOWN for any other."""
    if isinstance(word, bool) or word is None:
        return "UNKNOWN"
    if isinstance(word, int | float):
        # https://getpino.io/#/docs/api?id=logger-level
        steps: tuple[tuple[int, Severity], ...] = (
            (60, "CRITICAL"), (50, "ERROR"), (40, "WARNING"), (30, "INFO"), (10, "DEBUG"),
        )  # fmt: skip
        return next((name for least, name in steps if least <= word <= 60), "UNKNOWN")
    return _WORDS.get(str(word).strip("[]<>: ").lower(), "UNKNOWN")


def severity_of_status(status: int) -> Severity:
    """Returns the severity of an HTTP answer: its server's mistakes are errors, its client's are warnings."""
    return "ERROR" if status >= 500 else "WARNING" if status >= 400 else "INFO"


def unknown(text: str, origin: Origin) -> LogEntry:
    """Returns a line of no known format: kept whole."""
    return LogEntry(
        timestamp=moment_of(origin.at),
        severity="UNKNOWN",
        service=origin.service,
        host=origin.host,
        device_type="server",
        message=text,
        source=origin.source,
    )


def moment_of(at: float) -> datetime:
    """Returns seconds since the epoch as a time in UTC."""
    return datetime.fromtimestamp(at, UTC)
