"""What every query engine promises. The lake has the table ``readings`` with the records of ``RECORDS``.

The SQL of these tests is what DuckDB and Athena (Trino) both understand.
"""

from __future__ import annotations

import datetime
import decimal
from typing import ClassVar

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
    price: decimal.Decimal | None = None
    taken_at: datetime.datetime | None = None
    taken_on: datetime.date | None = None
    good: bool | None = None


TABLE = LakeTable(name="readings", record=Reading)
EMPTY = LakeTable(name="nothing_yet", record=Reading)
AT = datetime.datetime(2026, 2, 20, 7, 57, 0, 250_000, tzinfo=datetime.UTC)
RECORDS = {
    "raw/readings/year=2026/month=02/day=19/hour=08/a.json": [
        Reading("2026-02-19T08:00:00.000Z", Place("attic"), 1.5, {"t": 1.0}, ["x", "y"])
    ],
    "raw/readings/year=2026/month=02/day=20/hour=07/b.json": [
        Reading("2026-02-20T07:57:00Z", Place("cellar"), 2.5, price=decimal.Decimal("1234567890.123456789"),
                taken_at=AT, taken_on=AT.date(), good=True),
        Reading("2026-02-20T07:58:00.000Z", Place("attic"), 4.0, extra=7),
    ],
}  # fmt: skip
# The seed's own queries, but for the table's name and what the columns hold.
AVERAGES = """SELECT 
  place.room,
  AVG(value) as avg_cpu,
  MAX(value) as max_cpu,
  MIN(value) as min_cpu
FROM readings
WHERE value > 0
  AND year = '2026'
  AND month = '02'
  AND day BETWEEN '13' AND '20'
GROUP BY place.room
ORDER BY avg_cpu DESC
"""  # noqa: W291 - as it stands there
PEAKS = """SELECT 
  DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP)) as date,
  MAX(value) as peak_memory
FROM readings
WHERE year = '2026'
  AND month = '02'
GROUP BY DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP))
ORDER BY date
"""  # noqa: W291 - as it stands there
ANSWERED = [
    ("SELECT count(*), sum(value) FROM readings", [(3, 8.0)]),
    ("SELECT place.room, value FROM readings WHERE day = '20' ORDER BY value", [("cellar", 2.5), ("attic", 4.0)]),
    ("SELECT year, month, day, hour FROM readings ORDER BY day LIMIT 1", [("2026", "02", "19", "08")]),
    ("SELECT tags['t'], notes[2], extra FROM readings WHERE day = '19'", [(1.0, "y", None)]),
    ("SELECT price, taken_on, good FROM readings WHERE good",
     [(decimal.Decimal("1234567890.123456789"), datetime.date(2026, 2, 20), True)]),
    ("SELECT taken_at FROM readings WHERE taken_at > TIMESTAMP '2026-02-20 07:57:00'", [(AT.replace(tzinfo=None),)]),
    ("SELECT max(extra) FROM readings", [(7,)]),
    ("SELECT count(*) FROM nothing_yet", [(0,)]),
    ("SELECT count(*), max(value) FROM nothing_yet WHERE year = '2026'", [(0, None)]),
    ("SELECT count(*) FROM readings_quarantine", [(0,)]),
    ("SELECT count(*) FROM READINGS_Quarantine WHERE reason = 'x'", [(0,)]),
    ("WITH hot AS (SELECT * FROM readings WHERE value > 2) SELECT count(*) FROM hot", [(2,)]),
    ("SELECT count(*) FROM readings a JOIN readings b ON a.day = b.day", [(5,)]),
    ("SELECT 1 -- no more\n;", [(1,)]),
    ("VALUES (1), (2)", [(1,), (2,)]),
    ("SELECT 'DROP TABLE readings; --'", [("DROP TABLE readings; --",)]),
]  # fmt: skip
REFUSED = [
    "", ";", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1; DROP VIEW readings", "nonsense", "SELECT", "SELECT '\0'",
    "INSERT INTO readings VALUES (1)", "UPDATE readings SET value = 1", "DELETE FROM readings",
    "MERGE INTO readings USING readings AS r ON true WHEN MATCHED THEN DELETE", "TRUNCATE readings",
    "WITH w AS (INSERT INTO readings VALUES (1) RETURNING *) SELECT * FROM w",
    "WITH w AS (DELETE FROM readings RETURNING *) SELECT * FROM w",
    "DROP VIEW readings", "CREATE TABLE t(a INT)", "CREATE TABLE t AS SELECT 1", "ALTER VIEW readings RENAME TO r",
    "CREATE OR REPLACE VIEW readings AS SELECT 1", "CREATE MACRO m() AS 1", "CREATE SECRET s (TYPE s3)",
    "COPY readings TO '/tmp/penstock-out.csv'", "COPY (SELECT 1) TO '/tmp/penstock-out.csv'",
    "EXPORT DATABASE '/tmp/penstock-out'", "IMPORT DATABASE '/tmp/penstock-out'",
    "ATTACH '/tmp/penstock.db'", "DETACH memory", "USE memory", "INSTALL httpfs", "LOAD httpfs", "LOAD '/tmp/x.so'",
    "SET memory_limit = '1TB'", "SET enable_external_access = true", "RESET allowed_directories", "SET VARIABLE x = 1",
    "PRAGMA database_list", "PRAGMA enable_profiling", "CALL pragma_version()", "CALL enable_logging()",
    "VACUUM", "CHECKPOINT", "ANALYZE", "BEGIN", "COMMIT", "PREPARE p AS SELECT 1", "EXECUTE p", "DEALLOCATE p",
    "EXPLAIN ANALYZE COPY readings TO '/tmp/penstock-out.csv'", "EXPLAIN DELETE FROM readings",
    "EXPLAIN /* x */ ANALYZE -- y\n CREATE TABLE t AS SELECT 1",
    "SELECT * FROM '/etc/passwd'", "SELECT * FROM \"/etc/passwd\"", "SELECT * FROM '../../../etc/passwd'",
    "SELECT * FROM 'raw/readings/year=2026/month=02/day=19/hour=08/a.json'",
    "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_blob('../../../etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM read_parquet('/etc/passwd')", "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT * FROM read_json('http://127.0.0.1:1/x')", "SELECT * FROM read_json_objects('/etc/passwd')",
    "SELECT * FROM read_ndjson('s3://bucket/x')", "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')", "SELECT * FROM glob('/**')", "SELECT * FROM read_duckdb('/tmp/x.db')",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT * FROM readings WHERE notes[1] IN (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT 1 UNION ALL SELECT content FROM read_text('/etc/passwd')",
    "WITH w AS (FROM read_text('/etc/passwd')) SELECT * FROM w", "FROM readings, LATERAL read_text('/etc/passwd')",
    "DESCRIBE SELECT * FROM read_csv('/etc/passwd')", "SUMMARIZE '/etc/passwd'",
    "SELECT * FROM query('COPY (SELECT 1) TO ''/tmp/penstock-out.csv''')", "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('/etc/passwd')", "SELECT * FROM json_execute_serialized_sql('{}')",
    "SELECT getenv('HOME')", "SELECT current_setting('allowed_directories')", "SELECT getvariable('x')",
    "SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_secrets()", "SELECT * FROM which_secret('x', 's3')",
    "SELECT * FROM pragma_database_size()", "SELECT * FROM checkpoint()", "SELECT * FROM enable_logging()",
    "SELECT write_log('x')", "SELECT sleep_ms(100000)", "SELECT * FROM sqlite_scan('/tmp/x', 't')",
    "SELECT nope FROM readings", "SELECT * FROM nope", "SELECT nope(1)", "SELECT * FROM other.readings",
]  # fmt: skip
# Each join multiplies by three: 3^26 rows.
ENDLESS = f"SELECT count(*) FROM {', '.join(f'readings t{number}' for number in range(26))}"


class QueryEngineContract:
    """Subclass it with a ``query`` fixture over a lake that holds ``RECORDS``.

    Attributes:
        counts_files: the engine knows how many files it read; Athena tells of bytes only.
    """

    counts_files: ClassVar[bool] = True

    @pytest.mark.parametrize(("sql", "rows"), ANSWERED)
    def test_answers(self, query: QueryEngine, sql: str, rows: list[tuple[object, ...]]) -> None:
        assert query.run(sql, tables=[TABLE, EMPTY]).rows == rows

    def test_the_first_query_of_the_seed_runs_as_it_is(self, query: QueryEngine) -> None:
        found = query.run(AVERAGES, tables=[TABLE])
        assert found.rows == [("attic", 2.75, 4.0, 1.5), ("cellar", 2.5, 2.5, 2.5)]
        assert [column.name for column in found.columns] == ["room", "avg_cpu", "max_cpu", "min_cpu"]

    def test_the_second_query_of_the_seed_runs_as_it_is(self, query: QueryEngine) -> None:
        found = query.run(PEAKS, tables=[TABLE])
        days = [(date.isoformat()[:10], peak) for date, peak in found.rows]
        assert days == [("2026-02-19", 1.5), ("2026-02-20", 4.0)]
        assert [column.name for column in found.columns] == ["date", "peak_memory"]

    @pytest.mark.parametrize("room", ["attic", "' OR '1' = '1", "x'; DROP TABLE readings; --"])
    def test_parameters_are_values(self, query: QueryEngine, room: str) -> None:
        sql = "SELECT value FROM readings WHERE place.room = ? AND value > ? ORDER BY value"
        found = query.run(sql, tables=[TABLE], parameters=[room, 1.5])
        assert found.rows == ([(4.0,)] if room == "attic" else [])

    @pytest.mark.parametrize("sql", REFUSED)
    def test_what_does_not_read_tables_is_refused_with_a_mend(self, query: QueryEngine, sql: str) -> None:
        with pytest.raises(QueryError) as refused:
            query.run(sql, tables=[TABLE])
        assert refused.value.message
        assert refused.value.hint

    def test_a_refusal_names_what_is_there(self, query: QueryEngine) -> None:
        with pytest.raises(QueryError) as refused:
            query.run("SELECT * FROM reading", tables=[TABLE, EMPTY])
        assert "'reading'" in refused.value.message
        assert "did you mean 'readings'" in refused.value.hint
        assert "nothing_yet" in refused.value.hint

    def test_a_long_answer_is_cut_and_says_so(self, query: QueryEngine) -> None:
        sql = "SELECT value FROM readings ORDER BY value DESC"
        found = query.run(sql, tables=[TABLE], limit=2)
        assert (found.rows, found.truncated) == ([(4.0,), (2.5,)], True)
        whole = query.run(sql, tables=[TABLE], limit=3)
        assert (len(whole.rows), whole.truncated) == (3, False)

    def test_a_query_that_takes_too_long_is_stopped(self, query: QueryEngine) -> None:
        with pytest.raises(QueryError, match=r"longer than 0\.3 s") as refused:
            query.run(ENDLESS, tables=[TABLE], timeout_seconds=0.3)
        assert "partitions" in refused.value.hint

    @pytest.mark.parametrize(
        ("condition", "files"),
        [("true", 2), ("day = '20'", 1), ("day > '18' AND hour = '08'", 1), ("year = '2025'", 0)],
    )
    def test_partitions_decide_what_is_read(self, query: QueryEngine, condition: str, files: int) -> None:
        everything = query.run("SELECT * FROM readings", tables=[TABLE]).scanned_bytes
        found = query.run(f"SELECT * FROM readings WHERE {condition}", tables=[TABLE])
        assert found.scanned_files == files or not self.counts_files
        assert (found.scanned_bytes == 0) == (files == 0)
        assert (found.scanned_bytes < everything) == (files < 2)

    def test_tables_are_described(self, query: QueryEngine) -> None:
        described = query.describe([TABLE])
        assert set(described) == {"readings", "readings_quarantine"}
        names = [column.name for column in described["readings"]]
        assert names == [field.name for field in msgspec.structs.fields(Reading)] + ["year", "month", "day", "hour"]
        assert "reason" in [column.name for column in described["readings_quarantine"]]
        assert names == [column.name for column in query.run("SELECT * FROM readings", tables=[TABLE]).columns]
