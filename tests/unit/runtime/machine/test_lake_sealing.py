from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.sealing import PARTITION, Lake

from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import StorageFullError, UnavailableError
from penstock.model.datasets import LakeTable
from penstock.model.pipeline import Definition
from penstock.model.sealing import Compacted
from penstock.runtime.lake.seal import Outcome, PartitionSealer
from penstock.runtime.machine.sealing import EVERYTHING_SECONDS, INTERVAL_SECONDS, Compact, LakeSealer

CLOSED_AT = 1_771_570_800.0 + 3600 + 600  # 2026-02-20T07:00:00Z, its hour, and ten minutes


class Reading(msgspec.Struct):
    a: int


TABLE = LakeTable(name="t", record=Reading)
Make = Callable[[float], LakeSealer]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", TABLE)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(CLOSED_AT)


def sealer(
    lake: Lake,
    clock: VirtualClock,
    told: list[str],
    partitions: PartitionSealer | None = None,
    compact: Compact | None = None,
    **options: Any,
) -> LakeSealer:
    definition = Definition(name="p", namespace="p", lake_tables={"t": TABLE})
    return LakeSealer(
        sealer=partitions or lake.sealer,
        objects=lake.objects,
        clock=clock,
        definitions={"p": definition},
        compact=compact,
        warn=told.append,
        **options,
    )


def test_a_partition_is_sealed_when_it_is_closed(lake: Lake, told: list[str]) -> None:
    clock = VirtualClock(CLOSED_AT - 1)
    machine = sealer(lake, clock, told)
    lake.add("a.json", [{"a": 1}])
    assert machine.seal_due() == 0
    clock.advance(1)
    assert machine.seal_due() == 1
    assert lake.rows() == [(1,)]
    assert (machine.seal_due(), told) == (0, [])


def test_late_data_are_found_soon_in_what_closed_last_and_later_elsewhere(
    lake: Lake, clock: VirtualClock, told: list[str]
) -> None:
    machine = sealer(lake, clock, told)
    lake.add("a.json", [{"a": 1}])
    machine.seal_due()
    lake.add("b.json", [{"a": 2}])
    assert machine.seal_due(everything=False) == 1
    clock.advance(24 * 3600)
    lake.add("c.json", [{"a": 3}])
    assert machine.seal_due(everything=False) == 0
    assert machine.seal_due(everything=True) == 1
    assert lake.rows() == [(1,), (2,), (3,)]


def test_a_turn_only_begins_to_seal(lake: Lake, clock: VirtualClock, told: list[str]) -> None:
    lake.add("a.json", [{"a": 1}])
    machine = sealer(lake, clock, told)
    machine.tick()
    assert machine._thread is not None
    machine._thread.join()
    assert lake.rows() == [(1,)]
    machine.close()
    lake.add("b.json", [{"a": 2}])
    assert machine.seal_due() == 0


class Recording(LakeSealer):
    """Notes how it would look, and does nothing."""

    looked: list[bool]
    compacted: list[bool]
    found: int = 0

    def seal_due(self, everything: bool = True) -> int:
        self.looked.append(everything)
        return self.found

    def compact_due(self, everything: bool = True) -> int:
        self.compacted.append(everything)
        return 0


def test_it_looks_every_half_minute_and_everywhere_once_an_hour(lake: Lake, clock: VirtualClock) -> None:
    machine = Recording(
        sealer=lake.sealer,
        objects=lake.objects,
        clock=clock,
        definitions={"p": Definition(name="p", namespace="p", lake_tables={"t": TABLE})},
    )
    machine.looked, machine.compacted = [], []
    for _ in range(int(EVERYTHING_SECONDS) + 1):
        machine.tick()
        if machine._thread is not None:
            machine._thread.join()
        clock.advance(1)
    assert machine.looked == [True, *[False] * (int(EVERYTHING_SECONDS / INTERVAL_SECONDS) - 1), True]
    assert machine.compacted == [False, False]
    machine.found = 1
    clock.advance(EVERYTHING_SECONDS)
    machine.tick()
    machine.close()
    assert machine.compacted == [False, False, True]


class Failing(PartitionSealer):
    """Cannot seal."""

    def seal(self, table: LakeTable, partition: str, *, again: bool = False, accept_loss: bool = False) -> Outcome:
        raise UnavailableError("the disk is gone", hint="look for it")


def test_what_cannot_be_sealed_is_told_once(lake: Lake, clock: VirtualClock, told: list[str]) -> None:
    lake.add("a.json", [{"a": 1}])
    machine = sealer(lake, clock, told, Failing(lake.objects, lake.engine, lambda pieces: iter(())))
    assert (machine.seal_due(), machine.seal_due()) == (0, 0)
    assert told == [f"cannot seal t {PARTITION}: the disk is gone; look for it"]


def test_in_turn_it_seals_when_a_partition_closes_and_says_when_that_is(
    lake: Lake, clock: VirtualClock, told: list[str]
) -> None:
    clock = VirtualClock(CLOSED_AT - 600)
    machine = sealer(lake, clock, told, in_background=False, everything_seconds=86_400)
    assert machine.next_due_at() is None
    machine.tick()
    lake.add("a.json", [{"a": 1}])
    assert machine.next_due_at() == CLOSED_AT
    machine.tick()
    assert not list(lake.objects.list("sealed/"))
    clock.advance(600)
    machine.tick()
    assert lake.rows() == [(1,)]
    assert machine.next_due_at() is None


def test_in_turn_what_could_not_be_sealed_is_tried_again_an_hour_later(
    lake: Lake, clock: VirtualClock, told: list[str]
) -> None:
    class Failing(PartitionSealer):
        def __init__(self) -> None:
            self.attempts = 0

        def seal(self, table: LakeTable, partition: str, *, again: bool = False, accept_loss: bool = False) -> Outcome:
            self.attempts += 1
            raise UnavailableError("the disk is away", hint="wait")

    failing = Failing()
    clock = VirtualClock(CLOSED_AT - 60)
    machine = sealer(lake, clock, told, failing, in_background=False, everything_seconds=86_400)
    machine.tick()
    lake.add("a.json", [{"a": 1}])
    assert machine.next_due_at() == CLOSED_AT
    clock.advance(60)
    machine.tick()
    assert failing.attempts == 1
    assert machine.next_due_at() == pytest.approx(CLOSED_AT + EVERYTHING_SECONDS)
    clock.advance(EVERYTHING_SECONDS)
    machine.tick()
    assert failing.attempts == 2


def test_days_that_are_over_are_put_together(lake: Lake, clock: VirtualClock, told: list[str]) -> None:
    asked: list[tuple[str, float]] = []

    def compact(table: LakeTable, now: float) -> Iterator[Compacted]:
        asked.append((table.name, now))
        yield Compacted(table="t", day="year=2026/month=02/day=18", hours=24)
        yield Compacted(table="t", day="year=2026/month=02/day=19", hours=24, problem="a file is damaged")

    machine = sealer(lake, clock, told, compact=compact)
    assert (machine.compact_due(), machine.compact_due(everything=False), machine.compact_due()) == (1, 0, 1)
    assert asked == [("t", CLOSED_AT)] * 2
    # 2026-02-20 is over, and its last hour closed, 16 hours after 08:10.
    clock.advance(16 * 3600 - 1)
    assert machine.compact_due(everything=False) == 0
    clock.advance(1)
    assert machine.compact_due(everything=False) == 1
    assert told == ["cannot put t year=2026/month=02/day=19 together: a file is damaged"]
    machine.close()
    assert machine.compact_due() == 1


def test_a_full_disk_stops_no_sealing(lake: Lake, clock: VirtualClock, told: list[str]) -> None:
    def compact(table: LakeTable, now: float) -> Iterator[Compacted]:
        yield Compacted(table="t", day="year=2026/month=02/day=18", hours=24)
        raise StorageFullError("no space left", hint="free some space")

    assert sealer(lake, clock, told, compact=compact).compact_due() == 0
    assert told == ["no space left; free some space"]


def test_it_stops_between_two_days(lake: Lake, clock: VirtualClock, told: list[str]) -> None:
    made: list[int] = []

    def compact(table: LakeTable, now: float) -> Iterator[Compacted]:
        for number in range(3):
            made.append(number)
            yield Compacted(table="t", day=f"year=2026/month=02/day=1{number}", hours=24)

    machine = sealer(lake, clock, told, compact=compact)
    machine.close()
    assert (machine.compact_due(), made) == (1, [0])
