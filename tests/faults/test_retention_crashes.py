"""Retention that is interrupted anywhere, over partitions that were really sealed: a query sees all rows or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from penstock import Pipeline, days
from penstock.adapters.virtual.clock import VirtualClock
from penstock.faultpoints import arm, disarm
from penstock.model.datasets import LakeTable
from penstock.runtime.lake.check import LakeCheck
from penstock.runtime.machine.home import Home
from penstock.runtime.machine.retention import Retention

MIDNIGHT = 1_771_545_600.0  # 2026-02-20T00:00:00Z
DAY = 86_400
PARTITION = "year=2026/month=02/day=20/hour=07"
OBJECTS = 3
RECORDS = 40


class Reading(msgspec.Struct):
    id: int


class World:
    """A home with one partition: three raw objects of forty records each, and one line that is no record, sealed."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(MIDNIGHT + DAY)
        self.home = Home(folder / "home", clock=self.clock)
        pipeline = Pipeline("p")
        self.table: LakeTable = pipeline.lake("readings", Reading, retain=days(10), archive_after=days(2))
        self.retention: Retention = self.home.retention({"p": pipeline.declared()})
        for number in range(OBJECTS):
            lines = "".join(f'{{"id": {number * RECORDS + one}}}\n' for one in range(RECORDS))
            key = f"raw/readings/{PARTITION}/{number}.json"
            self.home.objects.create(key, lines.encode() + (b"no record\n" if number == 0 else b""))
        self.seal()

    def seal(self) -> None:
        self.home.partition_sealer.seal(self.table, PARTITION)

    def run(self) -> None:
        for decision in self.retention.plan():
            self.retention.carry_out(decision)

    def rows(self) -> tuple[int, int]:
        """Returns how many rows a query sees, and how many different ones."""
        found = self.home.query.run("SELECT count(*), count(DISTINCT id) FROM readings", tables=[self.table])
        count, distinct = found.rows[0]
        return count, distinct


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    disarm()
    made.home.close()


ALL = (OBJECTS * RECORDS, OBJECTS * RECORDS)
# Three copies and three removals for the archive; six removals for the end: raw or archive, quarantine, sealed.
POINTS = [
    *(("retention.before_archive", nth) for nth in (1, 3)),
    *(("retention.before_delete", nth) for nth in (1, 2, 3)),
    *(("objects.before_rename", nth) for nth in (1, 2)),
]


@pytest.mark.parametrize(("point", "nth"), POINTS)
def test_archiving_that_is_interrupted_changes_no_answer(world: World, point: str, nth: int) -> None:
    world.clock.advance(3 * DAY)
    arm(point, "raise", nth)
    with pytest.raises(RuntimeError, match="fault point"):
        world.run()
    assert world.rows() == ALL
    world.run()
    assert world.rows() == ALL
    (partition,) = world.home.lake_catalog.listing(world.table).partitions
    assert (len(partition.raw), len(partition.archived)) == (0, OBJECTS)
    (balance,) = LakeCheck(world.home.objects, world.home.sealing, world.home.rows, recount=False).check(world.table)
    assert balance.wrong == ()


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("is_archived", [False, True])
def test_expiry_that_is_interrupted_leaves_all_rows_until_it_leaves_none(
    world: World, nth: int, is_archived: bool
) -> None:
    if is_archived:
        world.clock.advance(3 * DAY)
        world.run()
    world.clock.advance(20 * DAY)
    arm("retention.before_delete", "raise", nth)
    with pytest.raises(RuntimeError, match="fault point"):
        world.run()
    assert world.rows() == ALL
    world.run()
    assert world.rows() == (0, 0)
    assert list(world.home.objects.list()) == []


def test_a_late_object_is_sealed_before_its_partition_goes(world: World) -> None:
    world.clock.advance(20 * DAY)
    world.home.objects.create(f"raw/readings/{PARTITION}/late.json", b'{"id": 1000}\n')
    world.run()
    assert world.rows() == (ALL[0] + 1, ALL[1] + 1)
    world.seal()
    world.run()
    assert list(world.home.objects.list()) == []


def test_what_comes_back_from_the_archive_is_seen_once(world: World) -> None:
    world.clock.advance(3 * DAY)
    world.run()
    (partition,) = world.home.lake_catalog.listing(world.table).partitions
    assert len(world.retention.restore(partition)) == OBJECTS
    assert world.rows() == ALL
    (balance,) = LakeCheck(world.home.objects, world.home.sealing, world.home.rows).check(world.table)
    assert balance.wrong == ()


@pytest.mark.parametrize("nth", [None, 1, 3])
def test_what_was_put_together_for_queries_goes_with_the_first_of_its_hours(world: World, nth: int | None) -> None:
    world.home.objects.create(f"raw/readings/{PARTITION.replace('07', '08')}/8.json", b'{"id": 1000}\n')
    world.home.partition_sealer.seal(world.table, PARTITION.replace("07", "08"))
    (made,) = world.home.compactor.compact(world.table, MIDNIGHT + DAY + 600)
    assert (made.hours, made.rows) == (2, ALL[0] + 1)
    assert len(list(world.home.days.rglob("*.parquet"))) == 1
    # Hour 07 goes after ten days, hour 08 an hour later.
    world.clock.advance(9 * DAY + 8 * 3600)
    if nth is not None:
        arm("retention.before_delete", "raise", nth)
        with pytest.raises(RuntimeError, match="fault point"):
            world.run()
        assert world.rows() == (ALL[0] + 1, ALL[1] + 1)
    world.run()
    assert world.rows() == (1, 1)
    assert list(world.home.days.rglob("*.parquet")) == []
    assert list(world.home.compactor.compact(world.table, world.clock.now())) == []
