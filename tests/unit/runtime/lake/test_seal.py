import gzip
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from tests.sealing import PARTITION, SHORT, UNIQUE, Lake, Short, Strict, unordered

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.errors import ConditionFailedError, ValidationError
from penstock.faultpoints import arm, disarm
from penstock.model.datasets import LakeTable
from penstock.ports.objects import ObjectInfo
from penstock.runtime.lake.replay import replay
from penstock.runtime.lake.seal import PartitionSealer


class Place(msgspec.Struct):
    zone: str
    rack: int | None = None


class Event(msgspec.Struct):
    name: str
    level: Literal["low", "high"] = "low"
    count: int | None = None
    at: datetime | None = None
    cost: Decimal | None = None
    place: Place | None = None
    tags: list[str] | None = None
    scores: dict[str, float] | None = None


EVENTS = LakeTable(name="events", record=Event, time="at")


def utc(text: str) -> datetime:
    """Returns a time as Parquet holds it: in UTC, without saying so."""
    return datetime.fromisoformat(text)


def test_raw_objects_become_one_sorted_file(lake: Lake) -> None:
    lake.add("b.json", [{"name": "c", "count": 3}, {"name": "a"}])
    lake.add("a.json", [{"name": "b", "count": 2}])
    outcome = lake.sealer.seal(SHORT, PARTITION)
    assert (outcome.is_new, outcome.counts.records, outcome.counts.good) == (True, 3, 3)
    assert lake.rows() == [("a", None), ("b", 2), ("c", 3)]
    assert lake.wrong() == []
    assert not lake.sealer.seal(SHORT, PARTITION).is_new


def test_values_are_those_that_the_record_means(tmp_path: Path) -> None:
    lake = Lake(tmp_path, EVENTS)
    at = datetime(2026, 2, 20, 7, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=2)))
    lake.add("a.json", [Event("é\u0000", "high", -(2**63), at, Decimal("1.5"), Place("z", 4), ["x", ""], {"a": 0.1})])
    lake.sealer.seal(EVENTS, PARTITION)
    assert lake.rows() == [
        ("é\u0000", "high", -(2**63), utc("2026-02-20T05:00:00.25"), Decimal("1.500000000"),
         {"zone": "z", "rack": 4}, ["x", ""], {"a": 0.1})
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-02-20T07:00:00Z", utc("2026-02-20T07:00:00")),
        ("2026-02-20T07:00:00.1234565Z", utc("2026-02-20T07:00:00.123457")),
        ("2026-02-20T07:00:00.9999999+01:00", utc("2026-02-20T06:00:01")),
        ("2026-02-20t07:00:00-03:30", utc("2026-02-20T10:30:00")),
        ("2026-02-20 07:00:00.5z", utc("2026-02-20T07:00:00.5")),
        ("2026-02-20T07:00:00", utc("2026-02-20T07:00:00")),
    ],
)
def test_a_time_is_the_moment_it_means_in_utc(tmp_path: Path, written: str, meant: datetime) -> None:
    lake = Lake(tmp_path, EVENTS)
    lake.add("a.json", [{"name": "x", "at": written}])
    lake.sealer.seal(EVENTS, PARTITION)
    assert lake.rows()[0][3] == meant


@pytest.mark.parametrize(
    "line",
    [b'{"name":5}', b'{"name":"a","level":"middle"}', b'{"name":"a","count":"7"}', b'{"name":"a","count":1.0}',
     b'{"name":"a","count":9223372036854775808}', b'{"name":"a","cost":"0.0000000001"}',
     b'{"name":"a","at":"2026-02-20"}',
     b'{"name":"a","scores":{"a":NaN}}', b'{"name":"a","scores":{"a":1e999}}', b'{"name":"a",}', b'{"level":"low"}',
     b'{"name":"a"} {"name":"b"}', b"null", b"nonsense", b'{"name":"\xff"}', b'{"name":"\\ud800"}',
     b'{"name":"a","place":{}}', b'{"name":"a","tags":[null]}'],
)  # fmt: skip
def test_what_does_not_fit_goes_to_quarantine(tmp_path: Path, line: bytes) -> None:
    lake = Lake(tmp_path, EVENTS)
    key = lake.add("a.json", b'{"name":"before"}\n' + line + b'\n{"name":"after"}\n')
    counts = lake.sealer.seal(EVENTS, PARTITION).counts
    assert (counts.records, counts.good, counts.quarantined) == (3, 2, 1)
    (found,) = lake.quarantined()
    assert (found["source"], found["line"]) == (key, 2)
    assert sorted(row[0] for row in lake.rows()) == ["after", "before"]
    assert lake.wrong() == []


@pytest.mark.parametrize(
    "data",
    [b'\xef\xbb\xbf{"name":"a"}\r\n\r\n \n{"name":"b"}', b'[{"name":"a"},\n{"name":"b"}]',
     gzip.compress(b'{"name":"a"}\n{"name":"b"}\n', mtime=0), b'  {"name":"a"}\t\n\n\n{"extra":[1],"name":"b"}'],
)  # fmt: skip
def test_what_others_write_is_read_as_records_read_it(lake: Lake, data: bytes) -> None:
    lake.add("a.json", data)
    lake.sealer.seal(SHORT, PARTITION)
    assert lake.rows() == [("a", None), ("b", None)]
    assert lake.wrong() == []


def test_other_formats_lie_beside(lake: Lake) -> None:
    lake.add("a.json.gz", gzip.compress(b'{"name":"gz"}\n', mtime=0))
    lake.add("b.csv", b"name,count\ncsv,5\n")
    lake.add("c.ndjson", b'{"name":"nd"}\n')
    lake.add("notes.txt", b"none of the lake's")
    outcome = lake.sealer.seal(SHORT, PARTITION)
    assert outcome.read == 3
    assert lake.rows() == [("csv", 5), ("gz", None), ("nd", None)]


def test_an_empty_object_is_one_record_that_does_not_fit(lake: Lake) -> None:
    lake.add("a.json", b"")
    counts = lake.sealer.seal(SHORT, PARTITION).counts
    assert (counts.records, counts.good, counts.quarantined) == (1, 0, 1)
    assert (lake.rows(), lake.wrong()) == ([], [])


def test_of_equal_records_the_first_is_kept(tmp_path: Path) -> None:
    lake = Lake(tmp_path, UNIQUE)
    lake.add("b.json", [{"name": "x", "count": 3}, {"name": "y", "count": 4}])
    lake.add("a.json", [{"name": "x", "count": 1}, {"name": "x", "count": 2}])
    lake.sealer.seal(UNIQUE, PARTITION)
    assert lake.rows() == [("x", 1), ("y", 4)]
    found = {key[-6:]: (one.records, one.good, one.duplicates) for key, one in lake.footer().sources.items()}
    assert found == {"a.json": (2, 1, 1), "b.json": (2, 1, 1)}
    assert lake.wrong() == []


def test_unknown_is_equal_to_nothing(tmp_path: Path) -> None:
    table = LakeTable(name="short", record=Short, unique=("count",))
    lake = Lake(tmp_path, table)
    lake.add("a.json", [{"name": "a"}, {"name": "b"}, {"name": "c", "count": 1}, {"name": "d", "count": 1}])
    lake.sealer.seal(table, PARTITION)
    assert [row[0] for row in lake.rows()] == ["a", "b", "c"]


@pytest.mark.parametrize(("table", "x"), [(SHORT, [("x", 0), ("x", 1)]), (UNIQUE, [("x", 0)])])
def test_late_data_are_sealed_as_if_they_had_been_in_time(tmp_path: Path, table: LakeTable, x: list[object]) -> None:
    lake = Lake(tmp_path, table)
    lake.add("b.json", [{"name": "x", "count": 1}])
    lake.sealer.seal(table, PARTITION)
    lake.add("a.json", [{"name": "x", "count": 0}])
    assert lake.sealer.seal(table, PARTITION).is_new
    assert unordered(lake.rows()) == unordered(x)  # type: ignore[arg-type]
    assert lake.wrong() == []


@pytest.mark.parametrize("table", [SHORT, UNIQUE])
def test_rows_outlive_their_raw_objects(tmp_path: Path, table: LakeTable) -> None:
    lake = Lake(tmp_path, table)
    gone = lake.add("a.json", [{"name": "old", "count": 1}])
    lake.sealer.seal(table, PARTITION)
    lake.objects.delete(gone)
    lake.add("b.json", [{"name": "new", "count": 2}])
    lake.sealer.seal(table, PARTITION)
    assert lake.rows() == [("new", 2), ("old", 1)]
    assert lake.sealer.seal(table, PARTITION, again=True).is_partial
    assert lake.rows() == [("new", 2), ("old", 1)]
    assert sorted(lake.footer().sources)[0] == gone
    assert lake.wrong() == []


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_quarantine_is_put_through_again(tmp_path: Path, is_gone: bool) -> None:
    strict = LakeTable(name="short", record=Strict)
    lake = Lake(tmp_path, strict)
    key = lake.add("a.json", b'{"name":"a","count":1}\n{"name":"b"}\nnonsense\n')
    lake.sealer.seal(strict, PARTITION)
    assert lake.footer().counts.quarantined == 2
    if is_gone:
        lake.objects.delete(key)
    lake.table = SHORT
    (done,) = replay(lake.objects, lake.sealer, SHORT)
    assert (done.before, done.after) == (2, 1)
    assert lake.rows() == [("a", 1), ("b", None)]
    assert [one["line"] for one in lake.quarantined()] == [3]
    source = lake.footer().sources[key]
    assert (source.records, source.good, source.quarantined) == (3, 2, 1)
    assert lake.wrong() == []


def test_what_a_task_put_into_quarantine_stays(lake: Lake) -> None:
    lake.add("a.json", b'{"name":"a"}\n5\n')
    own = b'{"reason":"too cheap","source":"a","line":1,"raw":"x","encoding":"utf-8"}\n'
    both = own + own.replace(b'"line":1', b'"line":2')
    lake.objects.put(f"quarantine/short/{PARTITION}/a.json", both)
    lake.sealer.seal(SHORT, PARTITION)
    found = [(one["line"], one.get("by", "")) for one in lake.quarantined()]
    assert found == [(2, "seal"), (1, "")]
    lake.sealer.seal(SHORT, PARTITION, again=True)
    assert [(one["line"], one.get("by", "")) for one in lake.quarantined()] == found
    assert lake.wrong() == []


def test_new_columns_are_unknown_in_what_was_sealed_before(tmp_path: Path) -> None:
    class First(msgspec.Struct):
        name: str

    before = LakeTable(name="short", record=First)
    lake = Lake(tmp_path, before)
    gone = lake.add("a.json", [{"name": "a"}])
    lake.sealer.seal(before, PARTITION)
    lake.objects.delete(gone)
    lake.add("b.json", [{"name": "b", "count": 2}])
    lake.sealer.seal(SHORT, PARTITION)
    assert lake.rows() == [("a", None), ("b", 2)]


class Overtaken(FileObjectStore):
    """A store in which another sealer is always a moment faster."""

    def __init__(self, root: Path, other: Lake) -> None:
        super().__init__(root)
        self.other = other
        self.left = 2

    def replace(self, key: str, source: Path | bytes, *, if_match: str | None) -> ObjectInfo:
        if key.startswith("sealed/") and self.left:
            self.left -= 1
            self.other.sealer.seal(self.other.table, PARTITION, again=True)
            self.other.add(f"late-{self.left}.json", [{"name": f"late-{self.left}"}])
        return super().replace(key, source, if_match=if_match)


def test_a_sealer_that_was_overtaken_plans_anew(lake: Lake) -> None:
    lake.add("a.json", [{"name": "a"}])
    overtaken = PartitionSealer(Overtaken(lake.root, lake), DuckDbSealer(lake.root, threads=1), DuckDbRowReader())
    outcome = overtaken.seal(SHORT, PARTITION)
    assert outcome.counts.good == 3
    assert [row[0] for row in lake.rows()] == ["a", "late-0", "late-1"]
    assert lake.wrong() == []


def test_a_sealer_that_is_always_overtaken_gives_up(lake: Lake) -> None:
    lake.add("a.json", [{"name": "a"}])
    store = Overtaken(lake.root, lake)
    store.left = 1000
    with pytest.raises(ConditionFailedError, match="changes all the time"):
        PartitionSealer(store, DuckDbSealer(lake.root, threads=1), DuckDbRowReader()).seal(SHORT, PARTITION)


def test_a_damaged_file_is_not_built_upon_but_can_be_made_anew(lake: Lake) -> None:
    lake.add("a.json", [{"name": "a"}])
    lake.sealer.seal(SHORT, PARTITION)
    lake.sealed.write_bytes(lake.sealed.read_bytes()[:-9] + b"\xff" * 9)
    with pytest.raises(ValidationError, match="no Parquet file"):
        lake.sealer.seal(SHORT, PARTITION)
    assert [key for key, _ in lake.wrong()] == [str(lake.sealed.relative_to(lake.root))]
    with pytest.raises(ValidationError, match="cannot be told; the raw zone has 1 object of it"):
        lake.sealer.seal(SHORT, PARTITION, again=True)
    lake.sealer.seal(SHORT, PARTITION, again=True, accept_loss=True)
    assert lake.rows() == [("a", None)]


def test_a_full_disk_leaves_everything_as_it_was(lake: Lake) -> None:
    lake.add("a.json", [{"name": "a"}])
    arm("sealing.before_replace", "full")
    try:
        with pytest.raises(OSError, match="No space left"):
            lake.sealer.seal(SHORT, PARTITION)
    finally:
        disarm()
    assert not lake.sealed.exists()
    assert list(lake.root.glob(".penstock-*")) == []
    lake.sealer.seal(SHORT, PARTITION)
    assert lake.rows() == [("a", None)]


def test_the_check_sees_what_was_changed_behind_its_back(lake: Lake) -> None:
    first = lake.add("a.json", b'{"name":"a"}\n5\n')
    second = lake.add("b.json", [{"name": "b"}])
    lake.sealer.seal(SHORT, PARTITION)
    lake.objects.put(first, b'{"name":"a"}\n')
    lake.objects.put(second, b'{"name": 7 }\n')
    lake.objects.delete(f"quarantine/short/{PARTITION}/a.json")
    assert [message for _, message in lake.wrong()] == [
        "holds 0 records, 1 were quarantined",
        "had 15 bytes when it was sealed and has 13 now",
        "has 0 records that fit, 1 did when it was sealed: `penstock quarantine replay` puts them through again",
    ]


def test_a_moment_has_no_zone_of_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    lake = Lake(tmp_path, EVENTS)
    lake.add("a.json", [Event("a", at=datetime(2026, 2, 20, 7, tzinfo=UTC))])
    lake.sealer.seal(EVENTS, PARTITION)
    assert lake.rows()[0][3] == utc("2026-02-20T07:00:00")


@pytest.mark.parametrize(
    "data", [b'{"name":\n"a"}\n{"name":"b"} {"name":"c"}\n', b'{"name":"a"} {"name":"b"}\n\n', b'{"name":"a"\n}\n{\n']
)
def test_lines_that_only_together_look_right(lake: Lake, data: bytes) -> None:
    lake.add("a.json", data)
    counts = lake.sealer.seal(SHORT, PARTITION).counts
    lines = [line for line in data.splitlines() if line.strip()]
    assert (counts.records, counts.good, counts.quarantined) == (len(lines), 0, len(lines))
    assert lake.wrong() == []


def test_a_replay_that_died_half_way_doubles_nothing(tmp_path: Path) -> None:
    strict = LakeTable(name="short", record=Strict)
    lake = Lake(tmp_path, strict)
    key = lake.add("a.json", b'{"name":"b"}\nnonsense\n{"name":"c","count":"7"}\n')
    lake.sealer.seal(strict, PARTITION)
    lake.objects.delete(key)
    lake.table = SHORT
    arm("sealing.after_replace", "raise")
    try:
        with pytest.raises(RuntimeError):
            list(replay(lake.objects, lake.sealer, SHORT))
    finally:
        disarm()
    assert (lake.rows(), len(lake.quarantined())) == ([("b", None)], 3)
    (done,) = replay(lake.objects, lake.sealer, SHORT)
    assert (done.after, lake.rows()) == (2, [("b", None)])
    assert [one["line"] for one in lake.quarantined()] == [2, 3]
    source = lake.footer().sources[key]
    assert (source.records, source.good, source.quarantined) == (3, 1, 2)
    assert lake.wrong() == []
