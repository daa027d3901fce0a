"""Texts that are cast to times are cast once each, and nothing else of a query changes."""

from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.query_casts import cast_once
from penstock.adapters.local.query_gate import admit
from penstock.errors import QueryError
from penstock.model.datasets import LakeTable
from penstock.ports.query import Result

TEXTS = frozenset({"seen", "ended at"})
ONCE = "COALESCE(TRY_CAST(seen AS TIMESTAMP), CAST(seen AS TIMESTAMP))"


def changed(sql: str) -> str:
    with duckdb.connect(":memory:") as connection:
        return cast_once(sql, admit(connection, sql, ["t"]).nodes, TEXTS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SELECT CAST(seen AS TIMESTAMP) AS c FROM t", f"SELECT {ONCE} AS c FROM t"),
        ("SELECT 'ä€' AS a, max(CAST(seen AS TIMESTAMP)) AS c FROM t", f"SELECT 'ä€' AS a, max({ONCE}) AS c FROM t"),
        ("SELECT count(*) FROM t WHERE cast ( t.seen as date ) > '2026-01-01'",
         "SELECT count(*) FROM t WHERE COALESCE(TRY_cast ( t.seen as date ), cast ( t.seen as date )) > '2026-01-01'"),
        ('SELECT CAST("ended at" AS DATE) AS c FROM t',
         'SELECT COALESCE(TRY_CAST("ended at" AS DATE), CAST("ended at" AS DATE)) AS c FROM t'),
        ("SELECT date_trunc('day', CAST(seen AS TIMESTAMP)) AS d, max(v) FROM t"
         " GROUP BY date_trunc('day', CAST(seen AS TIMESTAMP)) ORDER BY d",
         f"SELECT date_trunc('day', {ONCE}) AS d, max(v) FROM t GROUP BY date_trunc('day', {ONCE}) ORDER BY d"),
    ],
)  # fmt: skip
def test_casts_of_texts_are_changed(before: str, after: str) -> None:
    assert changed(before) == after


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CAST(seen AS TIMESTAMP) FROM t",
        "SELECT c FROM (SELECT 1 + epoch(CAST(seen AS TIMESTAMP)), 2 AS c FROM t)",
        "SELECT * REPLACE (CAST(seen AS TIMESTAMP) AS seen) FROM t",
        "SELECT seen::TIMESTAMP AS c, CAST(seen AS TIMESTAMP) AS d FROM t",
        "SELECT TRY_CAST(seen AS TIMESTAMP) AS c FROM t",
        "SELECT CAST(v AS TIMESTAMP) AS c FROM t",
        "SELECT CAST(seen AS INTEGER) AS c FROM t",
        "SELECT CAST(lower(seen) AS TIMESTAMP) AS c FROM t",
        "EXPLAIN SELECT CAST(seen AS TIMESTAMP) AS c FROM t",
    ],
)
def test_others_are_not(sql: str) -> None:
    assert changed(sql) == sql


class Event(msgspec.Struct):
    seen: str | None = None
    v: int = 0


TABLE = LakeTable(name="t", record=Event)
QUERIES = (
    "SELECT CAST(seen AS TIMESTAMP) AS c, v FROM t ORDER BY ALL",
    "SELECT date_trunc('hour', CAST(seen AS TIMESTAMP)) AS h, count(*) AS n FROM t"
    " GROUP BY date_trunc('hour', CAST(seen AS TIMESTAMP)) ORDER BY h",
    "SELECT count(*) AS n FROM t WHERE CAST(seen AS DATE) >= DATE '2026-02-01'",
)
texts = st.one_of(
    st.none(), st.datetimes().map(str), st.dates().map(str), st.text(max_size=8),
    st.sampled_from(["2026-02-20T07:00:00Z", "2026-02-20T07:00:00+02:00", "infinity", "", "2026-02-30"]),
)  # fmt: skip


def outcome(ask: Any) -> Any:
    try:
        found: Result = ask()
    except QueryError as error:
        return str(error)
    return repr(found.rows), found.columns


@settings(max_examples=40, deadline=None)
@given(st.lists(texts, max_size=12), st.sampled_from(QUERIES))
def test_an_answer_or_an_error_is_what_it_would_have_been(
    tmp_path_factory: pytest.TempPathFactory, values: list[str | None], sql: str
) -> None:
    lake = tmp_path_factory.mktemp("lake")
    folder = lake / "raw/t/year=2026/month=02/day=20/hour=07"
    folder.mkdir(parents=True)
    lines = [msgspec.json.encode(Event(value, number)) for number, value in enumerate(values)]
    (folder / "a.json").write_bytes(b"\n".join(lines))
    engine = DuckDbQueryEngine(lake, threads=1)
    # The same of what is no column, which stays as it is.
    other = sql.replace("CAST(seen", "CAST(seen || ''")
    found, expected = (outcome(lambda sql=sql: engine.run(sql, tables=[TABLE])) for sql in (sql, other))
    if isinstance(found, str):
        assert isinstance(expected, str)
        assert found.partition("\n")[0] == expected.partition("\n")[0]
        assert "COALESCE" not in found
    else:
        assert found == expected


def test_an_error_shows_the_query_as_it_was_written(tmp_path: Path) -> None:
    folder = tmp_path / "raw/t/year=2026/month=02/day=20/hour=07"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text('{"seen": "never", "v": 1}\n')
    engine = DuckDbQueryEngine(tmp_path, threads=1)
    with pytest.raises(QueryError, match="never") as raised:
        engine.run("SELECT max(CAST(seen AS TIMESTAMP)) AS latest FROM t", tables=[TABLE])
    assert "COALESCE" not in str(raised.value)
