"""Named fields, as JSON lines and logfmt have them, and which of them mean what."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
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
LONGEST_SPAN = 40
REMEMBERED_CHARACTERS = 2048


def entry_of(fields: dict[str, Any], text: str, origin: Origin) -> LogEntry:
    """Returns what named fields say. What has no place of its own becomes an attribute.

    Args:
        fields: by name; those with a place of their own are removed.
        text: the whole line; the message of one whose fields hold none.
    """
    plan = (_remembered_plan if len(text) <= REMEMBERED_CHARACTERS else _plan)(tuple(fields))
    found: list[Any] = [None] * len(_PLACES)
    for place, name, read in plan:
        # Another place may have taken it.
        if found[place] is None and name in fields and (value := read(fields[name], origin)) is not None:
            found[place] = value
            del fields[name]
    moment, severity, message, latency, status, service, host, trace = found
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
        attributes={} if message is None else {name: as_text(value) for name, value in fields.items()},
    )


def _severity(value: Any, _: Origin) -> str | None:
    found = severity_of(value)
    return None if found == "UNKNOWN" else found


def _words(value: Any, _: Origin) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(value: Any, _: Origin) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 255 else None


def _in_milliseconds(value: Any, _: Origin) -> float | None:
    return milliseconds(value, "ms")


def _in_seconds(value: Any, _: Origin) -> float | None:
    return milliseconds(value, "s")


def _status(value: Any, _: Origin) -> int | None:
    return http_status(value)


_Read = Callable[[Any, Origin], Any]
# What an entry takes from fields, each from the first of these that can be read.
_PLACES: tuple[tuple[tuple[tuple[str, ...], _Read], ...], ...] = (
    ((TIME, any_moment),),
    ((SEVERITY, _severity),),
    ((MESSAGE, _words),),
    ((LATENCY_MS, _in_milliseconds), (LATENCY, _in_seconds)),
    ((STATUS, _status),),
    ((SERVICE, _name),),
    ((HOST, _name),),
    ((TRACE, _name),),
)


def _plan(given: tuple[str, ...]) -> tuple[tuple[int, str, _Read], ...]:
    """Returns which of these fields are to be read, for which place and by what, in order."""
    there = set(given)
    return tuple(
        (place, name, read)
        for place, sources in enumerate(_PLACES)
        for names, read in sources
        for name in names
        if name in there
    )


# Lines of one writer mostly have the same fields.
_remembered_plan = lru_cache(1024)(_plan)


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
    if isinstance(value, str):
        found = _SPAN.fullmatch(value.strip()) if len(value) <= LONGEST_SPAN else None
        return float(found[1]) * _MILLISECONDS[found[2] or unit] if found else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) * _MILLISECONDS[unit] if math.isfinite(value) and value >= 0 else None


def as_text(value: Any) -> str:
    """Returns a value as an attribute holds it: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else msgspec.json.encode(value).decode()
