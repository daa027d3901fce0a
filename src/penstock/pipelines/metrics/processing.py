"""What becomes of a raw record: it is judged, enriched, and made an item and a metric value."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from penstock.pipelines.metrics.records import UNITS, MetricRecord

FUTURE_SECONDS = 15 * 60
RETENTION_SECONDS = 90 * 86_400
# CloudWatch takes no values older than two weeks; an hour is left for the way there.
METRIC_SECONDS = 14 * 86_400 - 3600
INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
REGION = re.compile(r"[a-z0-9-]{1,32}")
LARGEST = 1e15


def judge(record: MetricRecord, now: float) -> str | None:
    """Returns why a record does not fit, or None."""
    at = parse_time(record.timestamp)
    checks = [
        (at is None, f"the timestamp {record.timestamp[:40]!r} is no ISO 8601 time with a zone"),
        (at is not None and at > now + FUTURE_SECONDS, f"the timestamp {record.timestamp[:40]} lies in the future"),
        (at is not None and at < now - RETENTION_SECONDS, f"the timestamp {record.timestamp[:40]} is too old"),
        (not INSTANCE.fullmatch(record.instance_id), f"{record.instance_id[:80]!r} is no instance id"),
        (not REGION.fullmatch(record.region), f"{record.region[:80]!r} is no region"),
        (record.unit != UNITS[record.metric_type], f"{record.metric_type} is in {UNITS[record.metric_type]}, "
         f"not {record.unit[:40]!r}"),
        (not 0 <= record.value <= LARGEST, f"the value {record.value} is out of range"),
        (record.unit == "percent" and record.value > 100, f"the value {record.value} is more than 100 percent"),
        (any(not math.isfinite(value) for value in record.readings.values()), "a reading is not finite"),
    ]  # fmt: skip
    return next((reason for is_wrong, reason in checks if is_wrong), None)


def parse_time(text: str) -> float | None:
    """Returns an ISO 8601 time with a zone in seconds since the epoch, or None."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None


def severity(record: MetricRecord) -> str:
    """Returns how a value is to be taken: normal, elevated or critical."""
    limits = {"cpu": (60.0, 80.0), "memory": (75.0, 90.0)}.get(record.metric_type)
    if limits is None:
        return "normal"
    return "critical" if record.value > limits[1] else "elevated" if record.value > limits[0] else "normal"


def item(record: MetricRecord, source: str) -> dict[str, Any]:
    """Returns a record's item. Its key is the same whenever the record is processed."""
    moment = datetime.fromisoformat(record.timestamp).astimezone(UTC)
    timestamp = Decimal(f"{moment.timestamp():.6f}")
    return {
        "metric_id": f"{record.instance_id}#{record.metric_type}",
        "timestamp": timestamp,
        "instance_id": record.instance_id,
        "metric_type": record.metric_type,
        "value": Decimal(repr(record.value)),
        "unit": record.unit,
        "region": record.region,
        "severity": severity(record),
        "hour_of_day": moment.hour,
        "day_of_week": moment.isoweekday(),
        "readings": {name: Decimal(repr(value)) for name, value in record.readings.items()},
        "metadata": {
            "collection_method": record.metadata.collection_method,
            "pipeline_version": record.metadata.pipeline_version,
        },
        "source": source,
        "expires_at": int(timestamp) + RETENTION_SECONDS,
    }
