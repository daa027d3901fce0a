"""Whatever happens to a lake and to the days that were put together of it: each record is there once."""

import datetime
import shutil
import threading
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults.points import kills
from tests.readings import TABLE, Reading
from tests.unit.adapters.test_query_days import OVER, POINTS, files

from penstock.adapters.local.compactor import DuckDbCompactor
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.faultpoints import arm, disarm
from penstock.model.datasets import LakeTable
from penstock.runtime.lake.seal import PartitionSealer

HOURS = ("20/hour=07", "20/hour=08", "20/hour=23", "21/hour=00", "21/hour=01")
hour = st.sampled_from(HOURS)
steps = st.one_of(
    st.tuples(st.sampled_from(["write", "write", "seal", "seal again", "touch", "expire raw", "expire"]), hour),
    st.tuples(st.sampled_from(["compact", "compact", "compact late", "cut", "clear", *POINTS]), st.none()),
)


class World:
    """A lake, the days of it, and the records that are to be found."""

    def __init__(self, root: Path) -> None:
        self.lake = root / "lake"
        self.lake.mkdir(parents=True)
        self.days = root / "days"
        self.expected: Counter[tuple[int, str, str]] = Counter()
        self._count = 0
        self._sealer = PartitionSealer(
            FileObjectStore(self.lake), DuckDbSealer(self.lake, threads=1, memory_limit_mb=128), DuckDbRowReader()
        )
        self._engine = DuckDbQueryEngine(self.lake, threads=1, days_folder=self.days)

    def found(self) -> Counter[tuple[int, str, str]]:
        return Counter(self._engine.run("SELECT value, day, hour FROM readings", tables=[TABLE]).rows)

    def take(self, step: str, at: str | None) -> None:
        if at is None:
            self._compact(step)
        elif step == "write":
            self._write(at)
        elif step in {"seal", "seal again"}:
            self._sealer.seal(TABLE, f"year=2026/month=02/day={at}", again=step == "seal again")
        elif step == "touch":
            # As restored from a backup: the same content, another file.
            for path in self._sealed(at):
                shutil.copy(path, path.with_suffix(".copy"))
                path.with_suffix(".copy").replace(path)
        elif step in {"expire", "expire raw"}:
            self._expire(at, step == "expire")

    def _write(self, at: str) -> None:
        self._count += 1
        values = [self._count * 10 + place for place in range(3)]
        lines = "".join(f'{{"value": {value}}}\n' for value in values)
        key = f"raw/readings/year=2026/month=02/day={at}/{self._count}.json"
        FileObjectStore(self.lake).create(key, lines.encode())
        day, _, found = at.partition("/hour=")
        self.expected.update((value, day, found) for value in values)

    def _expire(self, at: str, is_all: bool) -> None:
        """Expires raw objects that are sealed, or a whole partition."""
        self._sealer.seal(TABLE, f"year=2026/month=02/day={at}")
        shutil.rmtree(self.lake / f"raw/readings/year=2026/month=02/day={at}", ignore_errors=True)
        if is_all:
            shutil.rmtree(self.lake / f"sealed/readings/year=2026/month=02/day={at}", ignore_errors=True)
            day, _, found = at.partition("/hour=")
            self.expected = Counter({one: 1 for one in self.expected if one[1:] != (day, found)})

    def _sealed(self, at: str) -> list[Path]:
        return [*(self.lake / f"sealed/readings/year=2026/month=02/day={at}").glob("*.parquet")]

    def _compact(self, step: str) -> None:
        if step == "clear":
            shutil.rmtree(self.days / "readings", ignore_errors=True)
        elif step == "cut":
            for path in self.days.rglob("*.parquet"):
                path.write_bytes(path.read_bytes()[:-9])
        else:
            self._put_together(step, OVER if step == "compact" else OVER + 86_400)

    def _put_together(self, step: str, now: float) -> None:
        if step in POINTS:
            arm(step, "raise")
        try:
            list(DuckDbCompactor(self.lake, self.days, threads=1, memory_limit_mb=128).compact(TABLE, now))
        except RuntimeError as error:
            if "fault point" not in str(error):
                raise
        finally:
            disarm()


@pytest.mark.timeout(900)
@settings(max_examples=kills() // 4, deadline=None)
@given(st.lists(steps, min_size=6, max_size=14))
def test_every_record_is_there_once_in_any_history(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, str | None]]
) -> None:
    root = tmp_path_factory.mktemp("world")
    world = World(root)
    for at in HOURS[:2]:
        world.take("write", at)
        world.take("seal", at)
    for step, where in [("compact", None), *history]:
        world.take(step, where)
        assert world.found() == world.expected, step
    shutil.rmtree(root)


def test_readers_see_every_record_once_while_two_put_days_together(tmp_path: Path) -> None:
    """A sealer, two compactors and somebody who clears away loop; the reader counts."""
    world = World(tmp_path)
    for at in HOURS[:2]:
        world.take("write", at)
        world.take("seal", at)
    stop, failed, steps_done = threading.Event(), list[BaseException](), Counter[str]()

    def loop(*steps: tuple[str, str | None]) -> None:
        try:
            while not stop.is_set():
                for step, at in steps:
                    world.take(step, at)
                    steps_done[step] += 1
        except BaseException as error:
            failed.append(error)

    threads = [
        threading.Thread(target=loop, args=[("touch", HOURS[0])]),
        threading.Thread(target=loop, args=[("compact", None)]),
        threading.Thread(target=loop, args=[("compact", None), ("clear", None)]),
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in range(15):
            assert world.found() == world.expected
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failed
    assert steps_done["compact"]
    world.take("compact", None)
    assert len(files(world.lake)) == 1


class Everything(msgspec.Struct):
    """A record of all kinds of values that a column can hold."""

    number: int
    share: float
    name: str | None
    taken_at: datetime.datetime | None
    on: datetime.date | None
    tags: dict[str, float]
    others: list[Reading]
    is_on: bool


@settings(max_examples=8, deadline=None)
@given(st.lists(st.from_type(Everything), min_size=2, max_size=20))
def test_values_of_all_kinds_are_the_same(tmp_path_factory: pytest.TempPathFactory, records: list[Everything]) -> None:
    table = LakeTable(name="all", record=Everything, sort=("name", "number"))
    root = tmp_path_factory.mktemp("values")
    store, lake = FileObjectStore(root / "lake"), root / "lake"
    sealer = PartitionSealer(store, DuckDbSealer(lake, threads=1, memory_limit_mb=128), DuckDbRowReader())
    for number, at in enumerate(HOURS[:2]):
        lines = b"\n".join(msgspec.json.encode(one) for one in records[number::2])
        store.create(f"raw/all/year=2026/month=02/day={at}/a.json", lines)
        sealer.seal(table, f"year=2026/month=02/day={at}")
    sql = "SELECT * FROM all ORDER BY ALL"
    before = DuckDbQueryEngine(lake, threads=1).run(sql.replace("all", '"all"', 1), tables=[table])
    list(DuckDbCompactor(lake, root / "days", threads=1, memory_limit_mb=128).compact(table, OVER))
    engine = DuckDbQueryEngine(lake, threads=1, days_folder=root / "days")
    after = engine.run(sql.replace("all", '"all"', 1), tables=[table])
    assert after.tables[0].day_files == 1
    assert (repr(after.rows), after.columns) == (repr(before.rows), before.columns)
    shutil.rmtree(root)
