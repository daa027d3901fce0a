"""Retention carried out in a folder: what goes, what stays, and that whoever is interrupted goes on from there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import Pipeline, days
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.errors import PenstockError
from penstock.faultpoints import arm, disarm
from penstock.lake.retention import Action
from penstock.model.datasets import LakeTable
from penstock.model.sealing import Counts, Footer, SealedSchema, SourceCounts
from penstock.ports.sealing import Check, Describe, Written
from penstock.runtime.machine.retention import Retention

MIDNIGHT = 1_771_545_600.0  # 2026-02-20T00:00:00Z
HOUR = 3600
DAY = 86_400
CONTENT = b'{"value": 1.5}\n' * 50


class Reading(msgspec.Struct):
    value: float


class NamedSources:
    """An engine whose sealed files are lists of the raw objects that they cover; their footers are made of these."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def footer(self, key: str) -> Footer | None:
        path = self._folder / key
        if not path.exists():
            return None
        keys = path.read_text().split()
        sources = {one: SourceCounts(key=one, records=2, good=2) for one in keys}
        counts = Counts(records=2 * len(keys), good=2 * len(keys))
        return Footer(sources=sources, schema=SealedSchema("", ()), counts=counts, rows=counts.good)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        self._folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=".penstock-") as folder:
            yield Path(folder)

    def fetch(self, key: str, scratch: Path) -> Path:
        raise NotImplementedError

    def write(
        self,
        table: LakeTable,
        lines: Sequence[Path],
        *,
        check: Check,
        previous: Path | None,
        describe: Describe,
        scratch: Path,
    ) -> Written:
        raise NotImplementedError


class WatchedStore(FileObjectStore):
    """A store of files that tells before it deletes one."""

    before_delete: Callable[[], None] = staticmethod(lambda: None)

    def delete(self, key: str) -> None:
        self.before_delete()
        super().delete(key)


class Lake:
    """A lake with one table, ``readings``, that is archived after a day and kept for ten."""

    def __init__(self, folder: Path) -> None:
        self.objects = WatchedStore(folder)
        self.clock = VirtualClock(MIDNIGHT)
        self.warnings: list[str] = []
        self.forgotten: list[tuple[str, str, bool]] = []
        pipeline = Pipeline("p")
        pipeline.lake("readings", Reading, retain=days(10), archive_after=days(1))
        self.retention = Retention(
            objects=self.objects,
            sealing=NamedSources(folder),
            clock=self.clock,
            definitions={"p": pipeline.declared()},
            forget=self._forget,
            warn=self.warnings.append,
        )

    def _forget(self, table: str, partition: str) -> None:
        """Notes what is to be forgotten, and whether its sealed file is there still."""
        is_there = self.objects.head(f"sealed/{table}/{partition}/{table}.parquet") is not None
        self.forgotten.append((table, partition, is_there))

    @staticmethod
    def path(hour: int) -> str:
        return f"year=2026/month=02/day=20/hour={hour:02}"

    def raw(self, hour: int, name: str) -> str:
        key = f"raw/readings/{self.path(hour)}/{name}.json"
        self.objects.create(key, CONTENT)
        return key

    def seal(self, hour: int, *keys: str) -> str:
        key = f"sealed/readings/{self.path(hour)}/readings.parquet"
        self.objects.put(key, "\n".join(keys).encode())
        return key

    def left(self) -> set[str]:
        return {one.key for one in self.objects.list()}

    def move_to(self, at: float) -> None:
        self.clock.advance(at - self.clock.now())

    def run_at(self, at: float) -> None:
        self.move_to(at)
        for decision in self.retention.plan():
            self.retention.carry_out(decision)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    yield Lake(tmp_path / "lake")
    disarm()


def test_raw_objects_move_to_the_archive_and_come_back_byte_for_byte(lake: Lake) -> None:
    raw = lake.raw(7, "a")
    sealed = lake.seal(7, raw)
    lake.run_at(MIDNIGHT + 8 * HOUR + DAY)
    archived = f"archive/{raw}.zst"
    assert lake.left() == {archived, sealed}
    assert lake.objects.get(archived).startswith(b"\x28\xb5\x2f\xfd")
    assert len(lake.objects.get(archived)) < len(CONTENT)
    (partition,) = lake.retention.catalog.listing(lake.retention.tables[0]).partitions
    assert lake.retention.restore(partition) == [raw]
    assert lake.left() == {raw, sealed}
    assert lake.objects.get(raw) == CONTENT


def test_a_partition_expires_whole(lake: Lake) -> None:
    raw = lake.raw(7, "a")
    lake.seal(7, raw)
    lake.objects.put(f"quarantine/readings/{lake.path(7)}/a.json", b"{}\n")
    young = lake.raw(8, "a")
    lake.run_at(MIDNIGHT + 8 * HOUR + 2 * DAY)
    lake.run_at(MIDNIGHT + 8 * HOUR + 10 * DAY)
    assert lake.left() == {young}


def test_what_came_late_holds_its_partition(lake: Lake) -> None:
    kept = {lake.raw(7, "a")}
    kept |= {lake.seal(7, *kept), lake.raw(7, "late")}
    lake.run_at(MIDNIGHT + 100 * DAY)
    assert lake.left() == kept
    assert [one.action for one in lake.retention.plan()] == [Action.HOLD]


def test_a_decision_is_void_when_something_came_after_it(lake: Lake) -> None:
    raw = lake.raw(7, "a")
    sealed = lake.seal(7, raw)
    lake.move_to(MIDNIGHT + 20 * DAY)
    (decision,) = lake.retention.plan()
    late = lake.raw(7, "late")
    assert lake.retention.carry_out(decision) is None
    assert lake.left() == {raw, sealed, late}


def test_a_decision_is_void_when_time_has_made_another_of_it(lake: Lake) -> None:
    raw = lake.raw(7, "a")
    sealed = lake.seal(7, raw)
    lake.move_to(MIDNIGHT + 2 * DAY)
    (decision,) = lake.retention.plan()
    assert decision.action is Action.ARCHIVE
    lake.move_to(MIDNIGHT + 20 * DAY)
    assert lake.retention.carry_out(decision) is None
    assert lake.left() == {raw, sealed}


def test_a_sealed_file_that_a_sealer_replaces_meanwhile_stays(lake: Lake) -> None:
    raw = lake.raw(7, "a")
    sealed = lake.seal(7, raw)
    late = raw.replace("a.json", "late.json")

    def seal_meanwhile() -> None:
        lake.objects.before_delete = lambda: None
        lake.raw(7, "late")
        lake.seal(7, raw, late)

    lake.objects.before_delete = seal_meanwhile
    lake.run_at(MIDNIGHT + 20 * DAY)
    assert lake.left() == {late, sealed}
    lake.run_at(MIDNIGHT + 20 * DAY)
    assert lake.left() == set()


@pytest.mark.parametrize("point", ["retention.before_archive", "retention.before_delete"])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_whoever_is_interrupted_goes_on_from_there(lake: Lake, point: str, nth: int) -> None:
    raws = [lake.raw(7, name) for name in "abc"]
    sealed = lake.seal(7, *raws)
    for at, left in [(2 * DAY, {sealed, *(f"archive/{raw}.zst" for raw in raws)}), (20 * DAY, set())]:
        arm(point, "raise", nth)
        with contextlib.suppress(RuntimeError):
            lake.run_at(MIDNIGHT + at)
        disarm()
        lake.run_at(MIDNIGHT + at)
        assert lake.left() == left


def test_a_raw_object_stays_when_the_archive_holds_another(lake: Lake) -> None:
    raw = lake.raw(7, "a")
    lake.seal(7, raw)
    lake.objects.create(f"archive/{raw}.zst", b"no zstd at all")
    lake.move_to(MIDNIGHT + 2 * DAY)
    (decision,) = lake.retention.plan()
    with pytest.raises(PenstockError, match="archive/raw/readings"):
        lake.retention.carry_out(decision)
    assert raw in lake.left()
    lake.retention.tick()
    assert len(lake.warnings) == 1
    assert "hour=07" in lake.warnings[0]


def test_up_does_at_once_what_is_due_and_then_waits_an_hour(lake: Lake) -> None:
    first = lake.raw(7, "a")
    lake.seal(7, first)
    lake.move_to(MIDNIGHT + 20 * DAY)
    lake.retention.tick()
    assert lake.left() == set()
    second = lake.raw(8, "a")
    sealed = lake.seal(8, second)
    lake.retention.tick()
    assert lake.left() == {second, sealed}
    lake.move_to(MIDNIGHT + 20 * DAY + HOUR)
    lake.retention.tick()
    assert lake.left() == set()


@settings(max_examples=40, deadline=None)
@given(
    hours=st.dictionaries(
        st.integers(0, 23),
        st.builds(SimpleNamespace, covered=st.integers(0, 2), late=st.integers(0, 1), is_sealed=st.booleans()),
        min_size=1,
        max_size=4,
    ),
    moments=st.lists(st.integers(0, 14 * DAY), min_size=1, max_size=3),
)
def test_nothing_goes_that_is_not_both_old_and_sealed(hours: dict[int, SimpleNamespace], moments: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake")
        covered: dict[str, int] = {}
        uncovered: set[str] = set()
        for hour, made in hours.items():
            keys = [lake.raw(hour, f"c{number}") for number in range(made.covered)]
            if made.is_sealed:
                covered |= dict.fromkeys([*keys, lake.seal(hour, *keys)], hour)
            uncovered |= {lake.raw(hour, f"l{number}") for number in range(made.late)}
            uncovered |= set(keys) - set(covered)
        for moment in sorted(moments):
            lake.run_at(MIDNIGHT + moment)
            left = lake.left()
            assert uncovered <= left
            for key, hour in covered.items():
                age = moment - (hour + 1) * HOUR
                is_held = hours[hour].late > 0
                if is_held or age < DAY:
                    assert key in left
                elif age < 10 * DAY:
                    assert (f"archive/{key}.zst" if key.startswith("raw/") else key) in left
                else:
                    assert not {key, f"archive/{key}.zst"} & left


def test_what_is_derived_from_a_sealed_file_goes_before_it(lake: Lake) -> None:
    lake.seal(7, lake.raw(7, "a"))
    lake.seal(8, lake.raw(8, "b"))
    lake.run_at(MIDNIGHT + 8 * 3600 + 86_400)
    assert lake.forgotten == []
    lake.run_at(MIDNIGHT + 8 * 3600 + 10 * 86_400)
    assert lake.forgotten == [("readings", lake.path(7), True)]
