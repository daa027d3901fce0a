"""Dates in every style → UTC, as text in ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

LENGTH_LIMIT = 64
MONTHS: dict[str, int] = {}
for _number, _names in enumerate(
    (
        "jan january januar jänner janvier enero ene gennaio janeiro januari",
        "feb february februar février fevrier febrero febbraio fevereiro februari",
        "mar march märz maerz mrz mars marzo março maart",
        "apr april avril avr abril abr aprile",
        "may mai mayo maggio maio mei",
        "jun june juni juin junio giugno junho",
        "jul july juli juillet juil julio luglio julho",
        "aug august août aout agosto ago augustus",
        "sep sept september septembre septiembre settembre setembro",
        "oct october oktober okt octobre octubre ottobre outubro",
        "nov november novembre noviembre novembro",
        "dec december dezember dez décembre decembre diciembre dic dicembre dezembro",
    ),
    start=1,
):
    MONTHS.update(dict.fromkeys(_names.split(), _number))

_TIME = (
    r"(?:[\sT,]+(?:at\s+|um\s+|à\s+)?(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?(?:\s*Uhr)?)?\s*(?P<zone>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}:?\d{2})?"
)
_WEEKDAY = r"(?:[^\W\d_]{2,10}\.?,?\s+)?"
_STYLES = tuple(
    re.compile(pattern + _TIME, re.IGNORECASE)
    for pattern in (
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<one>\d{1,2})(?P<sign>[-/.])(?P<two>\d{1,2})[-/.](?P<year>\d{4}|\d{2})",
        _WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?[\s\-./]*(?:de\s+)?(?P<word>[^\W\d_]{3,10})\.?,?"
        r"[\s\-./]*(?:de\s+)?(?P<year>\d{4}|\d{2})",
        _WEEKDAY + r"(?P<word>[^\W\d_]{3,10})\.?[\s\-]+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?[\s\-]+(?P<year>\d{4})",
    )
)
_NUMBER = re.compile(r"\d{5}(?:\.\d+)?|\d{10}|\d{13}")
# Day 0 of spreadsheets; 20,000 is in 1954, and 80,000 in 2119.
_SPREADSHEET = datetime(1899, 12, 30, tzinfo=UTC)
_EARLIEST_YEAR, _LATEST_YEAR = 1970, 2199


def read_date(text: str, day_first: bool) -> str | None:
    """Returns a date or time in UTC as ``2026-02-20 07:45:00``; ``None`` when it is none, or before 1970.

    Args:
        text: in ISO 8601, in numbers, in words of six languages, as a spreadsheet's day, or in seconds or
            milliseconds since 1970. A time without a zone is in UTC.
        day_first: whether 03/04/2026 is in April.
    """
    bare = text[:LENGTH_LIMIT].strip()
    at = _of_number(bare) if _NUMBER.fullmatch(bare) else None
    for style in _STYLES:
        match = style.fullmatch(bare) if at is None else None
        if match is not None:
            at = _of_match(match, day_first=day_first)
    if at is None or not _EARLIEST_YEAR <= at.year <= _LATEST_YEAR:
        return None
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _of_number(text: str) -> datetime | None:
    value = float(text)
    if len(text) == 13:
        return datetime.fromtimestamp(value / 1000, UTC)
    if len(text) == 10 and "." not in text:
        return datetime.fromtimestamp(value, UTC)
    if 20_000 <= value <= 80_000:
        return _SPREADSHEET + timedelta(days=value)
    return None


def _of_match(match: re.Match[str], *, day_first: bool) -> datetime | None:
    found = match.groupdict()
    if "one" in found:
        one, two = int(found["one"]), int(found["two"])
        # Points are written where the day comes first; a number above 12 is no month.
        first = one > 12 or (two <= 12 and (day_first or found["sign"] == "."))
        day, month = (one, two) if first else (two, one)
    else:
        day = int(found["day"])
        month = MONTHS.get(found["word"].casefold(), 0) if "word" in found else int(found["month"])
    hour = int(found["hour"] or 0)
    half = (found["half"] or "").casefold()[:1]
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        at = datetime(
            _year(found["year"]), month, day, hour, int(found["minute"] or 0), int(found["second"] or 0), tzinfo=UTC
        )
        return at - _offset(found["zone"] or "")
    except (ValueError, OverflowError):
        return None


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 70 else 1900)


def _offset(zone: str) -> timedelta:
    match = re.search(r"([+-])(\d{2}):?(\d{2})", zone)
    if match is None:
        return timedelta()
    size = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return size if match[1] == "+" else -size
