"""Text that applications log: a time, a level and a message, as Python's logging and Java's log4j and logback have it.

Several orders are read: ``2026-02-20 07:57:00,123 ERROR checkout: no stock`` (log4j, Python), ``… - checkout - ERROR -
no stock`` (Python's documentation), ``ERROR:root:no stock`` (Python's default), ``[2026-02-20T07:57:00Z] ERROR …``.
"""

from __future__ import annotations

import re
from datetime import datetime

from penstock.logs.entry import LogEntry, LogSeverity, Origin, moment_of, severity_of
from penstock.logs.timestamps import clock_moment

_TIME = re.compile(
    r"\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(?:\s?(Z|[+-]\d\d:?\d\d)\b)?\]?[\s:|-]*", re.ASCII
)
_LEVELS = "TRACE|DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|SEVERE|CRITICAL|FATAL|PANIC"
_LEVEL = re.compile(rf"[\[(]?({_LEVELS}|{_LEVELS.lower()})[\])]?(?=[\s:|-]|\Z)\s*(?:[:|-]\s*)?", re.ASCII)
_BARE = re.compile(rf"({_LEVELS}):([\w.]+):", re.ASCII)
# What may stand between the time and the level: a thread in brackets, a logger's name, a process's number.
_BETWEEN = re.compile(r"(?:(\[[^\]]{1,80}\]|[\w.$/@-]{1,80})\s*(?:-\s+)?)", re.ASCII)
_LOGGER = re.compile(r"(?:\d+ --- )?(?:\[[^\]]{1,80}\]\s+){0,3}([A-Za-z_][\w.$]{0,120})\s*(?: -|:)\s", re.ASCII)
_TRACE = re.compile(
    r"\A(?:Traceback \(most recent call last\):|Exception in thread \"|(?:[\w$]+\.)+\w*(?:Exception|Error)\b)"
)


def parse(text: str, origin: Origin) -> LogEntry | None:
    """Returns what a line, or one with its trace, says that begins with a time and a level; None for any other.

    A trace that no such line leads in is an ERROR.
    """
    if not text[:1].isdigit() and text[:1] != "[":
        return _untimed(text, origin)
    first = text.partition("\n")[0]
    when = _TIME.match(first)
    moment = clock_moment(when[1], when[2], when[3], origin) if when else None
    if when is None or moment is None:
        return _untimed(text, origin)
    end, service = when.end(), ""
    for _ in range(4):
        if level := _LEVEL.match(first, end):
            return _leveled(text, origin, moment, level, service)
        between = _BETWEEN.match(first, end)
        if between is None:
            break
        service = "" if between[1].startswith("[") or between[1].isdigit() else between[1].strip("-")
        end = between.end()
    return None


def _untimed(text: str, origin: Origin) -> LogEntry | None:
    if bare := _BARE.match(text):
        return _entry(text, origin, None, severity_of(bare[1]), bare[2], bare.end())
    return _entry(text, origin, None, "ERROR", "", 0) if _TRACE.match(text) else None


def parse_timed(text: str, origin: Origin) -> LogEntry | None:
    """Returns a line that begins with a time, whatever follows; None for any other."""
    when = _TIME.match(text)
    moment = clock_moment(when[1], when[2], when[3], origin) if when else None
    return _entry(text, origin, moment, "UNKNOWN", "", when.end()) if when and moment else None


def _leveled(text: str, origin: Origin, moment: datetime, level: re.Match[str], service: str) -> LogEntry:
    end = level.end()
    if not service and (logger := _LOGGER.match(level.string, end)):
        service, end = logger[1], logger.end()
    return _entry(text, origin, moment, severity_of(level[1]), service, end)


def _entry(
    text: str, origin: Origin, moment: datetime | None, severity: LogSeverity, service: str, start: int
) -> LogEntry:
    return LogEntry(
        timestamp=moment or moment_of(origin.at),
        severity=severity,
        service=service or origin.service,
        host=origin.host,
        device_type="application",
        message=text[start:],
        source=origin.source,
    )
