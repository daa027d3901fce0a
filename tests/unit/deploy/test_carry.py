"""What is carried, between two stores of this machine: their ETags are no MD5, so that bytes are compared."""

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import faultpoints
from penstock.adapters.local.hot import SqliteHotStore
from penstock.adapters.local.metrics import SqliteMetricStore
from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.virtual.clock import VirtualClock
from penstock.deploy import carry
from penstock.errors import AlreadyExistsError
from penstock.model.datasets import HotTable, Key
from penstock.model.metrics import Datapoint, Metric
from penstock.ports.objects import ObjectInfo

NOW = 1_790_000_000.0
DAY = 86_400
TABLE = HotTable(name="t", partition=Key("id"), sort=Key("at", "N"), ttl_attribute="expires", ttl_seconds=DAY)
CPU, MEMORY = Metric("N", "cpu", (("b", "2"), ("a", "1"))), Metric("N", "memory")
NAMES = st.dictionaries(st.text("ab-/ä", min_size=1, max_size=4), st.binary(max_size=2), max_size=8)


def is_key(name: str) -> bool:
    return all(name.split("/"))


def fill(store: FileObjectStore, objects: dict[str, bytes]) -> dict[str, bytes]:
    """Creates objects; a file system cannot have one of the name of a folder."""
    made: dict[str, bytes] = {}
    for name, data in objects.items():
        folders = [other for other in made if other.startswith(f"{name}/") or name.startswith(f"{other}/")]
        if is_key(name) and not folders:
            store.create(f"t/{name}", data)
            made[name] = data
    return made


@settings(max_examples=100, deadline=None)
@given(here=NAMES, there=NAMES)
def test_a_survey_says_what_a_comparison_by_hand_says(here: dict[str, bytes], there: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, target = FileObjectStore(Path(folder) / "s"), FileObjectStore(Path(folder) / "t")
        mine, theirs = fill(source, here), fill(target, there)
        found = carry.survey_objects(source, target, ["t/"])
    missing = mine.keys() - theirs.keys()
    different = sorted(f"t/{name}" for name in mine.keys() & theirs.keys() if mine[name] != theirs[name])
    assert (found.objects, found.bytes) == (len(mine), sum(map(len, mine.values())))
    assert (found.missing, found.missing_bytes) == (len(missing), sum(len(mine[name]) for name in missing))
    assert sorted(found.different) == different


def test_objects_are_carried_whatever_lies_around_them(tmp_path: Path) -> None:
    source, target = FileObjectStore(tmp_path / "s"), FileObjectStore(tmp_path / "t")
    for number in range(100):
        source.create(f"raw/t/{number}", bytes([number]))
    for key, data in (("raw/s/0", b"?"), ("raw/t/3", b"\x03"), ("raw/t/own", b"?"), ("raw/u/0", b"?")):
        target.create(key, data)
    sizes: list[int] = []
    assert carry.carry_objects(source, target, ["raw/t/"], sizes.append) == 99
    assert sizes == [1] * 99
    assert [target.get(f"raw/t/{number}")[0] for number in range(100)] == list(range(100))
    survey = carry.survey_objects(source, target, ["raw/t/"])
    assert (survey.objects, survey.missing, survey.different) == (100, 0, [])


class Interfering(FileObjectStore):
    """Somebody creates each object just before we do."""

    data = b""

    def create(self, key: str, data: bytes) -> ObjectInfo:
        super().put(key, self.data)
        return super().create(key, data)


def test_what_somebody_else_created_meanwhile_is_compared(tmp_path: Path) -> None:
    source, target = FileObjectStore(tmp_path / "s"), Interfering(tmp_path / "t")
    source.create("t/a", b"abc")
    target.data = b"abd"
    with pytest.raises(AlreadyExistsError, match="object t/a is in the account already, with other bytes"):
        carry.carry_objects(source, target, ["t/"], lambda size: None)
    (tmp_path / "t/t/a").unlink()
    target.data = b"abc"
    assert carry.carry_objects(source, target, ["t/"], lambda size: None) == 1


def test_items_are_carried_but_for_those_that_are_there(tmp_path: Path) -> None:
    clock = VirtualClock(NOW)
    source, target = SqliteHotStore(tmp_path / "s", clock), SqliteHotStore(tmp_path / "t", clock)
    source.batch_put(TABLE, [{"id": f"{n % 7}", "at": n, "text": f"{n}"} for n in range(60)])
    target.put(TABLE, {"id": "0", "at": 0, "text": "of the account"})
    target.put(TABLE, {"id": "1", "at": 1, "text": "1", "expires": int(NOW) + 5})
    counts: list[int] = []
    assert carry.carry_items(TABLE, source, target, counts.append) == 58
    assert sum(counts) == 58
    assert max(counts) <= 25
    found = carry.survey_items(TABLE, source, target)
    assert (found.items, found.missing, found.different) == (60, 0, 1)
    kept = target.get(TABLE, {"id": "0", "at": 0})
    assert kept is not None
    assert kept["text"] == "of the account"
    source.close()
    target.close()


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[tuple[SqliteMetricStore, SqliteMetricStore, VirtualClock]]:
    clock = VirtualClock(NOW)
    source, target = SqliteMetricStore(tmp_path / "s", clock), SqliteMetricStore(tmp_path / "t", clock)
    yield source, target, clock
    source.close()
    target.close()


def test_datapoints_go_on_after_the_last_that_was_told(
    metrics: tuple[SqliteMetricStore, SqliteMetricStore, VirtualClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target, clock = metrics
    monkeypatch.setattr(carry, "BATCH_DATAPOINTS", 10)
    source.publish([Datapoint(CPU, NOW - n, float(n), 2.0) for n in range(25)])
    source.publish([Datapoint(MEMORY, NOW, 1.0)])
    told: list[tuple[int, int]] = []
    wanted = {carry.series_key(CPU)}

    def carried(position: int, count: int) -> None:
        told.append((position, count))

    faultpoints.arm("promotion.datapoints_published", "raise", 3)
    with pytest.raises(RuntimeError):
        carry.carry_datapoints(source, target, wanted, 0, clock.now, carried)
    assert told == [(10, 10), (20, 10)]
    carry.carry_datapoints(source, target, wanted, 20, clock.now, carried)
    assert told[2:] == [(26, 5)]
    carry.carry_datapoints(source, target, wanted, 26, clock.now, carried)
    assert told[3:] == []
    assert target.series() == [Metric("N", "cpu", (("a", "1"), ("b", "2")))]
    # The batch that was published and not told of is there twice.
    assert len(target.values(CPU, 0, NOW + 1)) == 30
    assert {count for _, _, count in target.values(CPU, 0, NOW + 1)} == {2.0}


def test_datapoints_that_are_too_old_are_left_out(
    metrics: tuple[SqliteMetricStore, SqliteMetricStore, VirtualClock],
) -> None:
    source, target, clock = metrics
    source.publish([Datapoint(MEMORY, NOW - 13 * DAY, 1.0), Datapoint(MEMORY, NOW, 2.0)])
    clock.advance(DAY)
    wanted = {carry.series_key(MEMORY)}
    assert carry.count_datapoints(source, wanted, 0, clock.now()) == (1, 1)
    carry.carry_datapoints(source, target, wanted, 0, clock.now, lambda position, count: None)
    assert target.values(MEMORY, 0, NOW + 1) == [(NOW, 2.0, 1.0)]


def test_only_so_many_are_under_way() -> None:
    drawn = 0
    most = 0
    lock = threading.Lock()
    running = 0

    def given_numbers() -> Iterator[int]:
        nonlocal drawn
        for number in range(100):
            drawn = number + 1
            yield number

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1
        return number

    made = []
    for one in carry.in_parallel(work, given_numbers(), workers=3):
        made.append(one)
        assert drawn <= len(made) + 2 * 3
    assert made == list(range(100))
    assert most <= 3
