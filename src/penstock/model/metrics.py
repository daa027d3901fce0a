"""Metrics: CloudWatch's model of a named series of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from penstock.model.access import Grant, Kind, MetricAction

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
Unit = Literal[
    "Seconds", "Microseconds", "Milliseconds",
    "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
    "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count",
    "Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second",
    "Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second",
    "Count/Second", "None",
]  # fmt: skip

Dimensions = tuple[tuple[str, str], ...]


def dimensions(values: Mapping[str, str] | None) -> Dimensions:
    """Returns dimensions in their one canonical order, so that equal sets compare equal."""
    return tuple(sorted((values or {}).items()))


class Metric(msgspec.Struct, frozen=True):
    """One series: the same namespace, name and dimensions are the same metric."""

    namespace: str
    name: str
    dimensions: Dimensions = ()
    unit: Unit = "None"
    place: str = ""

    @property
    def key(self) -> tuple[str, str, Dimensions]:
        return self.namespace, self.name, self.dimensions

    @property
    def label(self) -> str:
        """``Name{Dimension=value}``, as people write it."""
        inner = ",".join(f"{name}={value}" for name, value in self.dimensions)
        return f"{self.name}{{{inner}}}" if inner else self.name

    @property
    def publish(self) -> Grant:
        return Grant(Kind.METRIC, self.label, MetricAction.PUBLISH)


class Datapoint(msgspec.Struct, frozen=True):
    """One published value of a metric.

    Attributes:
        at: when, in seconds since the epoch.
        value: a finite number.
        count: how many times that value was observed.
    """

    metric: Metric
    at: float
    value: float
    count: float = 1.0


class Statistics(msgspec.Struct, frozen=True):
    """A metric over one period. ``start`` is the period's beginning, in seconds since the epoch."""

    start: float
    sample_count: float
    sum: float
    minimum: float
    maximum: float

    @property
    def average(self) -> float:
        return self.sum / self.sample_count
