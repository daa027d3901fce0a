"""Lines, errors and latencies by service and minute: against sums and percentiles taken by other means."""

import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import Bad, Good, LogEntry
from penstock.pipelines.logs.aggregates import (
    HOT_SECONDS,
    MOST_BAD_BYTES,
    MOST_MINUTES,
    Batch,
    batches,
    bucket,
    items,
    percentile,
    service_of,
    template_records,
    totals,
)
from penstock.pipelines.logs.miner import Miner

NOON = 1_771_588_800  # 2026-02-20T12:00:00Z


def record(at: float = NOON, **changes: object) -> LogEntry:
    given = {"severity": "INFO", "service": "web", "host": "web-1", "device_type": "application", "message": "hello"}
    return LogEntry(timestamp=datetime.fromtimestamp(at, UTC), **{**given, **changes})  # type: ignore[arg-type]


def good(*found: LogEntry) -> list[Good]:
    return [Good(line, one, b"") for line, one in enumerate(found, start=1)]


def only(found: Sequence[Good | Bad]) -> Batch:
    (batch,) = batches(found, Miner())
    return batch


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=200), st.sampled_from([1.0, 50.0, 95.0, 99.0, 100.0]))
@settings(max_examples=60, deadline=None)
def test_a_percentile_is_one_of_the_latencies_to_one_percent(values: list[float], rank: float) -> None:
    buckets: dict[int, int] = {}
    for value in values:
        buckets[bucket(value)] = buckets.get(bucket(value), 0) + 1
    # The nearest-rank definition.
    exact = sorted(values)[max(0, math.ceil(rank / 100 * len(values)) - 1)]
    assert percentile(buckets, rank) == pytest.approx(exact, rel=0.0101)


def test_percentiles_of_two_objects_are_those_of_both() -> None:
    buckets: dict[int, int] = {}
    for value in [*range(1, 51), *range(51, 101)]:
        buckets[bucket(value)] = buckets.get(bucket(value), 0) + 1
    assert percentile(buckets, 50) == pytest.approx(statistics.median_low(range(1, 101)), rel=0.01)
    assert percentile({}, 50) is None


@pytest.mark.parametrize("latency_ms", [0.0, 1e-300, 1e300])
def test_latencies_beyond_reason_have_a_bucket(latency_ms: float) -> None:
    (counts,) = only(good(record(latency_ms=latency_ms))).minutes.values()
    assert sum(counts.buckets.values()) == 1


def test_a_negative_latency_is_none() -> None:
    (counts,) = only(good(record(latency_ms=-1.0))).minutes.values()
    assert (counts.lines, counts.buckets) == (1, {})


def test_minutes_and_services_are_apart() -> None:
    found = only(
        good(
            record(NOON + 59.999999, severity="ERROR"),
            record(NOON + 60, severity="CRITICAL"),
            record(NOON + 61),
            record(NOON, service="db", severity="UNKNOWN"),
        )
    ).minutes
    counted = {place: (counts.lines, counts.errors) for place, counts in found.items()}
    assert counted == {("web", NOON): (1, 1), ("web", NOON + 60): (2, 1), ("db", NOON): (1, 0)}


def test_before_the_epoch_is_a_minute_too() -> None:
    assert list(only(good(record(-1.0))).minutes) == [("web", -60)]


@pytest.mark.parametrize(("service", "expected"), [("", "unknown"), ("x" * 500, "x" * 128), ("web", "web")])
def test_a_service_as_a_key_can_hold_it(service: str, expected: str) -> None:
    assert service_of(record(service=service)) == expected


def test_memory_is_bounded_by_batches() -> None:
    many = good(*(record(NOON + 60 * number) for number in range(MOST_MINUTES + 5)))
    assert [batch.lines for batch in batches(many, Miner())] == [MOST_MINUTES, 5]
    piece = b"x" * 65_536
    bads = [Bad(line, "no", piece) for line in range(2 * MOST_BAD_BYTES // len(piece) + 1)]
    assert [len(batch.bads) for batch in batches(bads, Miner())] == [64, 64, 1]


def test_totals_are_over_all_services_and_of_the_present() -> None:
    found = only(
        good(
            record(NOON, severity="ERROR"),
            record(NOON + 1, service="db"),
            record(NOON - 15 * 86_400),
            record(NOON + 3600),
        )
    )
    assert totals(found, NOON + 300.0) == [(NOON, 2, 1)]


def test_an_item_has_its_minutes_figures_and_expiry() -> None:
    batch = only(good(record(NOON, latency_ms=10.0), record(NOON, latency_ms=10.0, severity="ERROR")))
    (item,) = items(batch, source="raw/logs/a.json", number=1, now=NOON + 300.0)
    assert item["service"] == "web"
    assert item["minute"] == "2026-02-20T12:00Z#raw/logs/a.json#1"
    assert (item["day"], item["at"], item["lines"], item["errors"]) == ("2026-02-20", NOON, 2, 1)
    assert float(item["latency_p99_ms"]) == pytest.approx(10.0, rel=0.01)
    assert sum(item["latency_buckets"].values()) == 2
    assert item["expires_at"] == NOON + HOT_SECONDS
    (other,) = items(batch, source="raw/logs/b.json", number=1, now=NOON + 300.0)
    assert other["minute"] != item["minute"]


def test_the_key_of_an_item_can_always_be_one() -> None:
    (item,) = items(only(good(record(service="é" * 500))), source="raw/logs/" + "x" * 1015, number=12, now=NOON)
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    assert len(item["minute"].encode()) <= 1024
    assert len(item["service"].encode()) <= 2048


def test_a_service_without_latencies_has_no_percentiles() -> None:
    (item,) = items(only(good(record())), source="a", number=1, now=NOON + 300.0)
    assert not [name for name in item if name.startswith("latency_p")]


def test_templates_of_an_object() -> None:
    miner = Miner()
    list(batches(good(record(message="order 1"), record(message="order 2", severity="ERROR")), miner))
    (found,) = template_records(miner, "raw/logs/a.json")
    assert (found.template, found.lines, found.errors, found.example) == ("order <*>", 2, 1, "order 1")
    assert (len(found.template_id), found.source) == (12, "raw/logs/a.json")


records_of_any_kind = st.builds(
    record,
    at=st.floats(-1e9, 4e9),
    severity=st.sampled_from(["INFO", "ERROR", "CRITICAL", "UNKNOWN"]),
    service=st.text(max_size=200),
    message=st.text(max_size=300),
    latency_ms=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)


@given(st.lists(records_of_any_kind | st.binary(max_size=20), max_size=40))
@settings(max_examples=80, deadline=None)
def test_whatever_arrives_is_counted_once(arrived: list[LogEntry | bytes]) -> None:
    found: list[Good | Bad] = [
        Bad(line, "no", one) if isinstance(one, bytes) else Good(line, one, b"") for line, one in enumerate(arrived)
    ]
    miner = Miner()
    made = list(batches(found, miner))
    assert sum(batch.lines + len(batch.bads) for batch in made) == len(arrived)
    good_ones = [one for one in arrived if not isinstance(one, bytes)]
    failed = sum(one.severity in {"ERROR", "CRITICAL"} for one in good_ones)
    assert sum(counts.errors for batch in made for counts in batch.minutes.values()) == failed
    templates = template_records(miner, "raw/logs/a.json")
    assert (sum(one.lines for one in templates), sum(one.errors for one in templates)) == (len(good_ones), failed)
    for number, batch in enumerate(made):
        found_items = items(batch, source="raw/logs/a.json", number=number, now=NOON)
        assert len({(one["service"], one["minute"]) for one in found_items}) == len(found_items)
