"""Times as log lines write them, and the moments that they mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from penstock.logs.entry import Origin, moment_of

MONTHS = {
    "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
    "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
_CLOCK = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)", re.ASCII)
CLOCK_CHARACTERS = 19
_AFTER_CLOCK = re.compile(r"(?:[.,](\d{1,9}))?\s?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_SLASHED = re.compile(r"(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-]\d{4})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEAST_SECONDS, MOST_SECONDS = 1e8, 1e11
# A line's clock may be this far ahead of ours before its year is taken to be the last one.
AHEAD = timedelta(days=2)


def iso_moment(text: str, origin: Origin) -> datetime | None:
    """Returns what an ISO 8601 or RFC 3339 time means; None for other text.

    A comma before the fraction, and a space in place of the T, are Python's and Java's ways. Digits past microseconds
    are left out.
    """
    found = _AFTER_CLOCK.fullmatch(text, CLOCK_CHARACTERS)
    return clock_moment(text[:CLOCK_CHARACTERS], found[1], found[2], origin) if found else None


def clock_moment(clock: str, fraction: str | None, zone: str | None, origin: Origin) -> datetime | None:
    """Returns what the parts of an ISO 8601 time mean; None where the first is no date with a time to the second."""
    second = _clock_second(clock, zone or "", origin.zone)
    if second is None:
        return None
    # Faster than to replace the microseconds, or to add them.
    return datetime(*second, int(fraction[:6].ljust(6, "0")) if fraction else 0, tzinfo=UTC)


# Lines that follow each other are mostly of the same second.
@lru_cache(4096)
def _clock_second(clock: str, zone: str, otherwise: Any) -> tuple[int, int, int, int, int, int] | None:
    found = _CLOCK.fullmatch(clock)
    if found is None:
        return None
    one = _second(tuple(map(int, found.groups())), zone, otherwise)
    return one.year, one.month, one.day, one.hour, one.minute, one.second


@lru_cache(4096)
def access_moment(text: str) -> datetime | None:
    """Returns what a time of an access log means, such as ``10/Oct/2000:13:55:36 -0700``; None for other text."""
    found = _SLASHED.fullmatch(text)
    if found is None or found[2] not in MONTHS:
        return None
    day, month, year, hour, minute, second, zone = found.groups()
    return _second((int(year), MONTHS[month], int(day), int(hour), int(minute), int(second)), zone, UTC)


def _second(clock: tuple[int, ...], zone: str, otherwise: Any) -> datetime:
    year, month, day, hour, minute, second = clock
    # A leap second is the next minute's first, as POSIX has it.
    plain = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(zone) if zone else otherwise)
    return (plain + timedelta(seconds=1 if second == 60 else 0)).astimezone(UTC)


def _zone(text: str) -> timezone:
    if text in {"Z", "z"}:
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def yearless_moment(month: str, day: int, clock: str, origin: Origin) -> datetime | None:
    """Returns the newest moment that a time without a year can mean, and that is not after the origin's.

    RFC 3164, section 4.1.2: ``Mmm dd hh:mm:ss`` in the sender's local time.
    """
    return _yearless_moment(month, day, clock, origin.at // 86_400, origin.zone)


@lru_cache(4096)
def _yearless_moment(month: str, day: int, clock: str, epoch_day: float, zone: Any) -> datetime | None:
    if month not in MONTHS:
        return None
    hour, minute, second = (int(part) for part in clock.split(":"))
    newest = moment_of(epoch_day * 86_400) + AHEAD
    # Eight years hold a 29 February, whatever the century.
    for year in range(newest.year, newest.year - 9, -1):
        try:
            found = _second((year, MONTHS[month], day, hour, minute, second), "", zone)
        except ValueError:
            continue
        if found <= newest:
            return found
    return None


def any_moment(value: Any, origin: Origin) -> datetime | None:
    """Returns what a field means: ISO 8601 text, or a number since the epoch whose size tells its unit; or None."""
    if type(value) is float and LEAST_SECONDS <= value < MOST_SECONDS:
        return moment_of(value)
    try:
        return _any_moment(value, origin)
    except (ValueError, OverflowError):
        return None


def _any_moment(value: Any, origin: Origin) -> datetime | None:
    if isinstance(value, str):
        text = value.strip()
        if (found := iso_moment(text, origin)) or (found := access_moment(text)):
            return found
        if not _NUMBER.fullmatch(text):
            return None
        value = float(text) if "." in text else int(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    size = abs(value)
    # In seconds these are the years 1973 to 5138; in each finer unit the same.
    if size < LEAST_SECONDS:
        return None
    divisor = 1 if size < MOST_SECONDS else 1000 if size < 1e14 else 1_000_000 if size < 1e17 else 1_000_000_000
    micros = value * 1_000_000 // divisor if isinstance(value, int) else int(value / divisor * 1e6)
    return _EPOCH + timedelta(microseconds=micros)
