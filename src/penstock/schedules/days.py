"""Which days of a month a cron expression means: day-of-month or day-of-week, with ``L``, ``W`` and ``#``.

Weekdays are EventBridge's: 1 is Sunday, 7 is Saturday. ``L``, ``W`` and ``#`` stand alone in their field.
Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from penstock.schedules.fields import DAY_OF_MONTH, DAY_OF_WEEK, parse_value, parse_values
from penstock.schedules.wording import DAYS, listed, named_days, ordinal

SUNDAY, SATURDAY = 1, 7


class DayRule(Protocol):
    """Chooses days of a month."""

    def days(self, first_weekday: int, length: int) -> Sequence[int]:
        """Returns the days of a month, ascending. ``first_weekday`` is that of its first day, ``length`` its days."""
        ...

    def describe(self) -> str:
        """Returns the rule in plain English; empty for every day."""
        ...


def _weekday(day: int, first_weekday: int) -> int:
    return (first_weekday + day - 2) % 7 + 1


def _nearest_weekday(day: int, first_weekday: int, length: int) -> int:
    """The Monday to Friday closest to a day, within the same month."""
    weekday = _weekday(day, first_weekday)
    if weekday == SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == SUNDAY:
        return day + 1 if day < length else day - 2
    return day


@dataclass(frozen=True)
class DaysOfMonth:
    """``1,15`` or ``*``: a month that is too short for a day goes without it."""

    values: tuple[int, ...]

    def days(self, first_weekday: int, length: int) -> Sequence[int]:
        return [day for day in self.values if day <= length]

    def describe(self) -> str:
        if len(self.values) == 31:
            return ""
        return f"on day{'s' if len(self.values) > 1 else ''} {listed(self.values)} of the month"


@dataclass(frozen=True)
class LastDay:
    """``L``: the last day of the month."""

    def days(self, first_weekday: int, length: int) -> Sequence[int]:
        return [length]

    def describe(self) -> str:
        return "on the last day of the month"


@dataclass(frozen=True)
class LastWeekday:
    """``LW``: the last Monday to Friday of the month."""

    def days(self, first_weekday: int, length: int) -> Sequence[int]:
        return [_nearest_weekday(length, first_weekday, length)]

    def describe(self) -> str:
        return "on the last weekday of the month"


@dataclass(frozen=True)
class NearestWeekday:
    """``15W``: the Monday to Friday closest to a day; none in a month that is too short for that day."""

    day: int

    def days(self, first_weekday: int, length: int) -> Sequence[int]:
        return [_nearest_weekday(self.day, first_weekday, length)] if self.day <= length else []

    def describe(self) -> str:
        return f"on the weekday nearest to day {self.day} of the month"


@dataclass(frozen=True)
class Weekdays:
    """``MON-FRI``: certain days of every week."""

    values: tuple[int, ...]

    def days(self, first_weekday: int, length: int) -> Sequence[int]:
        return [day for day in range(1, length + 1) if _weekday(day, first_weekday) in self.values]

    def describe(self) -> str:
        return "" if len(self.values) == 7 else f"on {named_days(self.values)}"


@dataclass(frozen=True)
class LastOfWeekday:
    """``6L``: the last Friday of the month."""

    weekday: int

    def days(self, first_weekday: int, length: int) -> Sequence[int]:
        return [day for day in range(length - 6, length + 1) if _weekday(day, first_weekday) == self.weekday]

    def describe(self) -> str:
        return f"on the last {DAYS[self.weekday - 1]} of the month"


@dataclass(frozen=True)
class NthOfWeekday:
    """``3#2``: the second Tuesday of the month; a month may be without a fifth one."""

    weekday: int
    number: int

    def days(self, first_weekday: int, length: int) -> Sequence[int]:
        day = 1 + (self.weekday - first_weekday) % 7 + 7 * (self.number - 1)
        return [day] if day <= length else []

    def describe(self) -> str:
        return f"on the {ordinal(self.number)} {DAYS[self.weekday - 1]} of the month"


def parse_days(of_month: str, of_week: str) -> DayRule:
    """Returns the rule of the two day fields, exactly one of which is ``?``.

    Raises:
        UsageError: both or neither are ``?``, or the other one is not understood.
    """
    if (of_month == "?") == (of_week == "?"):
        both = "are both ?" if of_week == "?" else "are both given"
        DAY_OF_WEEK.refuse(
            of_week, f"and day-of-month {of_month[:40]!r} {both}", "write ? in one of day-of-month and day-of-week"
        )
    return _of_month(of_month) if of_week == "?" else _of_week(of_week)


def _of_month(text: str) -> DayRule:
    if text == "L":
        return LastDay()
    if text == "LW":
        return LastWeekday()
    if text.endswith("W"):
        if "," in text or "-" in text:
            DAY_OF_MONTH.refuse(text, "joins W with other days", "W stands alone in its field, as in 15W")
        return NearestWeekday(parse_value(DAY_OF_MONTH, text[:-1]))
    if "L" in text or "W" in text:
        DAY_OF_MONTH.refuse(text, "is not understood", "L, LW and 15W stand alone in their field")
    return DaysOfMonth(parse_values(DAY_OF_MONTH, text))


def _of_week(text: str) -> DayRule:
    if text == "L":
        return Weekdays((SATURDAY,))
    if "#" in text:
        weekday, _, number = text.partition("#")
        if number not in {"1", "2", "3", "4", "5"}:
            DAY_OF_WEEK.refuse(text, "names no week", "# stands alone, with 1 to 5 after it: 3#2 is the second Tuesday")
        return NthOfWeekday(parse_value(DAY_OF_WEEK, weekday), int(number))
    if text.endswith("L") and "," not in text and "-" not in text:
        return LastOfWeekday(parse_value(DAY_OF_WEEK, text[:-1]))
    return Weekdays(parse_values(DAY_OF_WEEK, text))
