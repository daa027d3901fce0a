"""Plain English for the parts of a cron expression."""

from __future__ import annotations

from collections.abc import Sequence

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def clock_name(timezone: str) -> str:
    """Returns a time zone as people add it to a time."""
    return "UTC" if timezone == "UTC" else f"{timezone} time"


def ordinal(number: int) -> str:
    """Returns 1 to 5 as a word."""
    return ("first", "second", "third", "fourth", "fifth")[number - 1]


def joined(words: Sequence[str]) -> str:
    """Returns words as ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def listed(values: Sequence[int], names: Sequence[str] | None = None) -> str:
    """Returns ascending numbers as ``1, 5 to 9 and 12``; ``names`` gives the word for each number from 1 on."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    words: list[str] = []
    for run in runs:
        spelled = [names[value - 1] if names else str(value) for value in run]
        words += [f"{spelled[0]} to {spelled[-1]}"] if len(run) > 2 else spelled
    return joined(words)


def named_days(values: Sequence[int]) -> str:
    """Returns weekdays (1 is Sunday), the week beginning with Monday."""
    from_monday = sorted((value - 2) % 7 + 1 for value in values)
    return listed(from_monday, (*DAYS[1:], DAYS[0]))


def times_of_day(minutes: Sequence[int], hours: Sequence[int]) -> str:
    """Returns the times that the minutes and hours fields mean."""
    every_hour = len(hours) == 24
    if len(minutes) * len(hours) <= 6:
        return "at " + joined([f"{hour:02d}:{minute:02d}" for hour in hours for minute in minutes])
    if len(minutes) == 60:
        return "every minute" if every_hour else f"every minute of the hours {listed(hours)}"
    if list(minutes) == [0]:
        spread = _spread(hours, 24)
        if spread:
            return "every hour" if spread == 1 else f"every {spread} hours"
        return f"every hour from {hours[0]:02d}:00 to {hours[-1]:02d}:00" if _is_run(hours) else _at(minutes, hours)
    spread = _spread(minutes, 60)
    if spread and every_hour:
        return f"every {spread} minutes"
    if spread and _is_run(hours):
        return f"every {spread} minutes from {hours[0]:02d}:00 to {hours[-1]:02d}:{minutes[-1]:02d}"
    return _at(minutes, hours)


def _at(minutes: Sequence[int], hours: Sequence[int]) -> str:
    of_hours = "every hour" if len(hours) == 24 else f"the hours {listed(hours)}"
    return f"at minute{'s' if len(minutes) > 1 else ''} {listed(minutes)} of {of_hours}"


def _is_run(values: Sequence[int]) -> bool:
    return values[-1] - values[0] == len(values) - 1


def _spread(values: Sequence[int], width: int) -> int:
    """The step of values that are spread evenly over a whole turn; 0 when they are not."""
    step = width // len(values)
    return step if list(values) == list(range(0, width, step)) and width % step == 0 else 0
