"""Queries over what is sealed and what is not yet: every record once, whatever goes on meanwhile."""

import datetime
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from penstock.adapters.local.objects import FileObjectStore
from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.query_gate import VARYING, admit
from penstock.adapters.local.query_pruning import keeps
from penstock.adapters.local.query_snapshot import pin_folder
from penstock.adapters.local.rows import DuckDbRowReader
from penstock.adapters.local.sealer import DuckDbSealer
from penstock.errors import QueryError, UsageError
from penstock.model.datasets import LakeTable
from penstock.runtime.lake.seal import PartitionSealer


class Reading(msgspec.Struct):
    value: int
    room: str = ""
    taken_at: datetime.datetime | None = None


TABLE = LakeTable(name="readings", record=Reading, sort=("value",))
DAY = "year=2026/month=02/day=20"


def write(lake: Path, hour: str, name: str, *values: int, **more: Any) -> str:
    lines = "".join(json.dumps({"value": value, **more}) + "\n" for value in values)
    key = f"raw/readings/{DAY}/hour={hour}/{name}.json"
    FileObjectStore(lake).create(key, lines.encode())
    return key


def seal(lake: Path, hour: str) -> None:
    sealer = PartitionSealer(FileObjectStore(lake), DuckDbSealer(lake, threads=1), DuckDbRowReader())
    sealer.seal(TABLE, f"{DAY}/hour={hour}")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    folder = tmp_path / "lake"
    write(folder, "07", "a", 1, 2)
    write(folder, "07", "b", 3)
    write(folder, "08", "c", 4)
    return folder


def engine(lake: Path, **options: Any) -> DuckDbQueryEngine:
    return DuckDbQueryEngine(lake, threads=1, **options)


def ask(lake: Path, sql: str = "SELECT value FROM readings ORDER BY value", **options: Any) -> list[Any]:
    return [row[0] for row in engine(lake).run(sql, tables=[TABLE], **options).rows]


# --- sealed and raw


def test_sealed_and_raw_are_one_table(lake: Path) -> None:
    seal(lake, "07")
    assert ask(lake) == [1, 2, 3, 4]
    write(lake, "07", "late", 5)
    assert ask(lake) == [1, 2, 3, 4, 5]
    seal(lake, "07")
    assert ask(lake) == [1, 2, 3, 4, 5]


def test_sealed_rows_stay_when_the_raw_objects_are_gone(lake: Path) -> None:
    seal(lake, "07")
    for path in (lake / f"raw/readings/{DAY}/hour=07").iterdir():
        path.unlink()
    assert ask(lake) == [1, 2, 3, 4]


def test_a_damaged_sealed_file_gives_way_to_the_raw_objects(lake: Path) -> None:
    seal(lake, "07")
    (lake / f"sealed/readings/{DAY}/hour=07/readings.parquet").write_bytes(b"PAR1 no more PAR1")
    found = engine(lake).run("SELECT sum(value) FROM readings", tables=[TABLE])
    assert (found.rows, found.unreadable_files) == ([(10,)], 1)


def test_a_link_to_a_sealed_file_is_not_followed(lake: Path) -> None:
    seal(lake, "07")
    sealed = lake / f"sealed/readings/{DAY}/hour=07/readings.parquet"
    aside = lake.parent / "aside.parquet"
    sealed.rename(aside)
    sealed.symlink_to(aside)
    (lake / f"raw/readings/{DAY}/hour=07/a.json").unlink()
    assert ask(lake) == [3, 4]


def test_columns_that_came_later_are_null_in_older_files(lake: Path) -> None:
    seal(lake, "07")

    class Wider(msgspec.Struct):
        value: float
        room: str = ""
        taken_at: datetime.datetime | None = None
        tags: dict[str, str] | None = None

    found = engine(lake).run(
        "SELECT value, tags, hour FROM readings ORDER BY value", tables=[LakeTable(name="readings", record=Wider)]
    )
    assert found.rows == [(1.0, None, "07"), (2.0, None, "07"), (3.0, None, "07"), (4.0, None, "08")]


def test_what_was_noted_as_sealed_is_looked_at_again_when_something_comes(lake: Path) -> None:
    seal(lake, "07")
    seal(lake, "08")
    for folder in ("raw", "sealed"):
        for path in [*(lake / folder).rglob("*")]:
            os.utime(path)
    time.sleep(2.1)
    assert ask(lake) == [1, 2, 3, 4]
    assert list((lake / ".penstock-sealed").iterdir())
    assert ask(lake) == [1, 2, 3, 4]
    write(lake, "07", "late", 5)
    assert ask(lake) == [1, 2, 3, 4, 5]
    seal(lake, "07")
    assert ask(lake) == [1, 2, 3, 4, 5]


def test_an_offset_from_utc_counts(lake: Path) -> None:
    write(lake, "09", "zoned", 9, taken_at="2026-02-20T07:57:00+02:00")
    sql = "SELECT CAST(taken_at AS VARCHAR) FROM readings WHERE value = 9"
    assert ask(lake, sql) == ["2026-02-20 05:57:00"]
    seal(lake, "09")
    assert ask(lake, sql) == ["2026-02-20 05:57:00"]


def test_a_crawlers_name_is_the_table_too(lake: Path) -> None:
    seal(lake, "07")
    assert ask(lake, "SELECT sum(value) FROM raw_readings") == [10]
    assert ask(lake, "SELECT count(*) FROM raw_readings a JOIN readings b ON a.value = b.value") == [4]
    assert set(engine(lake).describe([TABLE])) == {"readings", "readings_quarantine"}
    declared = LakeTable(name="raw_readings", record=Reading)
    assert engine(lake).run("SELECT * FROM raw_readings", tables=[TABLE, declared]).rows == []


def test_a_cte_may_have_the_name_of_its_table(lake: Path) -> None:
    assert ask(lake, "WITH readings AS (SELECT * FROM readings WHERE value > 2) SELECT sum(value) FROM readings") == [7]


def test_other_formats_are_read(lake: Path) -> None:
    import gzip

    folder = lake / f"raw/readings/{DAY}/hour=10"
    folder.mkdir()
    (folder / "a.json.gz").write_bytes(gzip.compress(b'{"value": 10}\n'))
    (folder / "b.json.gz").write_bytes(gzip.compress(b'[{"value": 11}]'))
    (folder / "c.csv").write_text("room,value\nattic,12\nattic,none\n")
    (folder / "d.ndjson").write_text('{"value": 13}\n')
    duckdb.sql("SELECT 14 AS value, 'x' AS other").write_parquet(str(folder / "e.parquet"))
    assert ask(lake, "SELECT value FROM readings WHERE hour = '10' ORDER BY value") == [10, 11, 12, 13, 14]


def test_an_offset_from_utc_counts_in_csv_too(lake: Path) -> None:
    folder = lake / f"raw/readings/{DAY}/hour=11"
    folder.mkdir()
    (folder / "c.csv").write_text('value,room,taken_at\n12,"a, b",2026-02-20T07:57:00+02:00\n')
    (folder / "d.csv").write_text('value,room,taken_at\n14,x,\n13,"never closed,\n')
    assert ask(lake, "SELECT room FROM readings WHERE value = 12") == ["a, b"]
    sql = "SELECT CAST(taken_at AS VARCHAR) FROM readings WHERE value = 12"
    assert ask(lake, sql) == ["2026-02-20 05:57:00"]


def test_readers_see_every_record_once_while_it_is_sealed_and_removed(lake: Path) -> None:
    """The sealer and the retention loop, the reader counts: what was written before it began is there, and once."""
    written, stop = [4], threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for number in range(25):
                key = write(lake, "07", f"w{number}", 100 + number)
                written[0] += 1
                seal(lake, "07")
                (lake / key).unlink()
        except BaseException as error:
            failed.append(error)
        finally:
            stop.set()

    thread = threading.Thread(target=work)
    thread.start()
    asked = engine(lake)
    sql = "SELECT count(*), count(DISTINCT value) FROM readings"
    while not stop.is_set():
        before = written[0]
        ((count, distinct),) = asked.run(sql, tables=[TABLE]).rows
        assert count == distinct
        assert before <= count <= written[0] + 1
    thread.join()
    assert not failed
    assert ask(lake, sql) == [29]
    assert not list(lake.glob(".penstock-query-*"))


# --- pruning


CONDITIONS = [
    ("SELECT * FROM readings WHERE hour = '07'", {"07"}),
    ("SELECT * FROM readings WHERE '07' < hour", {"08"}),
    ("SELECT * FROM readings WHERE hour IN ('08', '09')", {"08"}),
    ("SELECT * FROM readings WHERE hour = '07' OR value > 1", {"07", "08"}),
    ("SELECT * FROM readings WHERE hour = '07' OR hour = '09'", {"07"}),
    ("SELECT * FROM readings WHERE NOT hour = '07'", {"07", "08"}),
    ("SELECT * FROM readings WHERE hour = $h", {"08"}),
    ("SELECT * FROM readings r WHERE r.hour = '07'", {"07"}),
    ("SELECT * FROM readings WHERE hour::INT = 7", {"07", "08"}),
    ("SELECT * FROM readings WHERE hour = 7", {"07", "08"}),
    ("SELECT * FROM readings a JOIN readings b USING (value) WHERE a.hour = '07' AND b.hour = '07'", {"07"}),
    ("SELECT * FROM readings a JOIN readings b USING (value) WHERE a.hour = '07'", {"07", "08"}),
    ("SELECT * FROM readings POSITIONAL JOIN (SELECT 1 AS one) AS s WHERE readings.hour = '08'", {"07", "08"}),
    ("SELECT (SELECT count(*) FROM readings), * FROM readings WHERE hour = '07'", {"07", "08"}),
    ("SELECT '07' AS hour FROM readings WHERE hour = '08'", {"07", "08"}),
    ("SELECT * FROM readings AS t(hour, a, b, c, d, e, f) WHERE hour = '08'", {"07", "08"}),
    ("SELECT * FROM (SELECT * FROM readings WHERE hour = '08') WHERE value > 0", {"08"}),
    ("SELECT * FROM readings WHERE hour = '07' UNION ALL SELECT * FROM readings WHERE hour = '08'", {"07", "08"}),
    ("SUMMARIZE readings", {"07", "08"}),
    ("SELECT * FROM readings WHERE year < '2026'", set()),
]


@pytest.mark.parametrize(("sql", "hours"), CONDITIONS)
def test_only_what_is_certain_is_left_out(sql: str, hours: set[str]) -> None:
    with duckdb.connect(":memory:") as connection:
        question = admit(connection, sql, ["readings"])
    keep = keeps(question.nodes, question.tables, {"h": "08"})["readings"]
    day = {"year": "2026", "month": "02", "day": "20"}
    assert {hour for hour in ("07", "08") if keep({**day, "hour": hour})} == hours


def test_a_year_that_is_not_wanted_is_never_looked_into(lake: Path) -> None:
    found = engine(lake).run("SELECT * FROM readings WHERE year = '2025'", tables=[TABLE])
    assert (found.tables[0].partitions, found.scanned_files, found.scanned_bytes) == (0, 0, 0)


def test_explain_tells_how_much_there_is(lake: Path) -> None:
    seal(lake, "07")
    found = engine(lake).run("SELECT * FROM readings WHERE hour = '07'", tables=[TABLE], explain=True)
    sizes = sum(path.stat().st_size for path in [
        lake / f"sealed/readings/{DAY}/hour=07/readings.parquet", lake / f"raw/readings/{DAY}/hour=08/c.json"
    ])  # fmt: skip
    (scan,) = found.tables
    assert (scan.partitions, scan.sealed_files, scan.raw_files) == (1, 1, 0)
    assert (scan.all_partitions, scan.all_files, scan.all_bytes) == (2, 2, sizes)
    assert found.scanned_files == 1


# --- parameters

HOSTILE = ["'; DROP VIEW readings; --", "' OR '1' = '1", "x' UNION SELECT content FROM read_text('/etc/passwd') --",
           "$$", "\\", "attic') TO '/tmp/penstock-out.csv' --"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_parameter_is_a_value_whatever_it_says(lake: Path, text: str) -> None:
    write(lake, "07", "hostile", 7, room=text)
    sql = "SELECT value FROM readings WHERE room = $room"
    assert ask(lake, sql, parameters={"room": text}) == [7]
    assert ask(lake, sql.replace("$room", "?"), parameters=[text]) == [7]
    assert ask(lake, "SELECT to_timestamp(value) FROM readings WHERE room = ?", parameters=[text])


@pytest.mark.parametrize(
    "sql",
    ["SELECT * FROM $table", "SELECT * FROM read_text($path)", "SELECT * FROM query($path)", "COPY readings TO $path",
     "EXECUTE $path", "SELECT getenv($path)", "SELECT * FROM glob(?)"],
)  # fmt: skip
def test_a_parameter_opens_no_door(lake: Path, sql: str) -> None:
    given: Any = ["/etc/passwd"] if "?" in sql else {"path": "/etc/passwd", "table": "readings"}
    with pytest.raises(QueryError):
        ask(lake, sql, parameters=given)


def test_a_parameter_without_a_value_is_told(lake: Path) -> None:
    with pytest.raises(QueryError) as refused:
        ask(lake, "SELECT value FROM readings WHERE value = $n")
    assert "--param" in refused.value.hint


# --- files


@pytest.mark.parametrize("form", ["csv", "json", "parquet", "arrow"])
def test_an_answer_is_written_whole(lake: Path, form: Any) -> None:
    if form == "arrow":
        pytest.importorskip("pyarrow")
    path = lake.parent / f"answer.{form}"
    count = engine(lake).export(
        "SELECT value, room FROM readings WHERE value > $low ORDER BY value", path, form=form, tables=[TABLE],
        parameters={"low": 2},
    )  # fmt: skip
    assert count == 2
    if form == "arrow":
        import pyarrow.ipc

        with pyarrow.ipc.open_file(str(path)) as file:
            assert file.read_all().column("value").to_pylist() == [3, 4]
    else:
        assert duckdb.sql(f"SELECT value FROM '{path}' ORDER BY value").fetchall() == [(3,), (4,)]
    assert [one.name for one in lake.parent.iterdir() if one.name.startswith(".penstock")] == []


@pytest.mark.parametrize(
    "sql",
    ["COPY readings TO '/tmp/penstock-out.csv'", "SELECT 1) TO '/tmp/penstock-out.csv' --",
     "SELECT * FROM read_text('/etc/passwd')", "SELECT 1; COPY (SELECT 1) TO '/tmp/penstock-out.csv'",
     "SELECT ') TO ''/tmp/penstock-out.csv''", "SELECT * FROM '{temporary}'"],
)  # fmt: skip
def test_no_statement_of_the_users_writes_or_reads_a_file(lake: Path, sql: str) -> None:
    out = lake.parent / "answer.csv"
    with pytest.raises(QueryError):
        engine(lake).export(sql, out, form="csv", tables=[TABLE])
    with pytest.raises(QueryError):
        engine(lake).export(f"{sql} -- $a", out, form="csv", tables=[TABLE], parameters={"a": 1})
    assert not out.exists()
    assert not Path("/tmp/penstock-out.csv").exists()


def test_a_text_that_looks_like_sql_is_written_as_text(lake: Path) -> None:
    out = lake.parent / "answer.csv"
    engine(lake).export("SELECT ') TO ''/tmp/penstock-out.csv''; --' AS v -- end", out, form="csv", tables=[TABLE])
    assert out.read_text() == "v\n\") TO '/tmp/penstock-out.csv'; --\"\n" or "penstock-out" in out.read_text()
    assert not Path("/tmp/penstock-out.csv").exists()


def test_a_failed_answer_leaves_what_was_there(lake: Path) -> None:
    out = lake.parent / "answer.csv"
    out.write_text("before")
    with pytest.raises(QueryError):
        engine(lake).export("SELECT (value || 'x')::INT FROM readings", out, form="csv", tables=[TABLE])
    assert out.read_text() == "before"
    with pytest.raises(UsageError):
        engine(lake).export("SELECT 1", lake.parent / "no" / "x.csv", form="csv", tables=[TABLE])


# --- answers that are known


def test_an_answer_is_given_again_until_something_changes(lake: Path, tmp_path: Path) -> None:
    asked = engine(lake, cache_folder=tmp_path / "cache")
    sql = "SELECT sum(value), 1.5::DECIMAL(3,1), DATE '2026-02-20', [1], {'a': 'x'}, MAP {1: 'y'} FROM readings"
    first = asked.run(sql, tables=[TABLE])
    again = asked.run(sql, tables=[TABLE])
    assert (first.cached, again.cached) == (False, True)
    assert (first.rows, first.columns) == (again.rows, again.columns)
    assert not asked.run(sql, tables=[TABLE], limit=5).cached
    assert not asked.limited(memory_limit_mb=512, is_cached=False).run(sql, tables=[TABLE]).cached
    write(lake, "08", "new", 10)
    assert asked.run(sql, tables=[TABLE]).rows[0][0] == 20
    seal(lake, "08")
    changed = asked.run(sql, tables=[TABLE])
    assert (changed.cached, changed.rows[0][0]) == (False, 20)


def test_parameters_are_part_of_the_question(lake: Path, tmp_path: Path) -> None:
    asked = engine(lake, cache_folder=tmp_path / "cache")
    for low, total in [(1, 9), (3, 4), (1, 9)]:
        found = asked.run("SELECT sum(value) FROM readings WHERE value > $low", tables=[TABLE], parameters={"low": low})
        assert found.rows == [(total,)]


@pytest.mark.parametrize("sql", ["SELECT now()", "SELECT CURRENT_DATE", "SELECT random()", "SELECT uuid()",
                                 "SELECT * FROM readings USING SAMPLE 1", "EXPLAIN ANALYZE SELECT 1"])  # fmt: skip
def test_what_varies_is_never_kept(lake: Path, tmp_path: Path, sql: str) -> None:
    asked = engine(lake, cache_folder=tmp_path / "cache")
    assert not any(asked.run(sql, tables=[TABLE]).cached for _ in range(2))


def test_every_function_that_duckdb_says_varies_is_known() -> None:
    sql = """SELECT DISTINCT function_name FROM duckdb_functions()
        WHERE stability IN ('VOLATILE', 'CONSISTENT_WITHIN_QUERY')"""
    assert {name for (name,) in duckdb.sql(sql).fetchall()} <= VARYING


# --- folders of links


def test_a_query_whose_files_change_is_asked_again_over_links(lake: Path) -> None:
    seal(lake, "07")
    seen: list[str | None] = []

    class Replaced(DuckDbQueryEngine):
        """The sealed file is replaced between the moment it is found and the moment it is read, each time."""

        def _confine(self, *arguments: Any) -> Any:
            held = super()._confine(*arguments)
            pins = arguments[4]
            seen.append(None if pins is None else pins.name)
            write(lake, "07", f"late{len(seen)}", 100 + len(seen))
            seal(lake, "07")
            return held

    found = Replaced(lake, threads=1).run("SELECT value FROM readings ORDER BY value", tables=[TABLE])
    # The second attempt sees what the first one's sealing left, and none of what came after.
    assert [row[0] for row in found.rows] == [1, 2, 3, 4, 101]
    assert len(seen) == 2
    assert (seen[0], str(seen[1]).startswith(".penstock-query-")) == (None, True)
    assert not list(lake.glob(".penstock-query-*"))


def test_links_of_a_query_that_died_are_removed_by_the_next(lake: Path) -> None:
    dead = lake / ".penstock-query-dead"
    dead.mkdir()
    (dead / "x").touch()
    with pin_folder(lake):
        assert not dead.exists()
        with pin_folder(lake):
            assert len(list(lake.glob(".penstock-query-*"))) == 2
