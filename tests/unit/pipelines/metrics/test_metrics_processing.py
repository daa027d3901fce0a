"""Which records fit, and that every one that fits can be kept: in the hot table, and as a metric."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import Bad, Good
from penstock.lake.records import decode
from penstock.model.items import check_keys, check_size, encode_item
from penstock.model.metrics import Datapoint
from penstock.pipelines.metrics import METRICS, latest
from penstock.pipelines.metrics.processing import BATCH_BAD_BYTES, Batch, batches, item, judge, parse_time, severity
from penstock.pipelines.metrics.records import MetricRecord, Reading, record
from penstock.ports.metrics import check_datapoint

NOW = 1_771_574_220.0  # 2026-02-20T07:57:00Z
DAY = 86_400
# From the architecture document of the pipeline, 2.4.1.
SEED = """{
  "timestamp": "2026-02-20T07:57:00Z",
  "instance_id": "i-1234567890abcdef0",
  "region": "us-east-1",
  "metric_type": "cpu",
  "value": 45.2,
  "unit": "percent",
  "metadata": {
    "collection_method": "cloudwatch",
    "pipeline_version": "1.0"
  }
}"""


def changed(**fields: Any) -> bytes:
    return json.dumps({**json.loads(SEED), **fields}).encode()


def process(*lines: bytes, now: float = NOW) -> Batch:
    (batch,) = batches(decode(b"\n".join(lines), MetricRecord), now)
    return batch


def test_the_documents_record_is_one() -> None:
    found = msgspec.json.decode(SEED, type=MetricRecord)
    assert (found.value, found.metadata.collection_method, found.readings) == (45.2, "cloudwatch", {})
    assert judge(found, NOW) is None


def test_our_records_have_the_documents_fields_in_its_order() -> None:
    made = record("cpu", Reading(45.2), at=NOW, instance_id="i-1", region="us-east-1", method="cloudwatch")
    ours = json.loads(msgspec.json.encode(made))
    seeds = json.loads(SEED)
    assert list(ours) == [*seeds, "readings"]
    assert ours["timestamp"] == "2026-02-20T07:57:00.000000Z"
    assert {**ours, "timestamp": 0, "instance_id": 0} == {**seeds, "timestamp": 0, "instance_id": 0, "readings": {}}


NASTY = [
    (changed(value=float("nan")), "not JSON"),
    (changed(value="high"), "Expected `float`, got `str` - at `$.value`"),
    (changed(value=True), "Expected `float`, got `bool`"),
    (changed(value=None), "Expected `float`, got `null`"),
    (changed(value=-0.1), "out of range"),
    (changed(value=100.001), "more than 100 percent"),
    (changed(metric_type="disk", unit="count/second", value=1.1e15), "out of range"),
    (changed(value=1e-200), "out of range"),
    (changed(unit="bytes"), "cpu is in percent, not 'bytes'"),
    (changed(metric_type="gpu"), "Invalid enum value 'gpu'"),
    (changed(timestamp="2026-02-20T08:12:01Z"), "in the future"),
    (changed(timestamp="9999-12-31T23:59:59-23:59"), "no ISO 8601 time"),
    (changed(timestamp="0001-01-01T00:00:00+23:59"), "no ISO 8601 time"),
    (changed(timestamp="2025-11-22T07:56:59Z"), "too old"),
    (changed(timestamp="2026-02-20T07:57:00"), "no ISO 8601 time with a zone"),
    (changed(timestamp="yesterday"), "no ISO 8601 time"),
    (changed(timestamp=1771574220), "Expected `str`, got `int`"),
    (changed(instance_id="../../etc/passwd"), "is no instance id"),
    (changed(instance_id=""), "is no instance id"),
    (changed(instance_id="a#cpu"), "is no instance id"),
    (changed(instance_id="x" * 65), "is no instance id"),
    (changed(instance_id="web-1\n"), "is no instance id"),
    (changed(region="../x"), "is no region"),
    (changed(metadata={"collection_method": "x" * 500_000}), "more than 128 characters"),
    (changed(readings={"used_mb": 1e300}), "the reading used_mb of 1e+300 is out of range"),
    (changed(readings={"": 1}), "is no name of a reading"),
    (changed(readings={f"r{n}": 1 for n in range(33)}), "33 readings"),
    (b"{}", "missing required field"),
    (b"[]", "Expected `object`, got `array`"),
    (b"hello", "not JSON"),
    (b"\xff\xfe\x00", "not JSON"),
    (b'{"timestamp": "\\ud800"}', "not JSON"),
    (b"[" * 100_000, "Expected `object`, got `array`"),
    (b'{"value": ' * 100_000, "does not fit"),
]


@pytest.mark.parametrize(("line", "reason"), NASTY, ids=[reason for _, reason in NASTY])
def test_what_does_not_fit_has_its_reason_and_harms_nothing_beside_it(line: bytes, reason: str) -> None:
    batch = process(changed(), line, changed(metric_type="memory"))
    assert [bad.line for bad in batch.bads] == [2]
    assert reason in batch.bads[0].reason
    assert [one.metric_type for one, _ in batch.kept] == ["cpu", "memory"]


FITTING = [
    changed(timestamp="2026-02-20T08:12:00Z"),
    changed(timestamp="2025-11-22T07:57:00Z"),
    changed(timestamp="2026-02-20T09:57:00.123456+02:00"),
    changed(value=0),
    changed(value=100),
    changed(readings={"load_1m": -0.0, "cores": 8}),
    changed(instance_id="web-1.example.org"),
]


@pytest.mark.parametrize("line", FITTING)
def test_what_fits_at_the_edges(line: bytes) -> None:
    assert not process(line).bads


def test_an_empty_object_is_quarantined_and_its_line_said() -> None:
    batch = process(b"")
    assert [(bad.line, bad.reason) for bad in batch.bads] == [(1, "the object is empty")]


def test_a_reading_that_is_there_twice_is_kept_once() -> None:
    batch = process(changed(), changed(value=99.0), changed(timestamp="2026-02-20T08:57:00+01:00"))
    assert [one.value for one, _ in batch.kept] == [45.2]
    assert batch.repeated == 2


def lines(count: int) -> list[Good | Bad]:
    made = msgspec.json.decode(SEED, type=MetricRecord)
    found: list[Good | Bad] = []
    for number in range(1, count + 1):
        one = msgspec.structs.replace(made, instance_id=f"i-{number}")
        found.append(Bad(number, "no", b"x") if number % 10 == 0 else Good(number, one, b"{}"))
    return found


def test_an_object_of_any_size_is_taken_in_parts() -> None:
    parts = list(batches(iter(lines(2500)), NOW))
    assert [len(part.kept) + len(part.bads) for part in parts] == [1000, 1000, 500]
    assert [bad.line for part in parts for bad in part.bads] == list(range(10, 2501, 10))
    assert len({one.instance_id for part in parts for one, _ in part.kept}) == 2250


def test_a_repetition_is_found_over_the_parts() -> None:
    parts = list(batches([*lines(1500), *lines(1500)], NOW))
    assert sum(part.repeated for part in parts) == 1350
    assert sum(len(part.kept) for part in parts) == 1350


def test_large_rubbish_is_taken_in_small_parts() -> None:
    rubbish = [Bad(number, "no", b"x" * 65_536) for number in range(200)]
    parts = list(batches(rubbish, NOW))
    assert sum(len(part.bads) for part in parts) == 200
    assert max(sum(len(bad.raw) for bad in part.bads) for part in parts) <= BATCH_BAD_BYTES


def test_the_item() -> None:
    made = msgspec.json.decode(changed(value=85.3, readings={"cores": 4.0}), type=MetricRecord)
    moment = parse_time(made.timestamp)
    assert moment is not None
    assert item(made, moment, source="raw/x.json", processed_at=NOW + 0.25) == {
        "metric_id": "i-1234567890abcdef0#cpu",
        "timestamp": Decimal(1_771_574_220),
        "instance_id": "i-1234567890abcdef0",
        "metric_type": "cpu",
        "value": Decimal("85.3"),
        "unit": "percent",
        "region": "us-east-1",
        "severity": "critical",
        "hour_of_day": 7,
        "day_of_week": 5,  # a Friday
        "readings": {"cores": Decimal(4)},
        "metadata": {"collection_method": "cloudwatch", "pipeline_version": "1.0"},
        "source": "raw/x.json",
        "processed_at": Decimal("1771574220.25"),
        "expires_at": 1_771_574_220 + 90 * DAY,
    }


SEVERITIES = [
    ("cpu", 60.0, "normal"), ("cpu", 60.1, "elevated"), ("cpu", 80.0, "elevated"), ("cpu", 80.1, "critical"),
    ("memory", 80.1, "elevated"), ("memory", 90.0, "elevated"), ("memory", 90.1, "critical"), ("disk", 1e9, "normal"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "expected"), SEVERITIES)
def test_severities_agree_with_the_alarms(kind: Any, value: float, expected: str) -> None:
    one = record(kind, Reading(value), at=NOW, instance_id="i-1", region="us-east-1", method="psutil")
    assert severity(one) == expected


numbers = st.one_of(
    st.floats(), st.floats(0, 100), st.sampled_from([0.0, -0.0, 5e-324, 1e-131, 1e-100, 1e15, 1e126, 1.8e308])
)
timestamps = st.one_of(
    st.sampled_from(["2026-02-20T07:57:00Z", "2026-02-19T00:00:00.000001+14:00", "20260220T075700Z", "2026-W08-5T00Z"]),
    st.text(max_size=30),
)
hostile_records = st.builds(
    MetricRecord,
    timestamp=timestamps,
    instance_id=st.one_of(st.from_regex(r"[a-z][a-z0-9._-]{0,63}", fullmatch=True), st.text(max_size=70)),
    region=st.one_of(st.just("us-east-1"), st.text(max_size=40)),
    metric_type=st.sampled_from(["disk", "network"]),
    value=numbers,
    unit=st.sampled_from(["count/second", "bytes/second"]),
    readings=st.dictionaries(
        st.one_of(st.sampled_from(["used_mb", "cores"]), st.text(max_size=3)), numbers, max_size=3
    ),
)


@given(hostile_records)
@settings(max_examples=100)
def test_whatever_is_judged_to_fit_can_be_kept(one: MetricRecord) -> None:
    if judge(one, NOW) is not None:
        return
    moment = parse_time(one.timestamp)
    assert moment is not None
    made = item(one, moment, source="raw/x.json", processed_at=NOW)
    check_keys(latest, made)
    check_size(latest, encode_item(made))
    check_datapoint(Datapoint(METRICS[one.metric_type], NOW, one.value), NOW)
