"""What every query engine promises. The lake has the table ``readings`` with the records of ``RECORDS``."""

from __future__ import annotations

import msgspec
import pytest

from penstock.errors import QueryError
from penstock.model.datasets import LakeTable
from penstock.ports.query import QueryEngine


class Place(msgspec.Struct):
    """Where a reading was taken."""

    room: str


class Reading(msgspec.Struct):
    """A record with every kind of column."""

    timestamp: str
    place: Place
    value: float
    tags: dict[str, float] = {}
    notes: list[str] = []
    extra: int | None = None


TABLE = LakeTable(name="readings", record=Reading)
EMPTY = LakeTable(name="nothing_yet", record=Reading)
RECORDS = {
    "raw/readings/year=2026/month=02/day=19/hour=08/a.json": [
        Reading("2026-02-19T08:00:00.000Z", Place("attic"), 1.5, {"t": 1.0}, ["x", "y"])
    ],
    "raw/readings/year=2026/month=02/day=20/hour=07/b.json": [
        Reading("2026-02-20T07:57:00.000Z", Place("cellar"), 2.5),
        Reading("2026-02-20T07:58:00.000Z", Place("attic"), 4.0, extra=7),
    ],
}
REFUSED = [
    "", "SELECT 1; SELECT 2", "INSERT INTO readings VALUES (1)", "UPDATE readings SET value = 1",
    "DELETE FROM readings",
    "DROP VIEW readings", "CREATE TABLE t(a INT)", "CREATE TABLE t AS SELECT 1", "ALTER VIEW readings RENAME TO r",
    "TRUNCATE readings", "COPY readings TO '/tmp/penstock-out.csv'", "EXPORT DATABASE '/tmp/penstock-out'",
    "ATTACH '/tmp/penstock.db'", "INSTALL httpfs", "LOAD httpfs", "SET memory_limit = '1TB'", "PRAGMA database_list",
    "CALL pragma_version()", "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'", "SELECT * FROM glob('/etc/*')", "SELECT getenv('HOME')",
    "SELECT * FROM read_json('http://127.0.0.1:1/x')", "SELECT nope FROM readings", "SELECT * FROM nope", "nonsense",
    "EXPLAIN ANALYZE COPY readings TO '/tmp/penstock-out.csv'", "VACUUM", "CHECKPOINT", "BEGIN", "USE memory",
    "PREPARE p AS SELECT 1", "SELECT * FROM read_blob('../../../etc/passwd')",
]  # fmt: skip


class QueryEngineContract:
    """Subclass it with a ``query`` fixture over a lake that holds ``RECORDS``."""

    @pytest.mark.parametrize(
        ("sql", "rows"),
        [
            ("SELECT count(*), sum(value) FROM readings", [(3, 8.0)]),
            (
                "SELECT place.room, value FROM readings WHERE day = '20' ORDER BY value",
                [("cellar", 2.5), ("attic", 4.0)],
            ),
            ("SELECT year, month, day, hour FROM readings ORDER BY day LIMIT 1", [("2026", "02", "19", "08")]),
            ("SELECT tags['t'], notes[2], extra FROM readings WHERE day = '19'", [(1.0, "y", None)]),
            ("SELECT max(extra) FROM readings", [(7,)]),
            ("SELECT count(*) FROM nothing_yet", [(0,)]),
            ("SELECT count(*) FROM readings_quarantine", [(0,)]),
            ("WITH hot AS (SELECT * FROM readings WHERE value > 2) SELECT count(*) FROM hot", [(2,)]),
        ],
    )
    def test_answers(self, query: QueryEngine, sql: str, rows: list[tuple[object, ...]]) -> None:
        assert query.run(sql, tables=[TABLE, EMPTY]).rows == rows

    def test_the_queries_of_the_seed_run_as_they_are(self, query: QueryEngine) -> None:
        sql = (
            "SELECT DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP)) as date, MAX(value) as peak FROM readings"
            " WHERE year = '2026' AND month = '02' AND day BETWEEN '13' AND '20'"
            " GROUP BY DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP)) ORDER BY date"
        )
        found = query.run(sql, tables=[TABLE])
        assert [(date.isoformat()[:10], peak) for date, peak in found.rows] == [
            ("2026-02-19", 1.5),
            ("2026-02-20", 4.0),
        ]
        assert [column.name for column in found.columns] == ["date", "peak"]

    @pytest.mark.parametrize("sql", REFUSED)
    def test_what_does_not_read_the_lake_is_refused_with_a_mend(self, query: QueryEngine, sql: str) -> None:
        with pytest.raises(QueryError) as refused:
            query.run(sql, tables=[TABLE])
        assert refused.value.message
        assert refused.value.hint

    def test_a_long_answer_is_cut_and_says_so(self, query: QueryEngine) -> None:
        found = query.run("SELECT * FROM range(100)", tables=[TABLE], limit=10)
        assert (len(found.rows), found.truncated) == (10, True)
        assert not query.run("SELECT * FROM range(10)", tables=[TABLE], limit=10).truncated

    def test_a_query_that_takes_too_long_is_stopped(self, query: QueryEngine) -> None:
        with pytest.raises(QueryError, match="longer than"):
            query.run("SELECT count(*) FROM range(1000000000000)", tables=[TABLE], timeout_seconds=0.3)
