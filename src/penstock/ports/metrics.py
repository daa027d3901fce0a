"""Metrics: CloudWatch's model of a store. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html

Guarantees that every adapter gives: a published batch is counted whole or not at all; periods are aligned to the epoch;
equal namespace, name and dimensions are one series, whatever the order of the dimensions. A series' unit is that of its
newest datapoint. The token makes a repeated batch count once; PutMetricData has none, so that in AWS a delivery that is
repeated after a lost answer counts twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, get_args

from penstock.errors import ValidationError
from penstock.model.metrics import Datapoint, Metric, Statistics, Unit

NAME_LIMIT = 255
DIMENSIONS_LIMIT = 30
# Values outside 2^-360 .. 2^360 and their negatives are refused.
LARGEST, SMALLEST = 2.0**360, 2.0**-360
OLDEST_SECONDS = 14 * 86_400
NEWEST_SECONDS = 2 * 3600
UNITS = frozenset(get_args(Unit))

Value = tuple[float, float, float]


class MetricPublisher(Protocol):
    """Takes datapoints."""

    def publish(self, data: Sequence[Datapoint], *, token: str | None = None) -> bool:
        """Stores datapoints; False, and nothing is stored, if the token was seen before.

        Raises:
            ValidationError: a datapoint breaks one of CloudWatch's rules; nothing is stored.
        """
        ...


class MetricStore(MetricPublisher, Protocol):
    """Published datapoints."""

    def statistics(self, metric: Metric, start: float, end: float, period_seconds: int) -> list[Statistics]:
        """Returns statistics for each period that has data, of datapoints from ``start`` to before ``end``."""
        ...

    def values(self, metric: Metric, start: float, end: float) -> list[Value]:
        """Returns (time, value, count) of the datapoints from ``start`` to before ``end``, oldest first."""
        ...

    def series(self, namespace: str | None = None) -> list[Metric]:
        """Returns the series that have ever been published, in order of their names."""
        ...

    def expire(self, before: float) -> int:
        """Deletes datapoints and tokens older than a time; returns how many datapoints."""
        ...

    def close(self) -> None:
        """Frees everything."""
        ...


class WatchedMetrics(MetricStore, Protocol):
    """Datapoints that are watched for changes."""

    def version(self) -> tuple[int, ...]:
        """Returns what is another value after anybody has published or deleted something."""
        ...


def check_datapoints(data: Sequence[Datapoint], now: float) -> None:
    """Checks datapoints by CloudWatch's rules, the names of each metric once.

    Raises:
        ValidationError: one breaks a rule.
    """
    named: set[int] = set()
    for point in data:
        # Of one batch, the metrics stay where they are.
        if id(point.metric) not in named:
            named.add(id(point.metric))
            check_datapoint(point, now)
            continue
        mistake = _point_mistake(point, now)
        if mistake:
            raise _refused(point.metric, mistake)


def check_datapoint(point: Datapoint, now: float) -> None:
    """Checks a datapoint by CloudWatch's rules.

    Raises:
        ValidationError: it breaks one.
    """
    mistake = _name_mistake(point.metric) or _point_mistake(point, now)
    if mistake:
        raise _refused(point.metric, mistake)


def _refused(metric: Metric, mistake: str) -> ValidationError:
    return ValidationError(f"metric {metric.label!r} {mistake}", hint="see PutMetricData's rules for a MetricDatum")


def _point_mistake(point: Datapoint, now: float) -> str | None:
    mistake = _value_mistake(point.value) or _time_mistake(point.at, now)
    if mistake is None and not (math.isfinite(point.count) and point.count > 0):
        return f"has a count of {point.count}"
    return mistake


def _name_mistake(metric: Metric) -> str | None:
    for what, text in (("namespace", metric.namespace), ("name", metric.name)):
        if not 0 < len(text) <= NAME_LIMIT:
            return f"has a {what} of {len(text)} characters, 1 to {NAME_LIMIT} are possible"
    if len(metric.dimensions) > DIMENSIONS_LIMIT:
        return f"has {len(metric.dimensions)} dimensions, at most {DIMENSIONS_LIMIT} are possible"
    if any(not 0 < len(name) <= NAME_LIMIT or not 0 < len(value) <= 1024 for name, value in metric.dimensions):
        return "has a dimension that is empty or too long"
    return None if metric.unit in UNITS else f"has the unknown unit {metric.unit!r}"


def _value_mistake(value: float) -> str | None:
    if not math.isfinite(value):
        return f"cannot be {value}"
    return f"cannot be {value}: too large or too small" if value and not SMALLEST <= abs(value) <= LARGEST else None


def _time_mistake(at: float, now: float) -> str | None:
    if not math.isfinite(at) or at > now + NEWEST_SECONDS:
        return "has a time more than two hours ahead"
    return "has a time more than two weeks ago" if at < now - OLDEST_SECONDS else None
