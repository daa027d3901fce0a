"""Which files a table consists of, and that no file in the lake, whatever it holds, spoils a query."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.query_files import begins_document
from penstock.lake.records import Bad, decode, encode_quarantine
from penstock.model.datasets import LakeTable


class Reading(msgspec.Struct):
    value: int
    room: str | None = None
    tags: dict[str, float] = {}
    level: float | None = None


class Loose(msgspec.Struct):
    value: int | None = None
    room: str | None = None


TABLE = LakeTable(name="readings", record=Reading)
HOUR = "raw/readings/year=2026/month=02/day=20/hour=07"
GOOD = b'{"value": 1}\n'


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    write(tmp_path / "lake", f"{HOUR}/good.json", GOOD)
    return tmp_path / "lake"


def write(lake: Path, key: str, data: bytes) -> Path:
    path = lake / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def ask(lake: Path, sql: str = "SELECT value FROM readings ORDER BY value", **options: Any) -> Any:
    return DuckDbQueryEngine(lake, threads=2).run(sql, tables=[options.pop("table", TABLE)], **options)


def values(found: Any) -> list[Any]:
    return [value for (value,) in found.rows]


# Each with the values that are records by the pipeline's own reader, and how many lines are not.
CONTENTS: list[tuple[str, bytes, list[int], int]] = [
    ("empty", b"", [], 0),
    ("blank lines", b"\n  \n\r\n", [], 0),
    ("no JSON", b"not json\n", [], 1),
    ("a line among others", b'{"value": 2}\nnot json\n{"value": 3}\n', [2, 3], 1),
    ("cut short", b'{"value": 2}\n{"val', [2], 1),
    ("Windows' line ends", b'{"value": 2}\r\n{"value": 3}\r\n', [2, 3], 0),
    ("a byte-order mark", b'\xef\xbb\xbf{"value": 2}\n{"value": 3}\n', [2, 3], 0),
    ("no UTF-8", b'{"value": 2, "room": "\xff"}\n{"value": 3}\n', [3], 1),
    ("NUL", b'{"value": 2}\n\0\0\0\n{"value": 3}\n', [2, 3], 1),
    ("another shape", b'{"value": "high"}\n{"value": 2}\n', [2], 1),
    ("a required field is absent", b'{"room": "attic"}\n{"value": 2}\n', [2], 1),
    ("a required field is null", b'{"value": null}\n{"value": 2}\n', [2], 1),
    ("fields with defaults are absent", b'{"value": 2}\n', [2], 0),
    ("unknown fields", b'{"value": 2, "new": [1, {"a": 2}]}\n', [2], 0),
    ("too large a number", b'{"value": 99999999999999999999}\n', [], 1),
    ("NaN", b'{"value": 2, "level": NaN}\n{"value": 3, "level": -Infinity}\n{"value": 4, "level": 0.5}\n', [4], 2),
    ("scalars", b'1\n"x"\nnull\ntrue\n', [], 4),
    ("a nested depth", b'{"value": 2, "x": ' + b"[" * 3000 + b"]" * 3000 + b"}\n", [2], 0),
    ("one object over lines", b'{\n  "value": 2,\n  "tags": {"a": 1}\n}\n', [2], 0),
    ("an array", b'[{"value": 2}, {"value": 3}]', [2, 3], 0),
    ("an array over lines", b'[\n  {"value": 2},\n  {"value": 3}\n]\n', [2, 3], 0),
    ("an array with strangers", b'[{"value": 2}, 7, {"value": "x"}, null, {"value": 3}]', [2, 3], 3),
    ("an array cut short", b'[{"value": 2},\n{"value": 3}\n', [3], 1),
    ("an empty array", b"[]", [], 0),
]


@pytest.mark.parametrize(("data", "good", "unreadable"), [case[1:] for case in CONTENTS], ids=[c[0] for c in CONTENTS])
def test_whatever_a_file_holds(lake: Path, data: bytes, good: list[int], unreadable: int) -> None:
    write(lake, f"{HOUR}/other.json", data)
    found = ask(lake)
    assert values(found) == [1, *good]
    assert (found.unreadable_lines, found.unreadable_files) == (unreadable, 0)


# A Python integer has no largest value, a column has; msgspec's depth is limited, DuckDB's is not.
ALIKE = [case for case in CONTENTS if case[0] not in {"too large a number", "a nested depth"}]


@pytest.mark.parametrize(("data", "good"), [case[1:3] for case in ALIKE], ids=[case[0] for case in ALIKE])
def test_the_pipelines_own_reader_finds_the_same_records(data: bytes, good: list[int]) -> None:
    assert [one.record.value for one in decode(data, Reading) if not isinstance(one, Bad)] == good


@pytest.mark.parametrize(
    ("beginning", "document"),
    [
        (b'{"a": 1}\n{', False),
        (b"{\n", True),
        (b'{"a": 1,\n', True),
        (b" [1", True),
        (b'{"a": 1}', False),
        (b"x", False),
    ],
)
def test_documents_are_told_by_their_beginning(beginning: bytes, document: bool) -> None:
    assert begins_document(beginning) is document


def test_a_record_that_says_nothing_is_none(lake: Path) -> None:
    write(lake, f"{HOUR}/other.json", b'{}\nnot json\n{"room": "attic"}\n')
    table = LakeTable(name="readings", record=Loose)
    assert ask(lake, "SELECT room FROM readings WHERE value IS NULL", table=table).rows == [("attic",)]


def test_a_line_past_every_limit_takes_only_its_file(lake: Path) -> None:
    path = write(lake, f"{HOUR}/huge.json", b'{"value": 2}\n{"value": 3, "room": "' + b"x" * 40_000_000 + b'"}\n')
    write(lake, f"{HOUR}/last.json", b'{"value": 4}\n')
    found = ask(lake)
    assert values(found) == [1, 4]
    assert found.unreadable_files == 1
    assert path.exists()


def to_file(outside: Path, link: Path) -> None:
    link.symlink_to(outside / "x.json")


def to_folder(outside: Path, link: Path) -> None:
    link.parent.parent.joinpath("hour=08").symlink_to(outside)


def to_table(outside: Path, link: Path) -> None:
    table = link.parents[4]
    table.rename(table.parent / "moved")
    table.symlink_to(outside / "table")


def to_nowhere(outside: Path, link: Path) -> None:
    link.symlink_to(outside / "nowhere.json")


def pipe(outside: Path, link: Path) -> None:
    os.mkfifo(link)


def folder(outside: Path, link: Path) -> None:
    link.mkdir()


@pytest.mark.parametrize("place", [to_file, to_folder, to_table, to_nowhere, pipe, folder])
def test_what_is_no_file_of_the_lake_is_not_read(lake: Path, place: Callable[[Path, Path], None]) -> None:
    outside = lake.parent / "outside"
    write(outside, "x.json", b'{"value": 666}\n')
    write(outside, "table/year=2026/month=02/day=20/hour=07/x.json", b'{"value": 666}\n')
    place(outside, lake / HOUR / "link.json")
    assert 666 not in values(ask(lake))
    assert place is to_table or values(ask(lake)) == [1]


def test_a_lake_behind_a_link_is_a_lake(lake: Path) -> None:
    (lake.parent / "elsewhere").symlink_to(lake)
    assert values(ask(lake.parent / "elsewhere")) == [1]


@pytest.mark.parametrize(
    "name",
    ["a[1].json", "a*.json", "a?.json", "it's.json", "a b;--.json", 'q".json', "ü☃.json", "%41.json", "{x}.json"],
)
def test_any_name_is_only_a_name(lake: Path, name: str) -> None:
    write(lake, f"{HOUR}/{name}", b'{"value": 2}\n')
    assert values(ask(lake)) == [1, 2]


def test_a_name_that_is_no_text_is_counted(lake: Path) -> None:
    Path(os.fsdecode(os.fsencode(lake / HOUR) + b"/\xff.json")).write_bytes(b'{"value": 2}\n')
    found = ask(lake)
    assert (values(found), found.unreadable_files) == ([1], 1)


@pytest.mark.parametrize(
    "key",
    [
        "raw/readings/stray.json", "raw/readings/year=2026/stray.json", f"{HOUR}/deeper/x.json", f"{HOUR}/x.json.tmp",
        f"{HOUR}/x.txt", "raw/readings/month=02/year=2026/day=20/hour=07/x.json", "readings/x.json",
    ],
)  # fmt: skip
def test_what_lies_in_no_partition_is_none_of_the_table(lake: Path, key: str) -> None:
    write(lake, key, b'{"value": 2}\n')
    assert values(ask(lake)) == [1]


def test_daily_partitions(lake: Path) -> None:
    write(lake, "raw/daily/year=2026/month=02/day=20/a.json", b'{"value": 2}\n')
    found = ask(lake, "SELECT * FROM daily", table=LakeTable(name="daily", record=Reading, partition="day"))
    assert [column.name for column in found.columns] == ["value", "room", "tags", "level", "year", "month", "day"]
    assert [row[0] for row in found.rows] == [2]


def test_files_that_go_while_the_query_runs_are_left_out(lake: Path) -> None:
    going = [write(lake, f"{HOUR}/going{number}.json", b'{"value": 2}\n') for number in range(3)]

    class Expiring(DuckDbQueryEngine):
        """The lake's retention takes files away between the moment they are found and the moment they are read."""

        def _take(self, *arguments: Any) -> Any:
            files = super()._take(*arguments)
            for path in going:
                path.unlink(missing_ok=True)
            return files

    found = Expiring(lake).run("SELECT value FROM readings", tables=[TABLE])
    assert (values(found), found.unreadable_files) == ([1], 0)


def test_documents_are_pruned_too(lake: Path) -> None:
    for day in ("18", "19"):
        write(lake, f"raw/readings/year=2026/month=02/day={day}/hour=00/a.json", json.dumps([{"value": 5}]).encode())
    found = ask(lake, "SELECT value FROM readings WHERE day = '18'")
    assert (values(found), found.scanned_files, found.scanned_bytes) == ([5], 1, 14)


def test_the_quarantine_is_a_table(lake: Path) -> None:
    bads = [Bad(3, "not JSON: x", b"{"), Bad(4, "the record does not fit: y", b"\xff")]
    write(lake, HOUR.replace("raw", "quarantine") + "/a.json", encode_quarantine(bads, f"{HOUR}/a.json"))
    rows = ask(lake, "SELECT line, reason, raw, encoding, hour FROM readings_quarantine ORDER BY line").rows
    assert rows == [(3, "not JSON: x", "{", "utf-8", "07"), (4, "the record does not fit: y", "/w==", "base64", "07")]
