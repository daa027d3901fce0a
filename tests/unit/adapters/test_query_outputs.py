"""What a query takes in beside its text, and where its answer goes: parameters are values, files are whole."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.readings import TABLE, ask, engine, write

from penstock.errors import QueryError, UsageError

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
    assert list(csv.reader(out.read_text().splitlines())) == [["v"], [") TO '/tmp/penstock-out.csv'; --"]]
    assert not Path("/tmp/penstock-out.csv").exists()


def test_a_failed_answer_leaves_what_was_there(lake: Path) -> None:
    out = lake.parent / "answer.csv"
    out.write_text("before")
    with pytest.raises(QueryError):
        engine(lake).export("SELECT (value || 'x')::INT FROM readings", out, form="csv", tables=[TABLE])
    assert out.read_text() == "before"
    with pytest.raises(UsageError):
        engine(lake).export("SELECT 1", lake.parent / "no" / "x.csv", form="csv", tables=[TABLE])
