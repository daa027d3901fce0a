"""Syslog: RFC 3164 and RFC 5424, as sent (with a priority) and as syslog daemons write it to files (without).

Severities are those of the priority; a file's line without one has the severity UNKNOWN unless its message begins with
a word for one.
"""

from __future__ import annotations

import re
from datetime import datetime

from penstock.logs.entry import SYSLOG_SEVERITIES, LogEntry, LogSeverity, Origin, moment_of, severity_of
from penstock.logs.timestamps import iso_moment, yearless_moment

BOM = "\ufeff"
# Facilities 0 to 23, times 8, and a severity: RFC 3164, section 4.1.1; RFC 5424, section 6.2.1.
LAST_PRIORITY = 191
_PRIORITY = re.compile(r"<(\d{1,3})>", re.ASCII)
_NEW = re.compile(r"<(\d{1,3})>1 (-|\S{1,40}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) (?=-|\[)", re.ASCII)
_OLD = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d)(?: (\S+))?(?: |$)", re.ASCII)
_FILED = re.compile(r"(\d{4}-\d\d-\d\dT\S{8,24}) (\S+) (?=\S+:)", re.ASCII)
_TAG = re.compile(r"([^\s:\[\]]{1,48})(?:\[([^\]\s]{1,64})\])?: ?")
_ELEMENT = re.compile(r"\[([^ =\]\"]{1,32})((?: [^ =\]\"]{1,32}=\"(?:[^\"\\\]]|\\.)*\")*)\]", re.DOTALL)
_PARAMETER = re.compile(r" ([^ =\]\"]{1,32})=\"((?:[^\"\\\]]|\\.)*)\"", re.DOTALL)
_ESCAPED = re.compile(r"\\([\"\\\]])")
_LEADING = re.compile(r"[\[<]?([A-Za-z]{3,13})[\]>]?:\s")
_FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip


def parse_5424(text: str, origin: Origin) -> LogEntry | None:
    """Returns what a line of RFC 5424, section 6, says; None for any other."""
    found = _NEW.match(text)
    if found is None or int(found[1]) > LAST_PRIORITY:
        return None
    priority, when, host, application, process, message_id = found.groups()
    moment = moment_of(origin.at) if when == "-" else iso_moment(when, origin)
    structured = _structured(text, found.end())
    if moment is None or structured is None:
        return None
    attributes, end = structured
    attributes |= {"facility": _FACILITIES[int(priority) // 8]}
    attributes |= {name: v for name, v in (("pid", process), ("message_id", message_id)) if v != "-"}
    return LogEntry(
        timestamp=moment,
        severity=SYSLOG_SEVERITIES[int(priority) % 8],
        service=origin.service if application == "-" else application,
        host=origin.host if host == "-" else host,
        device_type="server",
        message=text[end:].removeprefix(" ").removeprefix(BOM),
        source=origin.source,
        attributes=attributes,
    )


def _structured(text: str, start: int) -> tuple[dict[str, str], int] | None:
    """Returns the parameters of the structured data that begin at a place, and where they end: section 6.3."""
    attributes: dict[str, str] = {}
    end = start
    if text.startswith("-", start):
        end += 1
    while found := _ELEMENT.match(text, end):
        for name, value in _PARAMETER.findall(found[2]):
            attributes[f"{found[1]}.{name}"] = _ESCAPED.sub(r"\1", value)
        end = found.end()
    complete = end > start and (end == len(text) or text[end] == " ")
    return (attributes, end) if complete else None


def parse_3164(text: str, origin: Origin) -> LogEntry | None:
    """Returns what a line of RFC 3164, section 4, says, also as daemons write it to files; None for any other.

    A line with a valid priority alone is one as well: the receiver adds what it lacks (section 4.3).
    """
    priority = _PRIORITY.match(text) if text.startswith("<") else None
    if priority is not None and int(priority[1]) > LAST_PRIORITY:
        return None
    rest = text[priority.end() :] if priority else text
    moment, host, content = _header(rest, origin)
    if moment is None and priority is None:
        return None
    tag = _TAG.match(content)
    message = content[tag.end() :] if tag else content
    attributes = {"facility": _FACILITIES[int(priority[1]) // 8]} if priority else {}
    if tag and tag[2]:
        attributes["pid"] = tag[2]
    return LogEntry(
        timestamp=moment or moment_of(origin.at),
        severity=SYSLOG_SEVERITIES[int(priority[1]) % 8] if priority else leading_severity(message),
        service=tag[1] if tag else origin.service,
        host=host or origin.host,
        device_type="server",
        message=message,
        source=origin.source,
        attributes=attributes,
    )


def _header(text: str, origin: Origin) -> tuple[datetime | None, str, str]:
    """Returns the time, the host and the rest; None and all of the text where there is no header."""
    if found := _OLD.match(text):
        moment = yearless_moment(found[1], int(found[2]), found[3], origin)
        host = found[4]
        # Without a host the tag stands in its place.
        if moment and host and host.endswith(":"):
            return moment, "", text[found.start(4) :]
        return (moment, host or "", text[found.end() :]) if moment else (None, "", text)
    if found := _FILED.match(text):
        moment = iso_moment(found[1], origin)
        return (moment, found[2], text[found.end() :]) if moment else (None, "", text)
    return None, "", text


def leading_severity(message: str) -> LogSeverity:
    """Returns the severity that a message's first word says, such as ``error: …``; UNKNOWN where it says none."""
    found = _LEADING.match(message)
    return severity_of(found[1]) if found else "UNKNOWN"
