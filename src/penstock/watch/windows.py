"""Statistics over windows of time, as CloudWatch computes them, and the limits that it sets.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from penstock.errors import UsageError
from penstock.model.metrics import Statistics

Value = tuple[float, float, float]

STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")
PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
SHORT_PERIODS = (10, 20, 30)
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html, Period: all periods of an
# alarm together span at most seven days, or one day where a period is shorter than an hour.
DAY_SECONDS = 86_400
WEEK_SECONDS = 604_800


def check_statistic(name: str) -> str | None:
    """Returns what is wrong with a statistic's name, or None."""
    if name in STATISTICS:
        return None
    matched = PERCENTILE.fullmatch(name)
    if matched and 0 < float(matched[1]) <= 100:
        return None
    return f"{name!r} is no statistic; use {', '.join(STATISTICS)} or a percentile such as p99"


def check_window(period_seconds: int, evaluation_periods: int) -> str | None:
    """Returns what is wrong with an alarm's window, or None."""
    if period_seconds not in SHORT_PERIODS and (period_seconds < 60 or period_seconds % 60):
        return f"a period of {period_seconds} s is not possible; 10, 20, 30 or a multiple of 60 is"
    if evaluation_periods < 1:
        return f"{evaluation_periods} periods are none"
    limit = WEEK_SECONDS if period_seconds >= 3600 else DAY_SECONDS
    if period_seconds * evaluation_periods > limit:
        days = limit // DAY_SECONDS
        return (
            f"{evaluation_periods} periods of {period_seconds} s are more than {days} day{'s' if days > 1 else ''}, "
            f"the most that CloudWatch looks at with this period"
        )
    return None


def statistic(name: str, data: Sequence[tuple[float, float]]) -> float:
    """Returns a statistic of (value, count) pairs; there is at least one.

    Raises:
        UsageError: there is no statistic of that name.
    """
    match name:
        case "SampleCount":
            return math.fsum(count for _, count in data)
        case "Sum":
            return math.fsum(value * count for value, count in data)
        case "Average":
            return math.fsum(value * count for value, count in data) / math.fsum(count for _, count in data)
        case "Minimum":
            return min(value for value, _ in data)
        case "Maximum":
            return max(value for value, _ in data)
        case _:
            mistake = check_statistic(name)
            if mistake:
                raise UsageError(mistake, hint="such as Average, Maximum or p99")
            return percentile(float(name[1:]), data)


def percentile(rank: float, data: Sequence[tuple[float, float]]) -> float:
    """Returns the value below which so many percent of the observations lie, interpolated between neighbours.

    CloudWatch does not publish its own method; of many observations in one period it may differ by a little.
    """
    ordered = sorted(data)
    total = math.fsum(count for _, count in ordered)
    position = rank / 100 * (total - 1)
    if position <= 0:
        return ordered[0][0]
    passed = 0.0
    for number, (value, count) in enumerate(ordered):
        last = passed + count - 1
        if position <= last:
            return value
        if number + 1 < len(ordered) and position < last + 1:
            following = ordered[number + 1][0]
            return value + (following - value) * (position - last)
        passed += count
    return ordered[-1][0]


def period_start(at: float, period_seconds: int, origin: float = 0.0) -> float:
    """Returns the beginning of the period that a moment lies in; periods count from ``origin``."""
    return origin + (at - origin) // period_seconds * period_seconds


def is_of_sums(name: str) -> bool:
    """Tells whether a statistic follows from statistics of shorter times: percentiles do not."""
    return name in STATISTICS


def series_of_parts(
    parts: Iterable[Statistics], name: str, period_seconds: int, start: float, end: float
) -> dict[float, float]:
    """Returns a statistic for each period that has data, from statistics of times that no period's bound parts."""
    periods: dict[float, list[Statistics]] = {}
    for part in parts:
        if start <= part.start < end:
            periods.setdefault(period_start(part.start, period_seconds, start), []).append(part)
    return {begin: _of_parts(name, found) for begin, found in sorted(periods.items())}


def _of_parts(name: str, parts: Sequence[Statistics]) -> float:
    match name:
        case "Minimum":
            return min(part.minimum for part in parts)
        case "Maximum":
            return max(part.maximum for part in parts)
        case "SampleCount":
            return math.fsum(part.sample_count for part in parts)
        case "Sum":
            return math.fsum(part.sum for part in parts)
        case _:
            return math.fsum(part.sum for part in parts) / math.fsum(part.sample_count for part in parts)


def series(values: Iterable[Value], name: str, period_seconds: int, start: float, end: float) -> dict[float, float]:
    """Returns a statistic for each period that has data; periods count from ``start``.

    Args:
        values: (time, value, count).
    """
    periods: dict[float, list[tuple[float, float]]] = {}
    for at, value, count in values:
        if start <= at < end:
            periods.setdefault(period_start(at, period_seconds, start), []).append((value, count))
    return {begin: statistic(name, data) for begin, data in sorted(periods.items())}
