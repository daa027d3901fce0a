"""Answers that are known are given again, until something changes."""

from pathlib import Path

import duckdb
import pytest
from tests.readings import TABLE, engine, seal, write

from penstock.adapters.local.query_gate import VARYING


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
