"""``cron(...)``: slots by the calendar of a time zone.

Daylight saving time is EventBridge Scheduler's: a local time that the clocks skip has no slot, and one that they repeat
has one slot, at its first passing.
Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from penstock.errors import UsageError
from penstock.schedules.days import DayRule, parse_days
from penstock.schedules.fields import HOURS, MINUTES, MONTH, YEAR, parse_values
from penstock.schedules.timetable import FIRST_MOMENT, LAST_MOMENT, Timetable
from penstock.schedules.wording import MONTHS, clock_name, listed, times_of_day
from penstock.schedules.zones import find_zone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_YEAR_SECONDS = 366 * 86_400.0
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class CronTimetable(Timetable):
    """Slots at certain minutes of certain days.

    It steps over months and days that match, and finds the time of day by bisection: the cost of an answer does not
    depend on how far away the slot is, beyond a few microseconds for each month between.
    """

    def __init__(
        self,
        *,
        minutes: tuple[int, ...],
        hours: tuple[int, ...],
        days: DayRule,
        months: tuple[int, ...],
        years: tuple[int, ...],
        zone: ZoneInfo,
    ) -> None:
        self._minutes = minutes
        self._hours = hours
        self._days = days
        self._months = months
        self._years = years
        self._zone = zone
        self._offsets = tuple(float(hour * 3600 + minute * 60) for hour in hours for minute in minutes)
        self._widest_gap = _widest(self._offsets)
        self._days_of_months: dict[tuple[int, int], Sequence[int]] = {}

    def next(self, after: float) -> float | None:
        if after >= LAST_MOMENT:
            return None
        for day in self._days_from(self._local_date(after)):
            start, offsets = self._slots_of(day)
            index = bisect_right(offsets, after - start)
            if index < len(offsets):
                return start + offsets[index]
        return None

    def previous(self, at: float) -> float | None:
        if at < FIRST_MOMENT:
            return None
        # Clocks that are set back over midnight leave slots of the next date behind them.
        for day in self._days_back_from(self._local_date(at) + _DAY):
            start, offsets = self._slots_of(day)
            index = bisect_right(offsets, at - start)
            if index:
                return start + offsets[index - 1]
        return None

    def between(self, after: float, until: float) -> Iterator[float]:
        for start, offsets in self._stretches(after, until):
            for offset in offsets:
                yield start + offset

    def count(self, after: float, until: float) -> int:
        return sum(len(offsets) for _, offsets in self._stretches(after, until))

    def cadence(self, at: float) -> float:
        first = self.previous(at)
        first = self.next(at) if first is None else first
        if first is None:
            return math.inf
        last = self.next(max(first, at + _YEAR_SECONDS))
        last = LAST_MOMENT if last is None else last
        widest, latest = 0.0, first
        for start, offsets in self._stretches(first, last):
            inside = self._widest_gap if offsets is self._offsets else _widest(offsets)
            widest = max(widest, start + offsets[0] - latest, inside)
            latest = start + offsets[-1]
        return widest or math.inf

    def describe(self) -> str:
        times = times_of_day(self._minutes, self._hours)
        parts = [times, self._days.describe() or ("every day" if times[3].isdigit() else "")]
        if len(self._months) < 12:
            parts.append(f"in {listed(self._months, MONTHS)}")
        if len(self._years) < YEAR.high - YEAR.low + 1:
            parts.append(f"in {listed(self._years)}")
        return f"{' '.join(filter(None, parts))}, {clock_name(self._zone.key)}"

    def _local_date(self, at: float) -> date:
        moment = math.floor(min(max(at, FIRST_MOMENT), LAST_MOMENT))
        return datetime.fromtimestamp(moment, self._zone).date()

    def _days_of(self, year: int, month: int) -> Sequence[int]:
        first_weekday = date(year, month, 1).isoweekday() % 7 + 1
        is_leap = month == 2 and (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
        kind = (first_weekday, _LENGTHS[month - 1] + is_leap)
        if kind not in self._days_of_months:
            self._days_of_months[kind] = self._days.days(*kind)
        return self._days_of_months[kind]

    def _days_from(self, first: date) -> Iterator[date]:
        for year in self._years[bisect_left(self._years, first.year) :]:
            for month in self._months:
                if (year, month) >= (first.year, first.month):
                    days = (date(year, month, day) for day in self._days_of(year, month))
                    yield from (day for day in days if day >= first)

    def _days_back_from(self, last: date) -> Iterator[date]:
        for year in reversed(self._years[: bisect_right(self._years, last.year)]):
            for month in reversed(self._months):
                if (year, month) <= (last.year, last.month):
                    days = (date(year, month, day) for day in reversed(self._days_of(year, month)))
                    yield from (day for day in days if day <= last)

    def _slots_of(self, day: date) -> tuple[float, Sequence[float]]:
        """The beginning of a local day, and its slots in seconds from there."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        start = midnight.timestamp()
        if midnight.utcoffset() == (midnight + _DAY).utcoffset():
            return start, self._offsets
        return start, [slot - start for slot in map(self._moment, self._walls(midnight)) if slot is not None]

    def _walls(self, midnight: datetime) -> Iterator[datetime]:
        for offset in self._offsets:
            yield midnight + timedelta(seconds=offset)

    def _moment(self, wall: datetime) -> float | None:
        """The first moment at which clocks show a local time; None when they skip it."""
        moment = wall.timestamp()
        shown = datetime.fromtimestamp(moment, self._zone)
        return moment if shown.replace(tzinfo=None) == wall.replace(tzinfo=None) else None

    def _stretches(self, after: float, until: float) -> Iterator[tuple[float, Sequence[float]]]:
        """The days that have slots in ``after < slot <= until``, each with those slots."""
        if after >= LAST_MOMENT:
            return
        for day in self._days_from(self._local_date(after)):
            start, offsets = self._slots_of(day)
            if offsets and start + offsets[0] > until:
                return
            low, high = bisect_right(offsets, after - start), bisect_right(offsets, until - start)
            if low < high:
                yield start, offsets if high - low == len(offsets) else offsets[low:high]


def _widest(offsets: Sequence[float]) -> float:
    return max((later - earlier for earlier, later in pairwise(offsets)), default=0.0)


def parse_cron(body: str, timezone: str) -> CronTimetable:
    """Returns the timetable of what stands in ``cron(...)``. The year may be left out.

    Raises:
        UsageError: names the field that is wrong.
    """
    zone = find_zone(timezone)
    fields = re.split(r"[ \t]+", body.strip(" \t").upper())
    if len(fields) not in {5, 6}:
        raise UsageError(
            f"cron({body}) has {len(fields) if body.strip() else 0} fields",
            hint="write cron(minutes hours day-of-month month day-of-week year), as in cron(0 8 ? * MON-FRI *)",
            field="cron",
        )
    minutes, hours, of_month, month, of_week, year = fields if len(fields) == 6 else [*fields, "*"]
    return CronTimetable(
        minutes=parse_values(MINUTES, minutes),
        hours=parse_values(HOURS, hours),
        days=parse_days(of_month, of_week),
        months=parse_values(MONTH, month),
        years=parse_values(YEAR, year),
        zone=zone,
    )
