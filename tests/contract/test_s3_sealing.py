"""The function that seals, over a bucket: what it leaves there, and which calls it needs."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.adapters.aws.objects import ListedObjectStore
from penstock.adapters.aws.session import client
from penstock.adapters.local.parquet_footer import footer
from penstock.lake.layout import partition_path
from penstock.model.datasets import LakeTable
from penstock.model.pipeline import Definition
from penstock.runtime.aws import sealing


class Reading(msgspec.Struct):
    sensor: str
    value: float


TABLE = LakeTable(name="readings", record=Reading, sort=("value",))
HOUSE = Definition(name="house", namespace="House", lake_tables={"readings": TABLE})
# Closed whenever this runs.
AT = datetime.now(UTC) - timedelta(hours=2)
PARTITION = partition_path(TABLE, AT.timestamp())
RAW, SEALED = f"raw/readings/{PARTITION}", f"sealed/readings/{PARTITION}/readings.parquet"


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def bucket(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ListedObjectStore:
    client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    monkeypatch.setenv("PENSTOCK_LAKE_BUCKET", "lake")
    monkeypatch.setattr(sealing, "SCRATCH", tmp_path / "lake")
    return ListedObjectStore("lake")


def lines(*values: float) -> bytes:
    return b"".join(msgspec.json.encode(Reading("s", value)) + b"\n" for value in values)


def test_a_partition_is_sealed_and_sealed_again_when_an_object_comes_late(
    bucket: ListedObjectStore, tmp_path: Path
) -> None:
    bucket.create(f"{RAW}/b.json", lines(3, 1) + b'{"sensor": 7}\n')
    bucket.create(f"{RAW}/a.json.gz", gzip.compress(lines(2)))
    function = sealing.load(HOUSE)
    assert function({}, Context()) == {"partitions": 1, "failed": 0, "left": 0}
    first = described(bucket, tmp_path)
    assert first.rows == 3
    assert (first.counts.records, first.counts.good, first.counts.quarantined) == (4, 3, 1)
    (refused,) = bucket.list("quarantine/")
    assert refused.key == f"quarantine/readings/{PARTITION}/b.json"
    bucket.create(f"{RAW}/c.json", lines(0))
    assert function({"days": 1 if AT.date() == datetime.now(UTC).date() else 2}, Context())["failed"] == 0
    again = described(bucket, tmp_path)
    assert (again.rows, again.sources.keys()) == (4, first.sources.keys() | {f"{RAW}/c.json"})
    # Nothing is left where the next invocation works.
    assert [one for one in (tmp_path / "lake").iterdir() if one.is_dir()] == []


def described(bucket: ListedObjectStore, folder: Path) -> Any:
    file = folder / "sealed.parquet"
    file.write_bytes(bucket.get(SEALED))
    return footer(file)


def test_of_two_that_seal_at_once_the_later_looks_again(
    bucket: ListedObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.create(f"{RAW}/a.json", lines(1))
    other = sealing.load(HOUSE)
    # Its own bucket is opened by its first call.
    other({"table": "readings", "partition": "year=2020/month=01/day=01/hour=00"}, Context())
    raced = []

    class Raced(ListedObjectStore):
        """Another one seals what has arrived in the meantime, just before this one would replace the file."""

        def replace(self, key: str, source: Any, *, if_match: str | None) -> Any:
            if key == SEALED and not raced:
                raced.append(if_match)
                bucket.create(f"{RAW}/b.json", lines(2))
                other({}, Context())
            return super().replace(key, source, if_match=if_match)

    monkeypatch.setattr("penstock.adapters.aws.objects.ListedObjectStore", Raced)
    assert sealing.load(HOUSE)({}, Context())["failed"] == 0
    assert raced == [None]
    found = described(bucket, tmp_path)
    assert (found.rows, sorted(found.sources)) == (2, [f"{RAW}/a.json", f"{RAW}/b.json"])


def test_what_is_absent_is_found_out_by_a_listing(bucket: ListedObjectStore) -> None:
    """Without a right to list the whole bucket S3 denies a question after what is not there."""
    bucket.create("sealed/readings/a.parquet2", b"x")
    assert bucket.head("sealed/readings/a.parquet") is None
    info = bucket.create("sealed/readings/a.parquet", b"xyz")
    found = bucket.head("sealed/readings/a.parquet")
    assert found is not None
    assert (found.size, found.etag) == (3, info.etag)
    assert abs(found.modified_at - time.time()) < 60
