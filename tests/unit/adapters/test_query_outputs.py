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


FORMULAS = ("=1+1", "-2", "@SUM(A1)", "\t=1", "  +1", "\uff1d1", "\n=1", "=\n1")


def test_no_cell_of_csv_is_a_formula_unless_that_is_wanted(lake: Path) -> None:
    sql = (
        'SELECT unnest($cells) AS v, -2 AS n, 3 AS "=n", 4 AS "=n", [\'=1\'] AS list, '
        "CAST('@a' AS ENUM('@a')) AS e, CAST('=b' AS BLOB) AS b, NULL AS nothing, DATE '2026-02-20' AS day"
    )
    out = lake.parent / "answer.csv"
    for exact, mark in ((False, "'"), (True, "")):
        written = engine(lake).export(
            sql, out, form="csv", tables=[TABLE], parameters={"cells": list(FORMULAS)}, exact=exact
        )
        assert written == len(FORMULAS)
        with out.open(newline="") as file:
            head, *rows = csv.reader(file)
        rest = ["-2", "3", "4", "['=1']", f"{mark}@a", f"{mark}=b", "", "2026-02-20"]
        assert rows == [[f"{mark}{cell}", *rest] for cell in FORMULAS]
        assert head[:3] == ["v", "n", f"{mark}=n"]
    text = "SELECT '=1' AS v"
    engine(lake).export(text, out, form="csv", tables=[TABLE])
    assert out.read_text() == "v\n'=1\n"
    engine(lake).export(text, lake.parent / "answer.json", form="json", tables=[TABLE])
    assert (lake.parent / "answer.json").read_text() == '{"v":"=1"}\n'
