"""What a query sees of raw objects is what sealing takes: the answer is the same before and after."""

import gzip
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.sealing import PARTITION, Lake, unordered
from tests.unit.runtime.lake.test_seal_properties import TABLE, fitting, odd, one_by_one

from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.model.datasets import LakeTable
from penstock.ports.query import Result
from penstock.runtime.lake.fitting import RawFitting


class Short(msgspec.Struct):
    name: str
    count: int | None = None
    cost: Decimal | None = None


SHORT = LakeTable(name="short", record=Short, sort=("name",))


def asked(lake: Lake, columns: str = "*") -> Result:
    engine = DuckDbQueryEngine(lake.root, threads=1, fit=RawFitting(DuckDbRowReader()))
    return engine.run(f"SELECT {columns} FROM {lake.table.name}", tables=[lake.table])


def same_before_and_after(lake: Lake) -> Result:
    """Asks before and after sealing; returns the answer of before."""
    before = asked(lake)
    counts = lake.sealer.seal(lake.table, PARTITION).counts
    after = asked(lake)
    assert unordered(before.rows) == unordered(after.rows)
    assert before.columns == after.columns
    assert (len(before.rows), before.unreadable_files) == (counts.good, 0)
    assert before.unreadable_lines == counts.quarantined
    assert counts.records == counts.good + counts.quarantined + counts.duplicates
    assert lake.wrong() == []
    return before


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", SHORT)


@pytest.mark.parametrize(
    ("name", "data", "names"),
    [
        ("a.json", b'{"name":"a"}\n{"name":7}\n{"name":"b","count":"3"}\n{"name":"c","count":1.5}\n', ["a"]),
        ("a.json", b'{"name":"a","count":1,"count":2}\n{"name":"b"}\n', ["b"]),
        ("a.json", b'{"name":"a","cost":"0.1234567891"}\n{"name":"b","cost":"1.5"}\n', ["b"]),
        ("a.json", b'[{"name":"a"},{"name":"b","count":true},7]', ["a"]),
        ("a.json", b'{\n "name": "a"\n}\n', ["a"]),
        ("a.json", b"nonsense\n\n", []),
        ("a.csv", b'name,count\na,1\nb,x\nc,\n"d",4\n', ["a", "c", "d"]),
        ("a.tsv", b"name\tcount\na\t1\nb\tx\n", ["a"]),
        (
            "a.json.gz",
            gzip.compress(b'{"name":"a"}\n', mtime=0) + gzip.compress(b'{"name":"b"}\n', mtime=0),
            ["a", "b"],
        ),
        ("a.json", gzip.compress(b'{"name":"a"}\n', mtime=0), ["a"]),
        (
            "a.json.zst",
            zstandard.ZstdCompressor().compress(b'{"name":"a"}\n')
            + zstandard.ZstdCompressor().compress(b'{"name":"b"}\n5\n'),
            ["a", "b"],
        ),
        ("a.json.zst", zstandard.ZstdCompressor().compress(b'{"name":"a"}\n{"name":"b"}\n'), ["a", "b"]),
        ("a.json", b'\xef\xbb\xbf{"name":"a"}\n', ["a"]),
    ],
    ids=str,
)
def test_odd_objects_are_answered_as_they_are_sealed(lake: Lake, name: str, data: bytes, names: list[str]) -> None:
    lake.add(name, data)
    found = same_before_and_after(lake)
    assert sorted(row[0] for row in found.rows) == names


def test_a_parquet_object_is_held_against_the_type(lake: Lake) -> None:
    import duckdb

    path = lake.root / f"raw/short/{PARTITION}/a.parquet"
    path.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM (VALUES ('a', 1), (NULL, 2), ('c', NULL)) AS t(name, count)) TO '{path}'"
        )
    found = same_before_and_after(lake)
    assert sorted(row[0] for row in found.rows) == ["a", "c"]


def test_a_record_of_nothing_but_defaults_is_one(tmp_path: Path) -> None:
    class Empty(msgspec.Struct):
        note: str | None = None

    lake = Lake(tmp_path, LakeTable(name="empty", record=Empty))
    lake.add("a.json", b'{}\n{"note":null}\n{"other":1}\n')
    assert len(same_before_and_after(lake).rows) == 3


def test_an_export_is_of_the_same_rows(lake: Lake, tmp_path: Path) -> None:
    lake.add("a.json", b'{"name":"a"}\n{"name":"b","count":1,"count":2}\n')
    engine = DuckDbQueryEngine(lake.root, fit=RawFitting(DuckDbRowReader()))
    target = tmp_path / "out.json"
    assert engine.export("SELECT name FROM short", target, form="json", tables=[SHORT]) == 1
    assert msgspec.json.decode(target.read_bytes()) == {"name": "a"}


def test_nothing_is_left_of_what_was_written_for_a_query(lake: Lake) -> None:
    lake.add("a.json", b'{"name":"a"}\nnonsense\n')
    asked(lake)
    assert sorted(one.name for one in lake.root.iterdir() if one.name.startswith(".penstock-fit")) == []


def test_a_type_that_has_changed_is_another_question(lake: Lake) -> None:
    class Strict(msgspec.Struct):
        name: str
        count: int

    lake.add("a.json", b'{"name":"a"}\n{"name":"b","count":1}\n')
    engine = DuckDbQueryEngine(lake.root, fit=RawFitting(DuckDbRowReader()), cache_folder=lake.root / ".cache")
    strict = LakeTable(name="short", record=Strict)
    for table, count in [(SHORT, 2), (strict, 1), (SHORT, 2)]:
        assert engine.run("SELECT count(*) FROM short", tables=[table]).rows == [(count,)]


def test_partitions_and_their_columns_are_the_same(lake: Lake) -> None:
    lake.add("a.json", b'{"name":"a"}\nnonsense\n')
    lake.objects.create(f"raw/short/{PARTITION[:-2]}08/b.json", b'{"name":"b"}\n5\n')
    engine = DuckDbQueryEngine(lake.root, fit=RawFitting(DuckDbRowReader()))
    sql = "SELECT name, year, hour FROM short WHERE hour = '08'"
    assert engine.run(sql, tables=[SHORT]).rows == [("b", "2026", "08")]


PACKS = [("", bytes), ("", bytes), (".gz", gzip.compress), (".zst", zstandard.ZstdCompressor().compress)]


@pytest.mark.parametrize("kind", ["lines", "documents", "csv"])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(choice=st.data())
def test_the_answer_is_the_same_before_and_after(
    tmp_path_factory: pytest.TempPathFactory, kind: str, choice: st.DataObject
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"), TABLE)
    for number in range(choice.draw(st.integers(1, 3))):
        pack, packed = choice.draw(st.sampled_from(PACKS))
        lake.add(f"{number}.{'csv' if kind == 'csv' else 'json'}{pack}", packed(drawn(choice, kind)))
    same_before_and_after(lake)


def drawn(choice: st.DataObject, kind: str) -> bytes:
    """Returns an object that holds something: one that is empty is one misfit when it is sealed."""
    if kind == "lines":
        return b'{"s":"first"}\n' + b"\n".join(choice.draw(st.lists(one_by_one, max_size=6)))
    if kind == "documents":
        found = choice.draw(st.lists(st.one_of(fitting, fitting, odd, st.integers()), min_size=1, max_size=5))
        return msgspec.json.encode(found)
    cells = st.sampled_from(["", "x", '"y"', "1", "2.5", "true", "2026-02-20", '"{""a"":1}"', '"', "1e3", "[1]"])
    rows = choice.draw(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=5))
    header = choice.draw(st.permutations(["s", "n", "f", "o", "t", "d", "i", "l"]))[:2]
    return "\n".join([",".join(["s", *header][:3]), *(",".join(row) for row in rows)]).encode()
