"""What the function that seals looks at, and what becomes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.errors import HomeError, PortError, UsageError
from penstock.model.datasets import LakeTable
from penstock.model.pipeline import Definition
from penstock.runtime.aws.sealing import OVERLAP_SECONDS, RESERVE_MS, SealingFunction
from penstock.runtime.lake.seal import PartitionSealer

NOW = datetime(2026, 2, 20, 8, 30, tzinfo=UTC).timestamp()
SEVEN = "year=2026/month=02/day=20/hour=07"
EIGHT = "year=2026/month=02/day=20/hour=08"


class Order(msgspec.Struct):
    id: str


TABLE = LakeTable(name="orders", record=Order, seal_after_seconds=600)
SHOP = Definition(name="shop", namespace="Shop", lake_tables={"orders": TABLE})


class Context:
    """Lambda's context: how much time is left, one answer after the other."""

    def __init__(self, *left: int) -> None:
        self._left = list(left)

    def get_remaining_time_in_millis(self) -> int:
        return self._left.pop(0) if self._left else 900_000


class Sealer:
    """Says what it is asked to seal; fails where it is told to."""

    def __init__(self, failing: str = "") -> None:
        self.asked: list[tuple[str, str]] = []
        self._failing = failing

    def seal(self, table: LakeTable, partition: str) -> dict[str, Any]:
        self.asked.append((table.name, partition))
        if partition == self._failing:
            raise HomeError("no more memory", hint="give it more")
        return {"is_new": True}


@pytest.fixture
def objects(tmp_path: Path) -> FileObjectStore:
    return FileObjectStore(tmp_path / "lake")


@pytest.fixture
def wrote(tmp_path: Path, objects: FileObjectStore) -> Callable[..., None]:
    def write(key: str, at: float, data: bytes = b'{"id": "a"}\n') -> None:
        objects.put(key, data)
        os.utime(tmp_path / "lake" / key, (at, at))

    return write


def function(
    objects: FileObjectStore, sealer: Any, lines: list[str] | None = None, now: float = NOW
) -> SealingFunction:
    written: list[str] = [] if lines is None else lines
    return SealingFunction(SHOP, objects, sealer, lambda: now, written.append)


def raw(partition: str, name: str = "a") -> str:
    return f"raw/orders/{partition}/{name}.json"


def test_a_partition_is_due_when_it_is_closed(objects: FileObjectStore, wrote: Callable[..., None]) -> None:
    wrote(raw(SEVEN), NOW - 4000)
    wrote(raw(EIGHT), NOW - 60)
    sealer = Sealer()
    assert function(objects, sealer)({}, Context()) == {"partitions": 1, "failed": 0, "left": 0}
    assert sealer.asked == [("orders", SEVEN)]
    # Hour 7 ends at 8:00, and is closed ten minutes later.
    for minute, due in ((9, 0), (10, 1)):
        early = Sealer()
        function(objects, early, now=datetime(2026, 2, 20, 8, minute, tzinfo=UTC).timestamp())({}, Context())
        assert len(early.asked) == due


@pytest.mark.parametrize(("raw_age", "is_due"), [(OVERLAP_SECONDS + 100, False), (OVERLAP_SECONDS - 100, True)])
def test_what_was_sealed_long_after_its_newest_object_is_left_alone(
    raw_age: float, is_due: bool, objects: FileObjectStore, wrote: Callable[..., None]
) -> None:
    """An object may have arrived while the sealed file was made; a sealing takes no more than 15 minutes."""
    sealed_at = NOW - 100
    wrote(raw(SEVEN), sealed_at - raw_age)
    wrote(f"sealed/orders/{SEVEN}/orders.parquet", sealed_at)
    sealer = Sealer()
    function(objects, sealer)({}, Context())
    assert bool(sealer.asked) is is_due


def test_the_last_days_are_looked_at_or_what_is_asked_for(objects: FileObjectStore, wrote: Callable[..., None]) -> None:
    old, older = "year=2026/month=02/day=18/hour=23", "year=2026/month=02/day=17/hour=23"
    for partition in (old, older, SEVEN):
        wrote(raw(partition), NOW - 10)
    wrote("raw/orders/year=2026/month=02/day=20/of-a-daily-table.json", NOW)
    wrote("raw/orders/year=2026/month=02/day=20/hour=07/deeper/strange.json", NOW)
    for event, expected in (
        ({}, [old, SEVEN]),
        ({"days": 1}, [SEVEN]),
        ({"days": 4, "table": "orders"}, [older, old, SEVEN]),
        ({"days": 4, "table": "other"}, []),
        ({"table": "orders", "partition": f"{EIGHT}/"}, [EIGHT]),
    ):
        sealer = Sealer()
        function(objects, sealer)(event, Context())
        assert [partition for _, partition in sealer.asked] == expected, event


@pytest.mark.parametrize("event", [{"days": 0}, {"days": "3"}, {"days": 1e9}, {"table": "no", "partition": SEVEN}])
def test_an_event_that_makes_no_sense(event: dict[str, Any], objects: FileObjectStore) -> None:
    with pytest.raises(UsageError):
        function(objects, Sealer())(event, Context())


def test_one_that_fails_does_not_keep_the_others(objects: FileObjectStore, wrote: Callable[..., None]) -> None:
    six = "year=2026/month=02/day=20/hour=06"
    wrote(raw(six), NOW - 10)
    wrote(raw(SEVEN), NOW - 10)
    sealer, lines = Sealer(failing=six), list[str]()
    with pytest.raises(PortError, match="1 of 2 partitions"):
        function(objects, sealer, lines)({}, Context())
    assert [partition for _, partition in sealer.asked] == [six, SEVEN]
    failed, done, _ = map(json.loads, lines)
    # The filters over the log look for these.
    assert (failed["message"], failed["partition"], failed["cause"]) == ("not sealed", six, "no more memory")
    assert (done["message"], done["is_new"]) == ("partition", True)


def test_what_there_is_no_time_for_is_left(objects: FileObjectStore, wrote: Callable[..., None]) -> None:
    for hour in ("05", "06", "07"):
        wrote(raw(f"year=2026/month=02/day=20/hour={hour}"), NOW - 10)
    answer = function(objects, Sealer())({}, Context(RESERVE_MS, RESERVE_MS - 1))
    assert answer == {"partitions": 1, "failed": 0, "left": 2}


def test_with_the_real_sealer_all_is_sealed_once(
    tmp_path: Path, objects: FileObjectStore, wrote: Callable[..., None]
) -> None:
    wrote(raw(SEVEN), NOW - 4000, b'{"id": "b"}\n{"id": "a"}\nno record\n')
    lines: list[str] = []
    sealer = PartitionSealer(
        objects, DuckDbSealer(tmp_path / "lake", memory_limit_mb=200, threads=1), DuckDbRowReader()
    )
    for event in ({}, {"table": "orders", "partition": SEVEN}):
        assert function(objects, sealer, lines)(event, Context())["failed"] == 0
    first, _, second, _ = map(json.loads, lines)
    assert first["counts"] == {"records": 3, "good": 2, "quarantined": 1, "duplicates": 0}
    assert (first["is_new"], second["is_new"]) == (True, False)
    assert objects.head(f"sealed/orders/{SEVEN}/orders.parquet") is not None
