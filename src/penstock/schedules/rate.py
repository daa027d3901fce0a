"""``rate(...)``: slots at a fixed interval.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based and, for the rule of
singular and plural, https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock.errors import UsageError
from penstock.schedules.timetable import LAST_MOMENT, Timetable

UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(r"([0-9]+)[ \t]+([A-Za-z]+)", re.ASCII)


class RateTimetable(Timetable):
    """Slots at the multiples of an interval since the epoch, in UTC, whatever the clocks of a time zone do.

    EventBridge counts from a schedule's ``StartDate``; a start date that is such a multiple gives the same slots.
    """

    def __init__(self, value: int, unit: str) -> None:
        self._value = value
        self._unit = unit
        self._interval = value * UNITS[unit]

    def next(self, after: float) -> float | None:
        if after < 0:
            return 0.0
        if after >= LAST_MOMENT:
            return None
        slot = (int(after // self._interval) + 1) * self._interval
        return float(slot) if slot < LAST_MOMENT else None

    def previous(self, at: float) -> float | None:
        return float(self._index(at) * self._interval) if at >= 0 else None

    def between(self, after: float, until: float) -> Iterator[float]:
        for index in range(self._index(after) + 1, self._index(until) + 1):
            yield float(index * self._interval)

    def count(self, after: float, until: float) -> int:
        return max(0, self._index(until) - self._index(after))

    def cadence(self, at: float) -> float:
        return float(self._interval)

    def describe(self) -> str:
        return f"every {self._unit}" if self._value == 1 else f"every {self._value} {self._unit}s"

    @property
    def machine_only(self) -> bool:
        return self._unit == "second"

    def _index(self, at: float) -> int:
        """The number of the last slot at or before a moment; -1 before the first."""
        if at < 0:
            return -1
        return int(min(at, LAST_MOMENT - 1) // self._interval)


def parse_rate(body: str) -> RateTimetable:
    """Returns the timetable of what stands in ``rate(...)``.

    Raises:
        UsageError: it is no positive whole number of minutes, hours or days (or, on a machine, seconds).
    """
    match = _RATE.fullmatch(body)
    if match is None:
        raise UsageError(
            f"rate({body}) is not a whole number and a unit", hint="write it like rate(3 hours)", field="value"
        )
    value, unit = int(match[1]), match[2]
    singular = unit.removesuffix("s")
    if singular not in UNITS:
        raise UsageError(
            f"rate({body}): unit {unit!r} is unknown", hint="use minutes, hours, days, or seconds", field="unit"
        )
    if value == 0:
        raise UsageError(f"rate({body}): the value is zero", hint="give a value of at least 1", field="value")
    wanted = singular if value == 1 else f"{singular}s"
    if unit != wanted:
        raise UsageError(
            f"rate({body}): unit {unit!r} does not fit the value", hint=f"write rate({value} {wanted})", field="unit"
        )
    if value * UNITS[singular] >= LAST_MOMENT:
        raise UsageError(
            f"rate({body}) has no slot before the year 2200", hint="give a shorter interval", field="value"
        )
    return RateTimetable(value, singular)
