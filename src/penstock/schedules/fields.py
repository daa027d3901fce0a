"""The fields of EventBridge's ``cron(...)``: lists, ranges, steps and names, as sets of numbers.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from penstock.errors import UsageError

MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True)
class Field:
    """One field of a cron expression.

    Attributes:
        low, high: the smallest and the largest value.
        wildcards: the special characters that the documentation allows.
        names: what may be written instead of a number.
        wraps: a range may run over the end, as ``22-2`` in hours or ``FRI-MON`` in days.
    """

    name: str
    low: int
    high: int
    wildcards: str
    names: Mapping[str, int] = field(default_factory=dict)
    wraps: bool = True

    @property
    def takes(self) -> str:
        """What the field takes, in words."""
        names = list(self.names)
        return f"{self.low} to {self.high}" + (f" or {names[0]} to {names[-1]}" if names else "")

    def refuse(self, text: str, mistake: str, hint: str = "") -> NoReturn:
        """Raises the error for a mistake in this field."""
        message = f"cron field {self.name}: {text[:40]!r} {mistake}"
        raise UsageError(message, hint=hint or f"{self.name} takes {self.takes}", field=self.name)


MINUTES = Field("minutes", 0, 59, ",-*/")
HOURS = Field("hours", 0, 23, ",-*/")
DAY_OF_MONTH = Field("day-of-month", 1, 31, ",-*?/LW")
MONTH = Field("month", 1, 12, ",-*/", {name: number for number, name in enumerate(MONTH_NAMES, start=1)})
DAY_OF_WEEK = Field("day-of-week", 1, 7, ",-*?L#", {name: number for number, name in enumerate(DAY_NAMES, start=1)})
YEAR = Field("year", 1970, 2199, ",-*/", wraps=False)


def parse_values(cron_field: Field, text: str) -> tuple[int, ...]:
    """Returns the numbers that a field names, ascending, each once.

    Raises:
        UsageError: the text is no list of values, ranges and steps of this field.
    """
    found: set[int] = set()
    for item in text.split(","):
        found.update(_item(cron_field, item))
    return tuple(sorted(found))


def parse_value(cron_field: Field, text: str) -> int:
    """Returns one number or name of a field.

    Raises:
        UsageError: the field does not take it.
    """
    if text in cron_field.names:
        return cron_field.names[text]
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        cron_field.refuse(text, "is no value" if text else "is missing")
    value = int(text)
    if not cron_field.low <= value <= cron_field.high:
        hint = "days count from 1 (SUN) to 7 (SAT)" if cron_field is DAY_OF_WEEK else ""
        cron_field.refuse(text, "is out of range", hint)
    return value


def _item(cron_field: Field, item: str) -> Iterable[int]:
    body, slash, step_text = item.partition("/")
    step = _step(cron_field, item, step_text) if slash else 1
    start_text, dash, end_text = body.partition("-")
    if body == "*":
        start, end = cron_field.low, cron_field.high
    else:
        start = parse_value(cron_field, start_text)
        end = parse_value(cron_field, end_text) if dash else (cron_field.high if slash else start)
    if start <= end:
        return range(start, end + 1, step)
    if not cron_field.wraps:
        cron_field.refuse(body, "ends before it begins", f"write {end}-{start}")
    width = cron_field.high - cron_field.low + 1
    return (cron_field.low + (value - cron_field.low) % width for value in range(start, end + width + 1, step))


def _step(cron_field: Field, item: str, text: str) -> int:
    if "/" not in cron_field.wildcards:
        cron_field.refuse(item, "has a step, which EventBridge does not know in this field", "list the values: 2,4,6")
    if not (text.isascii() and text.isdigit() and len(text) <= 4) or int(text) == 0:
        cron_field.refuse(item, "has no step", "give a whole number of at least 1 after the slash, as in 0/15")
    if int(text) > cron_field.high:
        cron_field.refuse(item, "has a step longer than the field", f"give a step of at most {cron_field.high}")
    return int(text)
