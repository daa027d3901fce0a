"""What the gate rewrites and refuses. Each row: Athena's SQL, its answer in Athena by the page named, or a rule."""

# ruff: noqa: DTZ001 - Athena's timestamps have no zone
import datetime
from typing import Any

import pytest

from penstock.errors import QueryError
from penstock.sql.dialect import translate

TRINO = "https://trino.io/docs/current"
COLUMNS = {
    "t": {
        "i": "bigint", "j": "bigint", "x": "double", "p": "decimal(10,2)", "s": "string", "iso": "string",
        "at": "timestamp", "d": "date", "xs": "array<bigint>", "m": "map<string,bigint>", "js": "string",
        "none": "bigint",
    },
    "logs": {"timestamp": "timestamp", "severity": "string", "message": "string"},
    "raw_logs": {"timestamp": "string", "severity": "string", "message": "string"},
    "infra_metrics": {
        "timestamp": "string", "instance_id": "string", "metric_type": "string", "value": "double",
        "year": "string", "month": "string", "day": "string",
    },
}  # fmt: skip
ROW = """SELECT 7::BIGINT AS i, 2::BIGINT AS j, 2.5::DOUBLE AS x, 1.50::DECIMAL(10,2) AS p, 'a-b' AS s,
    '2026-02-20T07:57:00Z' AS iso, TIMESTAMP '2026-02-20 07:57:30' AS at, DATE '2026-02-22' AS d,
    [1, 2, NULL]::BIGINT[] AS xs, MAP {'a': 1::BIGINT} AS m, '{"a": {"b": 1}, "c": "x"}' AS js, NULL::BIGINT AS none"""

# In Athena's words, with what Athena's engine (Trino) answers by its documentation.
ANSWERS: list[tuple[str, Any, str]] = [
    ("i / j", 3, "functions/math.html: integer division truncates"),
    ("-i / j", -3, "functions/math.html"),
    ("i / x", 2.8, "functions/math.html"),
    ("CAST(i AS DOUBLE) / j", 3.5, "functions/math.html"),
    ("i * 1e0 / j", 3.5, "language/types.html: 1e0 is a DOUBLE"),
    ("count(*) / 2", 0, "functions/aggregate.html: count is a bigint"),
    ("date_trunc('hour', at)", datetime.datetime(2026, 2, 20, 7), "functions/datetime.html#truncation-function"),
    ("date_trunc('month', d)", datetime.date(2026, 2, 1), "functions/datetime.html: same type as the input"),
    ("d + INTERVAL '1' DAY", datetime.date(2026, 2, 23), "functions/datetime.html"),
    ("date_add('day', -2, d)", datetime.date(2026, 2, 20), "functions/datetime.html"),
    ("date_diff('hour', TIMESTAMP '2026-01-01 10:59:00', TIMESTAMP '2026-01-01 11:01:00')", 0,
     "functions/datetime.html: whole units"),
    ("date_diff('day', TIMESTAMP '2020-03-01 00:00:00', TIMESTAMP '2020-03-02 00:00:00')", 1,
     "functions/datetime.html#interval-functions"),
    ("date_diff('second', timestamp '2020-06-01 12:30:45.000', timestamp '2020-06-02 12:30:45.123')", 86400,
     "functions/datetime.html#interval-functions"),
    ("day_of_week(d)", 7, "functions/datetime.html: ISO, Sunday is 7"),
    ("extract(DOW FROM d)", 7, "functions/datetime.html#extraction-function"),
    ("extract(DAY_OF_YEAR FROM d)", 53, "functions/datetime.html#extraction-function"),
    ("week(d)", 8, "functions/datetime.html: ISO week"),
    ("CAST(x AS BIGINT)", 3, "functions/conversion.html: rounds half up"),
    ("CAST(-x AS BIGINT)", -3, "functions/conversion.html"),
    ("CAST(i AS VARCHAR)", "7", "functions/conversion.html"),
    ("split_part(s, '-', 2)", "b", "functions/string.html"),
    ("split_part(s, '-', 3)", None, "functions/string.html: larger than the number of fields is null"),
    ("substr('abc', 2)", "bc", "functions/string.html: positions start with 1"),
    ("substr('abc', 0)", "", "functions/string.html"),
    ("substr('abc', -2)", "bc", "functions/string.html: a negative start is relative to the end"),
    ("substr('abc', -5)", "", "functions/string.html"),
    ("s || NULL", None, "functions/string.html"),
    ("concat(s, CAST(NULL AS VARCHAR))", None, "functions/string.html"),
    ("greatest(i, none)", None, "functions/comparison.html: null if any is null"),
    ("contains(xs, 1)", True, "functions/array.html"),
    ("contains(xs, 9)", None, "functions/array.html: unknown with a NULL in it"),
    ("element_at(xs, 9)", None, "functions/array.html"),
    ("element_at(m, 'z')", None, "functions/map.html"),
    ("cardinality(xs)", 3, "functions/array.html"),
    ("json_extract_scalar(js, '$.c')", "x", "functions/json.html"),
    ("json_extract_scalar(js, '$.a')", None, "functions/json.html: not a scalar"),
    ("regexp_extract(s, '[0-9]+')", None, "functions/regexp.html"),
    ("regexp_extract(s, '(.)-(.)', 2)", "b", "functions/regexp.html"),
    ("regexp_replace('1a 2b', '(\\d)([a-z])', '$2$1')", "a1 b2", "functions/regexp.html"),
    ("regexp_replace('aa', 'a', '-')", "--", "functions/regexp.html: every match"),
    ("regexp_like(s, '^a')", True, "functions/regexp.html"),
    ("date_format(at, '%Y-%m-%d %H:%i:%s')", "2026-02-20 07:57:30", "functions/datetime.html#mysql-date-functions"),
    ("date_parse('20/02/2026', '%d/%m/%Y')", datetime.datetime(2026, 2, 20), "functions/datetime.html"),
    ("to_unixtime(TIMESTAMP '1970-01-01 00:01:00')", 60.0, "functions/datetime.html"),
    ("if(i > 5, 'many')", "many", "functions/conditional.html"),
    ("try_cast(s AS BIGINT)", None, "functions/conversion.html"),
    ("count_if(i > 5)", 1, "functions/aggregate.html"),
    ("max_by(s, i)", "a-b", "functions/aggregate.html"),
    ("avg(i)", 7.0, "functions/aggregate.html"),
]  # fmt: skip


def run(sql: str) -> Any:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.execute(f"CREATE VIEW t AS {ROW}")
        return connection.execute(sql).fetchone()


@pytest.mark.parametrize(("expression", "answer", "page"), ANSWERS, ids=[row[0][:40] for row in ANSWERS])
def test_duckdb_answers_as_athena_does(expression: str, answer: Any, page: str) -> None:
    aggregates = ("count", "max_by", "avg")
    group = "" if expression.startswith(aggregates) else " WHERE i = 7"
    made = translate(f"SELECT {expression} AS v FROM t{group}", source="athena", target="duckdb", columns=COLUMNS)
    (found,) = run(made.sql)
    assert (found, type(found)) == (answer, type(answer)), made.sql


def test_nulls_come_last_in_both_directions() -> None:
    """https://trino.io/docs/current/sql/select.html#order-by-clause: NULLS LAST, regardless of the direction."""
    sql = "SELECT n FROM (VALUES (1), (NULL), (2)) AS v(n) ORDER BY n DESC"
    import duckdb

    made = translate(sql, source="athena", target="duckdb")
    with duckdb.connect(":memory:") as connection:
        assert connection.execute(made.sql).fetchall() == [(2,), (1,), (None,)]


REFUSED = [
    ("1 / 3.0", "integer-division"), ("i * 100.0 / j", "integer-division"), ("p / 2", "integer-division"),
    ("unknown_column / 2", "integer-division"), ("CAST(x AS VARCHAR)", "number-as-text"),
    ("CAST(at AS VARCHAR)", "number-as-text"), ("regexp_like(s, '(?=a)')", "regexp-lookaround"),
    ("regexp_replace(s, 'a', s)", "regexp-replacement"), ("date_format(at, '%v')", "date-pattern"),
    ("date_format(at, s)", "date-pattern"), ("histogram(i)", "unknown"), ("at AT TIME ZONE 'Europe/Berlin'", "unknown"),
    ("format_datetime(at, 'yyyy')", "unknown"), ("ROW(1, 2)", "unknown"), ("url_extract_host(s)", "unknown"),
    ("approx_percentile(x, i, 0.5)", "approx-percentile"), ("extract(TIMEZONE_HOUR FROM at)", "day-of-week"),
    ("json_extract_scalar(js, '$..a')", "unknown"), ("date_trunc('day', unknown_column)", "date-trunc-of-text"),
    ("current_user", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "rule"), REFUSED)
def test_what_has_no_translation_is_refused_with_a_reason(expression: str, rule: str) -> None:
    with pytest.raises(QueryError) as refused:
        translate(f"SELECT {expression} FROM t", source="athena", target="duckdb", columns=COLUMNS)
    assert refused.value.data["rule"] == rule
    assert refused.value.hint
    assert refused.value.data["source"].startswith("https://")


@pytest.mark.parametrize(
    "sql",
    ["SELECT * FROM t TABLESAMPLE BERNOULLI (10)", "SELECT s FROM t CROSS JOIN UNNEST(xs) WITH ORDINALITY AS u(a, b)",
     "SELECT 1; SELECT 2", "", "SELECT", "DROP TABLE t", "INSERT INTO t SELECT 1", "CREATE TABLE x AS SELECT 1",
     "UNLOAD (SELECT 1) TO 's3://x'", "EXECUTE p", "SHOW TABLES",
     "SELECT * FROM TABLE(system.query(query => 'x'))", "SELECT i FROM t ORDER BY i FETCH FIRST 1 ROWS WITH TIES"],
)  # fmt: skip
def test_statements_that_are_not_known_are_refused(sql: str) -> None:
    with pytest.raises(QueryError) as refused:
        translate(sql, source="athena", target="duckdb", columns=COLUMNS)
    assert refused.value.hint


# DuckDB's words, and what Athena has to be asked for the same.
TO_ATHENA = [
    ("i / j", "CAST(i AS DOUBLE) / j"),
    ("i // j", "(i / j)"),
    ("date_diff('hour', at, at)", "DATE_DIFF('hour', DATE_TRUNC('HOUR', at), DATE_TRUNC('HOUR', at))"),
    ("xs[1]", "ELEMENT_AT(xs, 1)"),
    ("m['a']", "ELEMENT_AT(m, 'a')"),
    ("date_trunc('month', d)", "CAST(DATE_TRUNC('MONTH', d) AS TIMESTAMP)"),
    ("count(*)", "COUNT(*)"),
]
REFUSED_TO_ATHENA = [
    "SELECT CAST(x AS INTEGER) FROM t", "SELECT concat(s, s) FROM t", "SELECT * EXCLUDE (i) FROM t",
    "SELECT i, count(*) FROM t GROUP BY ALL", "SELECT i FROM t QUALIFY row_number() OVER () = 1",
    "SELECT regexp_replace(s, 'a', 'b') FROM t", "SELECT list_sort(xs) FROM t", "SELECT extract(dow FROM d) FROM t",
    "SELECT x::VARCHAR FROM t", "SELECT DISTINCT ON (i) i FROM t", "PIVOT t ON i USING sum(x)", "SUMMARIZE t",
]  # fmt: skip


@pytest.mark.parametrize(("expression", "asked"), TO_ATHENA)
def test_athena_is_asked_what_means_the_same(expression: str, asked: str) -> None:
    made = translate(f"SELECT {expression} FROM t", source="duckdb", target="athena", columns=COLUMNS)
    assert made.sql == f"SELECT {asked} FROM t"


@pytest.mark.parametrize("sql", REFUSED_TO_ATHENA)
def test_what_athena_cannot_say_is_refused(sql: str) -> None:
    with pytest.raises(QueryError) as refused:
        translate(sql, source="duckdb", target="athena", columns=COLUMNS)
    assert refused.value.hint


AVERAGES = """SELECT
  instance_id,
  AVG(value) as avg_cpu,
  MAX(value) as max_cpu,
  MIN(value) as min_cpu
FROM infra_metrics
WHERE metric_type = 'cpu'
  AND year = '2026'
  AND month = '02'
  AND day BETWEEN '13' AND '20'
GROUP BY instance_id
ORDER BY avg_cpu DESC"""
PEAKS = """SELECT
  DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP)) as date,
  MAX(value) as peak_memory
FROM infra_metrics
WHERE metric_type = 'memory'
  AND year = '2026'
  AND month = '02'
GROUP BY DATE_TRUNC('day', CAST(timestamp AS TIMESTAMP))
ORDER BY date"""
TOTAL = "SELECT COUNT() as totallogs FROM raw_logs;"
SEVERITY = "SELECT severity, COUNT(*) as count\nFROM raw_logs\nGROUP BY severity\nORDER BY count DESC;"
MESSAGES = """SELECT message, COUNT(*) as count
FROM raw_logs
WHERE severity = 'ERROR'
GROUP BY message
ORDER BY count DESC
LIMIT 10;"""
HOURS = """SELECT DATETRUNC('hour', timestamp) as hour, COUNT() as count
FROM raw_logs
GROUP BY DATE_TRUNC('hour', timestamp)
ORDER BY hour;"""


@pytest.mark.parametrize("sql", [AVERAGES, TOTAL, SEVERITY, MESSAGES])
def test_seed_queries_that_both_understand_reach_athena_byte_for_byte(sql: str) -> None:
    assert translate(sql, source="athena", target="athena", columns=COLUMNS).sql == sql
    assert translate(sql, source="athena", target="duckdb", columns=COLUMNS).changes == ()


def test_seed_queries_over_times_in_text_are_mended_for_athena() -> None:
    """Athena's CAST takes no ISO 8601 with T and Z; from_iso8601_timestamp does (functions/datetime.html)."""
    peaks = translate(PEAKS, source="athena", target="athena", columns=COLUMNS).sql
    assert peaks.count("FROM_ISO8601_TIMESTAMP(timestamp)") == 2
    hours = translate(HOURS, source="athena", target="athena", columns=COLUMNS)
    assert "DATETRUNC" not in hours.sql
    assert {change.rule for change in hours.changes} == {"datetrunc", "date-trunc-of-text", "iso-8601"}


def test_a_change_tells_its_reason_and_page() -> None:
    (change,) = translate("SELECT i / 2 FROM t", source="athena", target="duckdb", columns=COLUMNS).changes
    assert (change.rule, change.before, change.after) == ("integer-division", "i / 2", "(i // 2)")
    assert change.source.startswith("https://duckdb.org/")
