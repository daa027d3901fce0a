"""The journal's JSON format, as ``journalctl -o json`` exports it.

A field is text; a list of numbers where it is no text; a list of those where it occurs several times; null where it
was too large. https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format
"""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.logs.entry import SYSLOG_SEVERITIES, LogEntry, Origin, moment_of
from penstock.logs.fields import as_text
from penstock.logs.timestamps import any_moment

_NAMES = ("SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_COMM")
_TAKEN = {"MESSAGE", "PRIORITY", "_HOSTNAME"}
_TIMES = ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP")


def parse(text: str, origin: Origin) -> LogEntry | None:
    """Returns what an entry of the journal says; None for any other line."""
    if "__REALTIME_TIMESTAMP" not in text or not text.startswith("{"):
        return None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(found, dict) or "__REALTIME_TIMESTAMP" not in found:
        return None
    values = {name: _text(value) for name, value in found.items() if value is not None}
    moment = next((m for name in _TIMES if (m := any_moment(values.get(name), origin))), None)
    priority = values.get("PRIORITY", "")
    service = next((name for name in _NAMES if values.get(name)), None)
    taken = {*_TAKEN, *_TIMES, *([service] if service else [])}
    return LogEntry(
        timestamp=moment or moment_of(origin.at),
        severity=SYSLOG_SEVERITIES[int(priority)] if priority in set("01234567") else "UNKNOWN",
        service=values[service] if service else origin.service,
        host=values.get("_HOSTNAME") or origin.host,
        device_type="server",
        message=values.get("MESSAGE", text),
        source=origin.source,
        attributes={name: value for name, value in values.items() if name not in taken},
    )


def _text(value: Any) -> str:
    if isinstance(value, list) and value and all(type(one) is int and 0 <= one <= 255 for one in value):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, list):
        return "\n".join(map(_text, value))
    return as_text(value)
