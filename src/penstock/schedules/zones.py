"""IANA time zones by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.errors import UsageError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def find_zone(name: str) -> ZoneInfo:
    """Returns a time zone.

    Raises:
        UsageError: the time zone database has no such name.
    """
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(f"unknown time zone {name[:64]!r}", hint=_hint(name[:64]), field="timezone") from None


def _hint(name: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = {zone.lower(): zone for zone in available_timezones()}
    matches = get_close_matches(name.strip().lower().replace(" ", "_"), known, n=1)
    example = known[matches[0]] if matches else "Europe/Berlin"
    return f"give a name of the IANA time zone database, such as {example}"
