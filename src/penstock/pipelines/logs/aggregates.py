"""What becomes of a raw object: lines, errors and latencies by service and minute, and the templates of its messages.

Latencies are counted in buckets that grow by 2 percent, so that percentiles are exact to one percent, memory does not
grow with their number, and the counts of several objects can be added up.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from penstock import Bad, Good, LogEntry
from penstock.pipelines.logs.miner import Miner
from penstock.pipelines.logs.records import ERRORS, utc

HOT_SECONDS = 2 * 86_400
FUTURE_SECONDS = 15 * 60
# CloudWatch takes no values older than two weeks; an hour is left for the way there.
METRIC_SECONDS = 14 * 86_400 - 3600
GROWTH = 1.02
SMALLEST_MS, LARGEST_MS = 0.001, 1e9
PERCENTILES = (50, 95, 99)
# Records and their services are from outside: so many are held at a time, whatever the object's size.
MOST_MINUTES = 2000
MOST_BAD_BYTES = 4 * 1024 * 1024
SERVICE_CHARACTERS = 128
MOST_TEMPLATES = 200
# A sort key holds 1024 bytes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MOST_SOURCE_CHARACTERS = 900

Place = tuple[str, int]
"""A service, and a minute as its beginning in seconds since the epoch."""


class Counts(msgspec.Struct):
    """What a service said in a minute. ``buckets`` counts its latencies by the number of their bucket."""

    lines: int = 0
    errors: int = 0
    buckets: dict[int, int] = {}

    def add(self, record: LogEntry) -> None:
        """Counts one line."""
        self.lines += 1
        self.errors += record.severity in ERRORS
        if record.latency_ms is not None and record.latency_ms >= 0:
            number = bucket(record.latency_ms)
            self.buckets[number] = self.buckets.get(number, 0) + 1


class Batch(msgspec.Struct):
    """Part of an object.

    Attributes:
        bads: records that do not fit.
    """

    minutes: dict[Place, Counts] = {}
    bads: list[Bad] = []

    @property
    def lines(self) -> int:
        return sum(counts.lines for counts in self.minutes.values())


def batches(lines: Iterable[Good | Bad], miner: Miner) -> Iterator[Batch]:
    """Yields an object's records, counted, batch by batch: the same batches every time.

    All messages go to ``miner``.
    """
    batch, bad_bytes = Batch(), 0
    for line in lines:
        if isinstance(line, Bad):
            batch.bads.append(line)
            bad_bytes += len(line.raw)
        else:
            record: LogEntry = line.record
            place = service_of(record), int(record.timestamp.timestamp() // 60) * 60
            batch.minutes.setdefault(place, Counts()).add(record)
            miner.add(record.message, is_error=record.severity in ERRORS)
        if len(batch.minutes) >= MOST_MINUTES or bad_bytes >= MOST_BAD_BYTES:
            yield batch
            batch, bad_bytes = Batch(), 0
    if batch.minutes or batch.bads:
        yield batch


def service_of(record: LogEntry) -> str:
    """Returns a service's name as a key can hold it."""
    return record.service[:SERVICE_CHARACTERS] or "unknown"


def bucket(latency_ms: float) -> int:
    """Returns the number of a latency's bucket: the i-th holds what is above 1.02^(i-1) and up to 1.02^i ms."""
    return math.ceil(math.log(min(max(latency_ms, SMALLEST_MS), LARGEST_MS), GROWTH))


def percentile(buckets: dict[int, int], rank: float) -> float | None:
    """Returns the latency in ms that so many percent do not exceed, to within one percent; None without any."""
    wanted = rank / 100 * sum(buckets.values())
    seen = 0
    for number in sorted(buckets):
        seen += buckets[number]
        if seen >= wanted:
            # The point of a bucket that is equally far, in percent, from both of its ends.
            return 2 * GROWTH**number / (GROWTH + 1)
    return None


def totals(batch: Batch, now: float) -> list[tuple[int, int, int]]:
    """Returns (minute, lines, errors) over all services, of the minutes that a metric can still take."""
    found: dict[int, tuple[int, int]] = {}
    for (_, minute), counts in batch.minutes.items():
        if now - METRIC_SECONDS < minute <= now + FUTURE_SECONDS:
            lines, errors = found.get(minute, (0, 0))
            found[minute] = lines + counts.lines, errors + counts.errors
    return [(minute, lines, errors) for minute, (lines, errors) in sorted(found.items())]


def items(batch: Batch, *, source: str, number: int, now: float) -> list[dict[str, Any]]:
    """Returns the items of the newest minutes.

    An item's key names the object and the batch: processing the object again replaces it, another object adds its own.
    """
    part = f"{source[-MOST_SOURCE_CHARACTERS:]}#{number}"
    return [
        _item(service, minute, counts, part)
        for (service, minute), counts in batch.minutes.items()
        if now - HOT_SECONDS < minute <= now + FUTURE_SECONDS
    ]


def _item(service: str, minute: int, counts: Counts, part: str) -> dict[str, Any]:
    moment = utc(minute)
    made: dict[str, Any] = {
        "service": service,
        "minute": f"{moment:%Y-%m-%dT%H:%MZ}#{part}",
        "day": f"{moment:%Y-%m-%d}",
        "at": minute,
        "lines": counts.lines,
        "errors": counts.errors,
        "latency_buckets": {str(number): count for number, count in sorted(counts.buckets.items())},
        "expires_at": minute + HOT_SECONDS,
    }
    for rank in PERCENTILES:
        value = percentile(counts.buckets, rank)
        if value is not None:
            made[f"latency_p{rank}_ms"] = Decimal(f"{value:.6g}")
    return made


class TemplateRecord(msgspec.Struct, kw_only=True):
    """How often an object's messages had one template.

    Attributes:
        template_id: the same for the same template.
        lines, errors: how many lines had it, and how many of them were errors.
        example: the first of them.
        source: the raw object.
    """

    template_id: str
    template: str
    lines: int
    errors: int
    example: str
    source: str


def template_records(miner: Miner, source: str) -> list[TemplateRecord]:
    """Returns an object's most frequent templates."""
    return [
        TemplateRecord(
            template_id=hashlib.sha256(one.text.encode("utf-8", "surrogatepass")).hexdigest()[:12],
            template=one.text,
            lines=one.count,
            errors=one.errors,
            example=one.example,
            source=source,
        )
        for one in miner.templates()[:MOST_TEMPLATES]
    ]
