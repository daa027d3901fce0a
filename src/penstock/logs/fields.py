"""Named fields, as JSON lines and logfmt have them, and which of them mean what."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.logs.entry import LogEntry, Origin, moment_of, severity_of, severity_of_status
from penstock.logs.timestamps import any_moment

TIME = ("timestamp", "@timestamp", "time", "ts", "datetime", "asctime", "eventTime", "t", "date")
SEVERITY = ("severity", "level", "levelname", "log.level", "lvl", "loglevel", "at")
MESSAGE = ("message", "msg", "event", "text", "short_message")
SERVICE = ("service", "service.name", "app", "application", "logger", "logger_name", "name", "component")
HOST = ("host", "hostname", "host.name")
TRACE = ("trace_id", "traceId", "traceID", "trace.id", "dd.trace_id", "trace")
STATUS = ("status", "status_code", "statusCode", "http.status_code", "http.response.status_code")
# In milliseconds where the value names no unit, in the second ones in seconds.
LATENCY_MS = ("latency_ms", "duration_ms", "elapsed_ms", "response_time_ms", "responseTime", "took_ms")
LATENCY = ("latency", "duration", "elapsed", "response_time", "request_time", "took", "service")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|µs|μs|ms|s|m)?", re.ASCII)
_MILLISECONDS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
LONGEST_STATUS = 3


def entry_of(fields: Mapping[str, Any], text: str, origin: Origin) -> LogEntry:
    """Returns what named fields say. What has no place of its own becomes an attribute.

    Args:
        text: the whole line; the message of one whose fields hold none.
    """
    left = dict(fields)
    moment = _take(left, TIME, lambda value: any_moment(value, origin))
    severity = _take(left, SEVERITY, _known_severity)
    message = _take(left, MESSAGE, lambda value: value if isinstance(value, str) and value else None)
    latency = _take(left, LATENCY_MS, lambda value: milliseconds(value, "ms"))
    if latency is None:
        latency = _take(left, LATENCY, lambda value: milliseconds(value, "s"))
    status = _take(left, STATUS, http_status)
    service = _take(left, SERVICE, _name)
    host = _take(left, HOST, _name)
    trace = _take(left, TRACE, _name)
    return LogEntry(
        timestamp=moment or moment_of(origin.at),
        severity=severity or (severity_of_status(status) if status else "UNKNOWN"),
        service=service or origin.service,
        host=host or origin.host,
        device_type="application",
        message=text if message is None else message,
        latency_ms=latency,
        status=status,
        trace_id=trace,
        source=origin.source,
        # Of a line that is its own message nothing has to be said twice.
        attributes={} if message is None else {str(name): as_text(value) for name, value in left.items()},
    )


def _take(fields: dict[str, Any], names: tuple[str, ...], read: Any) -> Any:
    """Returns the first field of these names that can be read, and removes it from the fields."""
    # Most fields are not there: this tells so at once.
    if fields.keys().isdisjoint(names):
        return None
    for name in names:
        if name in fields:
            value = read(fields[name])
            if value is not None:
                del fields[name]
                return value
    return None


def _known_severity(value: Any) -> str | None:
    found = severity_of(value)
    return None if found == "UNKNOWN" else found


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 255 else None


def http_status(value: Any) -> int | None:
    """Returns an HTTP status; None for any other value."""
    text = str(value)
    is_status = not isinstance(value, bool) and text.isascii() and text.isdigit() and len(text) == LONGEST_STATUS
    return int(text) if is_status and 100 <= int(text) <= 599 else None


def milliseconds(value: Any, unit: str) -> float | None:
    """Returns a span of time; None for a value that is none.

    Args:
        unit: of numbers that name none.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) * _MILLISECONDS[unit] if math.isfinite(value) and value >= 0 else None
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= 40 else None
    return float(found[1]) * _MILLISECONDS[found[2] or unit] if found else None


def as_text(value: Any) -> str:
    """Returns a value as an attribute holds it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
