"""OpenTelemetry's logs as log entries. https://opentelemetry.io/docs/specs/otel/logs/data-model/"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.errors import ValidationError
from penstock.logs import fields
from penstock.logs.entry import LogEntry, LogSeverity, moment_of, severity_of
from penstock.logs.otlp_messages import LOGS_REQUEST, METRICS_REQUEST
from penstock.logs.protobuf import Message, decode

SOURCE = "otlp"
# LogSeverity numbers 1 to 24, four a word: trace, debug, info, warn, error, fatal.
_SEVERITIES: tuple[LogSeverity, ...] = ("DEBUG", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def decode_logs(body: bytes, *, is_json: bool) -> dict[str, Any]:
    """Returns a request to export logs.

    Raises:
        ValidationError: it is none.
    """
    return _decode(body, LOGS_REQUEST, is_json=is_json)


def decode_metrics(body: bytes, *, is_json: bool) -> dict[str, Any]:
    """Returns a request to export metrics.

    Raises:
        ValidationError: it is none.
    """
    return _decode(body, METRICS_REQUEST, is_json=is_json)


def _decode(body: bytes, message: Message, *, is_json: bool) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body) if is_json else decode(body, message)
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"the request is not OTLP: {error}", hint="send protobuf, or JSON as JSON") from error
    if not isinstance(found, dict):
        raise ValidationError("the request is not OTLP: it is no object", hint="see opentelemetry-proto")
    return found


def entries(request: Mapping[str, Any], at: float) -> Iterator[LogEntry]:
    """Yields what the log records of a request say.

    Args:
        at: of records that have no time, in seconds since the epoch.

    Raises:
        ValidationError: something in it has the wrong type.
    """
    try:
        for group in request.get("resourceLogs") or ():
            resource = attributes((group.get("resource") or {}).get("attributes"))
            for scoped in group.get("scopeLogs") or ():
                scope = (scoped.get("scope") or {}).get("name") or ""
                for record in scoped.get("logRecords") or ():
                    yield _entry(record, resource, str(scope), at)
    except (AttributeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValidationError(f"a log record is not as OTLP has it: {error}", hint="see logs.proto") from error


def _entry(record: Mapping[str, Any], resource: Mapping[str, Any], scope: str, at: float) -> LogEntry:
    own = attributes(record.get("attributes"))
    left = {**resource, **own}
    service, host = left.pop("service.name", ""), left.pop("host.name", "")
    status = next((code for name in fields.STATUS if (code := fields.http_status(own.get(name)))), None)
    if scope:
        left["scope"] = scope
    if span := identifier(record.get("spanId")):
        left["span_id"] = span
    if name := record.get("eventName"):
        left["event_name"] = name
    nanoseconds = integer(record.get("timeUnixNano")) or integer(record.get("observedTimeUnixNano"))
    return LogEntry(
        timestamp=moment_of(nanoseconds // 1000 / 1e6 if nanoseconds else at),
        severity=_severity(record),
        service=fields.as_text(service),
        host=fields.as_text(host),
        device_type="application",
        message=fields.as_text(value(record.get("body"))) if record.get("body") else "",
        status=status,
        trace_id=identifier(record.get("traceId")),
        source=SOURCE,
        attributes={name: fields.as_text(one) for name, one in left.items()},
    )


def _severity(record: Mapping[str, Any]) -> LogSeverity:
    number = integer(record.get("severityNumber") or 0)
    return _SEVERITIES[(number - 1) // 4] if 1 <= number <= 24 else severity_of(record.get("severityText"))


def attributes(pairs: Any) -> dict[str, Any]:
    """Returns attributes by their names."""
    return {str(pair.get("key", "")): value(pair.get("value")) for pair in pairs or ()}


def value(found: Any) -> Any:
    """Returns what an AnyValue holds, as JSON can hold it."""
    match found or {}:
        case {"stringValue": text}:
            return str(text)
        case {"boolValue": flag}:
            return bool(flag)
        case {"intValue": number}:
            return integer(number)
        case {"doubleValue": number}:
            return float(number)
        case {"bytesValue": raw}:
            return base64.b64encode(raw).decode() if isinstance(raw, bytes) else str(raw)
        case {"arrayValue": items}:
            return [value(item) for item in items.get("values") or ()]
        case {"kvlistValue": pairs}:
            return attributes(pairs.get("values"))
    return ""


def integer(found: Any) -> int:
    """Returns a whole number; JSON has those of 64 bits as text."""
    return int(found) if found else 0


def identifier(found: Any) -> str | None:
    """Returns a trace's or span's identifier in hexadecimal digits; None for one that is absent or zero."""
    text = found.hex() if isinstance(found, bytes) else str(found or "").lower()
    return text if text.strip("0") else None
