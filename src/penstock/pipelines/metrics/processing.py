"""What becomes of raw records: they are judged, enriched, and made items and metric values, a batch at a time."""

from __future__ import annotations

import functools
import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from penstock import Bad, Good
from penstock.pipelines.metrics.records import UNITS, MetricRecord

FUTURE_SECONDS = 15 * 60
RETENTION_SECONDS = 90 * 86_400
# CloudWatch takes no values older than two weeks; an hour is left for the way there.
METRIC_SECONDS = 14 * 86_400 - 3600
INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
REGION = re.compile(r"[a-z0-9-]{1,32}")
READING = re.compile(r"[a-z][a-z0-9_]{0,63}")
# No region's name, and no reading's, is longer; what is longer need not be remembered as none.
NAME_LIMIT = 64
# ISO 8601 times are longer only with digits far beyond microseconds.
TIME_LIMIT = 64
READINGS_LIMIT = 32
# Above the first value of a kind it is elevated, above the second critical.
SEVERITIES = {"cpu": (60.0, 80.0), "memory": (75.0, 90.0)}
METADATA_LIMIT = 128
# Both lie well within what DynamoDB and CloudWatch can hold.
LARGEST, SMALLEST = 1e15, 1e-100
BATCH_LINES = 1000
# Of quarantined records up to 64 KiB each are kept: a batch of them has to fit into memory.
BATCH_BAD_BYTES = 4 * 1024 * 1024


class Batch(msgspec.Struct):
    """Part of an object.

    Attributes:
        kept: records that fit, each with its place in time and no two of one place.
        repeated: how many records stood in the object before.
    """

    kept: list[tuple[MetricRecord, datetime]] = []
    bads: list[Bad] = []
    repeated: int = 0


def batches(lines: Iterable[Good | Bad], now: float) -> Iterator[Batch]:
    """Yields an object's records batch by batch, whatever the object's size; the same batches for the same ``now``."""
    batch, held, bad_bytes = Batch(), 0, 0
    seen: set[bytes] = set()
    for line in lines:
        bad = _sort(line, now, batch, seen)
        held += 1
        bad_bytes += 0 if bad is None else len(bad.raw)
        if held >= BATCH_LINES or bad_bytes >= BATCH_BAD_BYTES:
            yield batch
            batch, held, bad_bytes = Batch(), 0, 0
    if held:
        yield batch


def _sort(line: Good | Bad, now: float, batch: Batch, seen: set[bytes]) -> Bad | None:
    if isinstance(line, Bad):
        batch.bads.append(line)
        return line
    record: MetricRecord = line.record
    moment = parse_time(record.timestamp)
    reason = _mistake(record, moment, now)
    if reason is not None or moment is None:
        bad = line.as_bad(reason or "no time")
        batch.bads.append(bad)
        return bad
    # An object of 200 MB has a million records: their keys themselves would not fit into memory.
    place = f"{record.instance_id}#{record.metric_type}@{_stamp(moment)}"
    key = hashlib.blake2b(place.encode(), digest_size=16).digest()
    if key in seen:
        batch.repeated += 1
    else:
        seen.add(key)
        batch.kept.append((record, moment))
    return None


def judge(record: MetricRecord, now: float) -> str | None:
    """Returns why a record does not fit, or None."""
    return _mistake(record, parse_time(record.timestamp), now)


def _mistake(record: MetricRecord, moment: datetime | None, now: float) -> str | None:
    return _time_mistake(record.timestamp, moment, now) or _name_mistake(record) or _value_mistake(record)


def _time_mistake(text: str, moment: datetime | None, now: float) -> str | None:
    if moment is None:
        return f"the timestamp {text[:40]!r} is no ISO 8601 time with a zone"
    at = moment.timestamp()
    if at > now + FUTURE_SECONDS:
        return f"the timestamp {text[:40]} lies in the future"
    return f"the timestamp {text[:40]} is too old" if at < now - RETENTION_SECONDS else None


def _name_mistake(record: MetricRecord) -> str | None:
    if not INSTANCE.fullmatch(record.instance_id):
        return f"{record.instance_id[:80]!r} is no instance id"
    if len(record.region) > NAME_LIMIT or not _is_region(record.region):
        return f"{record.region[:80]!r} is no region"
    if max(len(record.metadata.collection_method), len(record.metadata.pipeline_version)) > METADATA_LIMIT:
        return f"the metadata have more than {METADATA_LIMIT} characters"
    if len(record.readings) > READINGS_LIMIT:
        return f"there are {len(record.readings)} readings, {READINGS_LIMIT} are possible"
    for name in record.readings:
        if len(name) > NAME_LIMIT or not _is_reading(name):
            return f"{name[:80]!r} is no name of a reading"
    return None


# Few regions, and few names of readings, stand in many records.
@functools.lru_cache(maxsize=256)
def _is_region(text: str) -> bool:
    return REGION.fullmatch(text) is not None


@functools.lru_cache(maxsize=256)
def _is_reading(text: str) -> bool:
    return READING.fullmatch(text) is not None


def _value_mistake(record: MetricRecord) -> str | None:
    unit = UNITS[record.metric_type]
    if record.unit != unit:
        return f"{record.metric_type} is in {unit}, not {record.unit[:40]!r}"
    if record.value < 0 or not is_storable(record.value):
        return f"the value {record.value} is out of range"
    if unit == "percent" and record.value > 100:
        return f"the value {record.value} is more than 100 percent"
    for name, value in record.readings.items():
        if not is_storable(value):
            return f"the reading {name} of {value} is out of range"
    return None


def is_storable(value: float) -> bool:
    """Returns whether a number can be kept in the hot table and as a metric."""
    return math.isfinite(value) and (value == 0 or SMALLEST <= abs(value) <= LARGEST)


def parse_time(text: str) -> datetime | None:
    """Returns an ISO 8601 time with a zone as a time in UTC, or None."""
    # What is long may be very long, and is not remembered.
    return _parsed_time(text) if len(text) <= TIME_LIMIT else _parsed_time.__wrapped__(text)


# All readings of a collection have its time: most calls ask for one that was asked for before.
@functools.lru_cache(maxsize=256)
def _parsed_time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def severity(record: MetricRecord) -> str:
    """Returns how a value is to be taken: normal, elevated or critical. Critical is what the alarms look for."""
    limits = SEVERITIES.get(record.metric_type)
    if limits is None:
        return "normal"
    return "critical" if record.value > limits[1] else "elevated" if record.value > limits[0] else "normal"


@functools.lru_cache(maxsize=256)
def _stamp(moment: datetime) -> str:
    """Returns a time as seconds since the epoch, to the microsecond."""
    return f"{moment.timestamp():.6f}"


@functools.lru_cache(maxsize=256)
def _seconds(text: str) -> Decimal:
    return Decimal(text)


def item(record: MetricRecord, moment: datetime, *, source: str, processed_at: float) -> dict[str, Any]:
    """Returns a record's item. Its key is the same whenever the record is processed."""
    timestamp = _seconds(_stamp(moment))
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
        "processed_at": _seconds(f"{processed_at:.6f}"),
        "expires_at": int(timestamp) + RETENTION_SECONDS,
    }
