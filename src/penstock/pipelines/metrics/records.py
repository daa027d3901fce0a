"""The record of one reading: what raw objects hold, one a line."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import Literal

import msgspec

PIPELINE_VERSION = "1.0"
MetricType = Literal["cpu", "memory", "disk", "network"]
UNITS: dict[str, str] = {"cpu": "percent", "memory": "percent", "disk": "count/second", "network": "bytes/second"}


class Metadata(msgspec.Struct):
    """Where a reading comes from."""

    collection_method: str
    pipeline_version: str = PIPELINE_VERSION


class MetricRecord(msgspec.Struct, kw_only=True):
    """One reading of one instance.

    Attributes:
        timestamp: when it was taken, in ISO 8601, UTC.
        value: percent for cpu and memory, operations a second for disk, bytes a second for network.
        readings: what the value is made of, such as ``used_mb`` and ``total_mb``.
    """

    timestamp: str
    instance_id: str
    region: str
    metric_type: MetricType
    value: float
    unit: str
    metadata: Metadata
    readings: dict[str, float] = {}


class Reading(msgspec.Struct, frozen=True):
    """A value and what it is made of."""

    value: float
    readings: dict[str, float] = {}


def record(
    metric_type: MetricType, reading: Reading, *, at: float, instance_id: str, region: str, method: str
) -> MetricRecord:
    """Returns the record of a reading; ``at`` is in seconds since the epoch."""
    return MetricRecord(
        timestamp=iso_time(at),
        instance_id=instance_id,
        region=region,
        metric_type=metric_type,
        value=round(reading.value, 3),
        unit=UNITS[metric_type],
        metadata=Metadata(method),
        readings={name: round(value, 3) for name, value in reading.readings.items()},
    )


# All readings of a collection have its time.
@functools.lru_cache(maxsize=64)
def iso_time(at: float) -> str:
    """Returns a time as records have it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
