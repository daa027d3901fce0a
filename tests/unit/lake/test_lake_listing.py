"""The state and the counts of partitions, from listings and footers given by hand."""

from __future__ import annotations

import msgspec
import pytest

from penstock.lake.catalog import Listing, Sealed, State, Stored, archive_key, arrange, prefixes, raw_key_of
from penstock.model.datasets import LakeTable
from penstock.model.sealing import SourceCounts

SEVEN = 1_771_570_800.0  # 2026-02-20T07:00:00Z
PATH = "year=2026/month=02/day=20/hour=07"


class Reading(msgspec.Struct):
    value: float


TABLE = LakeTable(name="readings", record=Reading, seal_after_seconds=600)


def raw(name: str, path: str = PATH) -> Stored:
    return Stored(f"raw/readings/{path}/{name}.json", 100)


def sealed(*sources: SourceCounts, rows: int = 0) -> Sealed:
    key = f"sealed/readings/{PATH}/readings.parquet"
    return Sealed(key=key, size_bytes=40, etag="e1", rows=rows, sources={one.key: one for one in sources})


def counts(name: str, records: int, good: int, quarantined: int = 0, duplicates: int = 0) -> SourceCounts:
    return SourceCounts(key=raw(name).key, records=records, good=good, quarantined=quarantined, duplicates=duplicates)


def listing(*objects: Stored, files: Sealed | None = None) -> Listing:
    held = [*objects, *([Stored(files.key, files.size_bytes)] if files else [])]
    return arrange(TABLE, held, [files] if files else [])


def test_a_partition_has_the_bounds_of_its_hour_in_utc() -> None:
    (found,) = listing(raw("a")).partitions
    assert (found.path, found.start, found.end) == (PATH, SEVEN, SEVEN + 3600)


@pytest.mark.parametrize(("seconds_after_end", "state"), [(-1, State.OPEN), (599, State.OPEN), (600, State.RAW_ONLY)])
def test_a_partition_is_open_until_the_waiting_time_is_over(seconds_after_end: float, state: State) -> None:
    (found,) = listing(raw("a")).partitions
    assert found.state(TABLE, SEVEN + 3600 + seconds_after_end) == state


def test_a_sealed_partition_with_nothing_new_is_sealed() -> None:
    (found,) = listing(raw("a"), files=sealed(counts("a", 3, 3), rows=3)).partitions
    assert found.state(TABLE, SEVEN) == State.SEALED
    assert [one.key for one in found.covered] == [raw("a").key]
    assert found.uncovered == ()


def test_a_raw_object_that_the_sealed_file_does_not_name_is_late() -> None:
    (found,) = listing(raw("a"), raw("b"), files=sealed(counts("a", 3, 3), rows=3)).partitions
    assert found.state(TABLE, SEVEN) == State.LATE
    assert [one.key for one in found.uncovered] == [raw("b").key]


def test_a_sealed_partition_whose_raw_objects_are_gone_is_sealed() -> None:
    (found,) = listing(files=sealed(counts("a", 3, 3), rows=3)).partitions
    assert found.state(TABLE, SEVEN) == State.SEALED


def test_counts_are_the_sums_over_the_sources() -> None:
    (found,) = listing(files=sealed(counts("a", 10, 7, 2, 1), counts("b", 5, 5), rows=12)).partitions
    assert (found.counts.records, found.counts.good) == (15, 12)
    assert (found.counts.quarantined, found.counts.duplicates) == (2, 1)


@pytest.mark.parametrize(
    ("source", "rows", "is_balanced"),
    [
        (counts("a", 10, 7, 2, 1), 7, True),
        (counts("a", 10, 7, 2, 0), 7, False),
        (counts("a", 10, 7, 2, 1), 6, False),
        (counts("a", 0, 0), 0, True),
    ],
)
def test_balance(source: SourceCounts, rows: int, is_balanced: bool) -> None:
    assert sealed(source, rows=rows).is_balanced is is_balanced


def test_one_sources_surplus_does_not_make_up_for_what_another_lacks() -> None:
    assert not sealed(counts("a", 3, 2), counts("b", 2, 3), rows=5).is_balanced


def test_size_counts_every_zone() -> None:
    archived = Stored(archive_key(raw("z").key), 7)
    quarantine = Stored(f"quarantine/readings/{PATH}/a.json", 3)
    (found,) = listing(raw("a"), archived, quarantine, files=sealed(rows=0)).partitions
    assert found.size_bytes == 100 + 7 + 3 + 40
    assert found.archived == (archived,)
    assert found.quarantine == (quarantine,)


@pytest.mark.parametrize(
    "key",
    [
        "raw/readings/loose.json",
        "raw/readings/year=2026/month=02/day=20/daily.json",
        "raw/readings/year=2026/month=02/day=32/hour=07/a.json",
        f"sealed/readings/{PATH}/other.parquet",
        f"raw/readings/{PATH}/notes.md",
    ],
)
def test_what_is_in_no_partition_is_told(key: str) -> None:
    found = listing(raw("a"), Stored(key, 1))
    assert [one.key for one in found.misplaced] == [key]
    assert len(found.partitions) == 1


def test_a_sealed_file_that_cannot_be_read_does_not_make_a_partition_sealed() -> None:
    broken = Stored(f"sealed/readings/{PATH}/readings.parquet", 4)
    found = listing(raw("a"), broken)
    assert found.misplaced == (broken,)
    assert found.partitions[0].sealed is None


def test_partitions_are_in_order_of_time() -> None:
    later = raw("a", "year=2026/month=10/day=01/hour=00")
    earlier = raw("a", "year=2026/month=09/day=30/hour=23")
    assert [one.path for one in listing(later, earlier).partitions] == [
        "year=2026/month=09/day=30/hour=23",
        "year=2026/month=10/day=01/hour=00",
    ]


def test_a_key_comes_back_from_the_archive_as_it_was() -> None:
    key = f"raw/readings/{PATH}/a.json.zst"
    assert archive_key(key) == f"archive/raw/readings/{PATH}/a.json.zst.zst"
    assert raw_key_of(archive_key(key)) == key


def test_every_zone_has_a_prefix_that_no_other_table_shares() -> None:
    assert all(one.endswith("/readings/") for one in prefixes("readings"))
