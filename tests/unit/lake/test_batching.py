"""Batches: closed by size and by age, named by what they hold."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import UsageError, ValidationError
from penstock.lake.batching import Batch, Full
from penstock.lake.compression import compression_of, decompressed
from penstock.lake.outcome import Good
from penstock.lake.records import decode


class Reading(msgspec.Struct):
    a: int
    s: str = ""


def test_a_batch_is_due_by_its_size() -> None:
    batch = Batch(max_bytes=20)
    batch.add({"a": 1}, now=0.0)  # 8 bytes with the line's end
    batch.add({"a": 2}, now=0.0)
    assert (batch.size_bytes, batch.is_due(1e9)) == (16, False)
    batch.add({"a": 3}, now=0.0)
    assert batch.is_due(0.0)


def test_a_batch_is_due_by_the_age_of_its_first_record() -> None:
    batch = Batch(max_age_seconds=60)
    assert not batch.is_due(1e9)
    batch.add({"a": 1}, now=100.0)
    batch.add({"a": 2}, now=150.0)
    assert [batch.is_due(now) for now in (159.9, 160.0)] == [False, True]
    batch.close()
    batch.add({"a": 3}, now=200.0)
    assert not batch.is_due(259.0)


def test_a_closed_batch_says_where_it_begins() -> None:
    batch = Batch()
    for number in range(3):
        batch.add(Reading(number), now=0.0)
    first = batch.close()
    batch.add(Reading(3), now=0.0)
    second = batch.close()
    assert isinstance(first, Full)
    assert isinstance(second, Full)
    assert (first.first, first.records, second.first, second.records) == (1, 3, 4, 1)
    assert first.data == b'{"a":0,"s":""}\n{"a":1,"s":""}\n{"a":2,"s":""}\n'
    assert batch.close() is None


def test_equal_records_at_another_place_are_another_batch() -> None:
    batch = Batch()
    names = []
    for _ in range(2):
        batch.add({"a": 1}, now=0.0)
        full = batch.close()
        assert full is not None
        names.append(full.name)
    # printf '{"a":1}\n' | sha256sum | cut -c1-12
    assert names == ["000000001-e346432021b0", "000000002-e346432021b0"]


@pytest.mark.parametrize("limits", [{"max_bytes": 0}, {"max_age_seconds": 0.0}, {"max_age_seconds": -1.0}])
def test_limits_are_above_zero(limits: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Batch(**limits)  # type: ignore[arg-type]


def test_what_cannot_be_read_back_is_not_taken() -> None:
    batch = Batch()
    for bad in ({"a": float("nan")}, {"a": object()}, Reading(2**63), Reading(1, "x" * 17_000_000)):
        with pytest.raises(ValidationError, match="record 1"):
            batch.add(bad, now=0.0)
    assert len(batch) == 0


@given(st.lists(st.builds(Reading, st.integers(-9, 9), st.text(max_size=30))), st.integers(1, 200), st.booleans())
def test_all_records_come_back_in_their_order(written: list[Reading], max_bytes: int, compressed: bool) -> None:
    batch = Batch(max_bytes=max_bytes, compressed=compressed)
    closed = []
    for reading in written:
        batch.add(reading, now=0.0)
        if batch.is_due(0.0):
            closed.append(batch.close())
    closed.append(batch.close())
    full = [one for one in closed if one is not None]
    found = [outcome for one in full for outcome in decode(one.data, Reading)]
    assert [one.record for one in found if isinstance(one, Good)] == written
    assert [one.first for one in full] == [1 + sum(o.records for o in full[:n]) for n in range(len(full))]
    assert all(compression_of(one.data) == ("zstd" if compressed else "") for one in full)
    for one in full:
        size = len(b"".join(decompressed([one.data], compression_of(one.data))))
        longest = max(len(msgspec.json.encode(reading)) + 1 for reading in written)
        assert size < max_bytes + longest
