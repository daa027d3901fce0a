"""``at(...)``: one slot.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#one-time
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime

from penstock.errors import UsageError
from penstock.schedules.timetable import Timetable
from penstock.schedules.wording import clock_name
from penstock.schedules.zones import find_zone

_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)


class OnceTimetable(Timetable):
    """A single slot."""

    def __init__(self, slot: float, wall: str, timezone: str) -> None:
        self._slot = slot
        self._wall = wall
        self._timezone = timezone

    def next(self, after: float) -> float | None:
        return self._slot if after < self._slot else None

    def previous(self, at: float) -> float | None:
        return self._slot if self._slot <= at else None

    def between(self, after: float, until: float) -> Iterator[float]:
        if after < self._slot <= until:
            yield self._slot

    def count(self, after: float, until: float) -> int:
        return int(after < self._slot <= until)

    def cadence(self, at: float) -> float:
        return math.inf

    def describe(self) -> str:
        return f"once, on {self._wall.replace('T', ' at ')}, {clock_name(self._timezone)}"


def parse_once(body: str, timezone: str) -> OnceTimetable:
    """Returns the timetable of what stands in ``at(...)``. Of a local time that comes twice, the first counts.

    Raises:
        UsageError: it is no date and time from 1970 to 2199, or the time zone's clocks skip it.
    """
    zone = find_zone(timezone)
    try:
        wall = datetime.fromisoformat(body) if _AT.fullmatch(body) else None
    except ValueError:
        wall = None
    if wall is None:
        raise UsageError(
            f"at({body}) is not a date and time", hint="write it like at(2026-02-20T07:57:00)", field="date and time"
        )
    if not 1970 <= wall.year <= 2199:
        raise UsageError(
            f"at({body}): year {wall.year} is out of range", hint="give a year from 1970 to 2199", field="year"
        )
    slot = wall.replace(tzinfo=zone).timestamp()
    if datetime.fromtimestamp(slot, zone).replace(tzinfo=None) != wall:
        after = datetime.fromtimestamp(slot, zone).strftime("%Y-%m-%dT%H:%M:%S")
        raise UsageError(
            f"at({body}) does not exist in {timezone}: the clocks are set forward over it",
            hint=f"write at({after})",
            field="date and time",
        )
    return OnceTimetable(slot, body, timezone)
