"""What a log line says, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Any, Literal

import msgspec

from penstock.errors import ValidationError

LogSeverity = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "UNKNOWN"]
"""How grave a line is; UNKNOWN where it does not say."""

DeviceType = Literal["server", "application", "network"]

# RFC 5424, table 2: emergency, alert, critical, error, warning, notice, informational, debug.
SYSLOG_SEVERITIES: tuple[LogSeverity, ...] = (
    "CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG",
)  # fmt: skip

_WORDS: dict[str, LogSeverity] = {
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


class LogEntry(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One log line, however many lines of text it had: the record of lake tables of logs.

    Attributes:
        timestamp: when it was logged, with a zone; when it was written at the latest where it does not say.
        service: the program or device that says it, such as ``checkout`` or ``sshd``.
        message: what it says; the whole text where its format is not known.
        latency_ms: how long what it tells of took.
        status: its HTTP status.
        source: what wrote the entry: the path of the file that was followed, ``otlp``, or a generator's name.
        template: the message without its parameters, where it is known.
        attributes: what else it says, by name, such as the client's address.
    """

    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    severity: LogSeverity
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


_ENCODER = msgspec.json.Encoder()

Parse = Callable[[str, Origin], LogEntry | None]
"""A format's parser: None for a line that is not of the format. It may raise ValueError or OverflowError for such."""


def severity_of(word: Any) -> LogSeverity:
    """Returns what a word or a number of bunyan's and pino's scale (10 to 60) means; UNKNOWN for any other."""
    if isinstance(word, str):
        return _WORDS.get(word) or _WORDS.get(word.strip("[]<>: ").lower(), "UNKNOWN")
    if isinstance(word, bool) or word is None:
        return "UNKNOWN"
    if isinstance(word, int | float):
        # https://getpino.io/#/docs/api?id=logger-level
        steps: tuple[tuple[int, LogSeverity], ...] = (
            (60, "CRITICAL"), (50, "ERROR"), (40, "WARNING"), (30, "INFO"), (10, "DEBUG"),
        )  # fmt: skip
        return next((name for least, name in steps if least <= word <= 60), "UNKNOWN")
    return "UNKNOWN"


def severity_of_status(status: int) -> LogSeverity:
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


def encode(entries: Sequence[LogEntry]) -> bytes:
    """Returns entries as newline-delimited JSON. Whatever a parser made of lines is a record that fits.

    Raises:
        ValidationError: an entry holds text that UTF-8 cannot say.
    """
    try:
        return _ENCODER.encode_lines(entries)
    except (TypeError, ValueError) as error:
        raise ValidationError(f"log entries cannot be JSON: {error}", hint="use plain text") from error


def moment_of(at: float) -> datetime:
    """Returns seconds since the epoch as a time in UTC."""
    return datetime.fromtimestamp(at, UTC)
