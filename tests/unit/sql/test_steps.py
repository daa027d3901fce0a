"""Steps of transformations: what is refused with which reason, and what Spark is asked."""

from __future__ import annotations

import pytest

from penstock.errors import QueryError
from penstock.model.transformations import Engine
from penstock.sql.steps import check_steps, to_spark

COLUMNS = {
    "raw": {
        "id": "string", "whole": "bigint", "real": "double", "money": "decimal(12,2)", "moment": "timestamp",
        "day": "date", "flag": "boolean", "parts": "array<struct<name:string,price:decimal(12,2)>>",
    }
}  # fmt: skip
BOTH: tuple[Engine, ...] = ("duckdb", "spark")


def refusal(sql: str, engines: tuple[Engine, ...] = BOTH, functions: tuple[str, ...] = ()) -> QueryError:
    ((_, error),) = check_steps({"one": sql}, COLUMNS, functions, engines)
    return error


def spark(*steps: str) -> str:
    named = {f"step_{number}": sql for number, sql in enumerate(steps)}
    return list(to_spark(named, COLUMNS, ()).values())[-1]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT 1; SELECT 2", "one SELECT"),
        ("DROP TABLE raw", "one SELECT"),
        ("CREATE TABLE x AS SELECT * FROM raw", "one SELECT"),
        ("COPY raw TO 'x.csv'", "one SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", "outside of the transformation"),
        ("SELECT * FROM 'secrets.parquet'", "no input or step"),
        ("SELECT * FROM other.raw", "no input or step"),
        ("SELECT * FROM later", "no input or step"),
        ("SELECT now() AS at_once FROM raw", "another value each time"),
        ("SELECT current_date AS today FROM raw", "another value each time"),
        ("SELECT random() AS chance FROM raw", "another value each time"),
        ("SELECT uuid() AS id FROM raw", "another value each time"),
    ],
)
@pytest.mark.parametrize("engines", [("duckdb",), BOTH])
def test_a_step_is_one_repeatable_select_of_what_is_there(sql: str, reason: str, engines: tuple[Engine, ...]) -> None:
    assert reason in refusal(sql, engines).message


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        # https://duckdb.org/docs/stable/sql/functions/text: what Spark does not have, or has otherwise.
        ("SELECT jaro_winkler_similarity(id, 'x') AS likeness FROM raw", "not known"),
        ("SELECT strip_accents(id) AS plain FROM raw", "not known"),
        ("SELECT list(id) AS ids FROM raw", "not known"),
        ("SELECT string_agg(id, ',') AS ids FROM raw", "not known"),
        ("SELECT any_value(id) AS id FROM raw", "not known"),
        ("SELECT concat(id, 'x') AS id FROM raw", "not known"),
        ("SELECT shout(id) AS loud FROM raw", "not known"),
        ("SELECT DISTINCT ON (id) id, whole FROM raw", "DISTINCT ON"),
        ("SELECT whole / whole AS share FROM raw", "zero"),
        ("SELECT whole % whole AS rest FROM raw", "zero"),
        ("SELECT CAST(id AS BIGINT) AS number FROM raw", "cast of text to BIGINT"),
        ("SELECT CAST(real AS BIGINT) AS number FROM raw", "cast of double to BIGINT"),
        ("SELECT CAST(money AS BIGINT) AS number FROM raw", "cast of decimal to BIGINT"),
        ("SELECT CAST(real AS DECIMAL(12,2)) AS money FROM raw", "cast of double to DECIMAL"),
        ("SELECT CAST(real AS VARCHAR) AS text FROM raw", "cast of double to"),
        ("SELECT CAST(id AS TIMESTAMP) AS moment FROM raw", "cast of text to TIMESTAMP"),
        ("SELECT round(real, 2) AS rounded FROM raw", "round a DOUBLE differently"),
        ("SELECT substring(id, 0, 2) AS part FROM raw", "before the beginning"),
        ("SELECT extract(dow FROM moment) AS weekday FROM raw", "fields"),
        ("SELECT date_diff('hour', moment, moment) AS hours FROM raw", "borders between units"),
        ("SELECT strftime(moment, '%Y-%m-%dT%H') AS hour FROM raw", "letters"),
        ("SELECT strftime(moment, '%A') AS weekday FROM raw", "letters"),
        ("SELECT regexp_matches(id, '(?=x)') AS found FROM raw", "RE2"),
        ("SELECT regexp_matches(id, 'a$|b') AS found FROM raw", "last line break"),
        ("SELECT regexp_replace(id, 'a', 'b') AS replaced FROM raw", "replaces every match"),
    ],
)
def test_what_spark_cannot_say_is_refused_and_duckdb_alone_takes_it(sql: str, reason: str) -> None:
    assert reason in refusal(sql).message
    assert list(check_steps({"one": sql}, COLUMNS, (), ("duckdb",))) == []


def test_a_python_function_is_known_to_both() -> None:
    assert list(check_steps({"one": "SELECT shout(id) AS loud FROM raw"}, COLUMNS, ("shout",), BOTH)) == []
    assert "of its own" in refusal("SELECT upper(id) AS up FROM raw", functions=("upper",)).message


def test_each_step_is_judged_and_named() -> None:
    steps = {"a": "SELECT * FROM nowhere", "b": "SELECT id FROM a", "c": "SELECT now() AS x FROM b"}
    assert [name for name, _ in check_steps(steps, COLUMNS, (), BOTH)] == ["a", "c"]


def test_a_near_name_is_meant() -> None:
    assert refusal("SELECT id FROM raws").hint == "did you mean 'raw'?"


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("SELECT money / nullif(whole, 0) AS x FROM raw",
         "SELECT CAST(money AS DOUBLE) / CAST(NULLIF(whole, 0) AS DOUBLE) AS x FROM raw"),
        ("SELECT avg(money) AS x FROM raw", "SELECT AVG(CAST(money AS DOUBLE)) AS x FROM raw"),
        ("SELECT id FROM raw ORDER BY whole", "SELECT id FROM raw ORDER BY whole NULLS LAST"),
        ("SELECT CAST(moment AS TIMESTAMP) AS x FROM raw", "SELECT CAST(moment AS TIMESTAMP) AS x FROM raw"),
        ("SELECT p.part.price AS x FROM raw AS r, unnest(r.parts) AS p(part)",
         "SELECT p.part.price AS x FROM raw AS r LATERAL VIEW EXPLODE(r.parts) p AS part"),
        (r"SELECT regexp_matches(id, '^\d+$') AS x FROM raw", r"SELECT id RLIKE '^\\d+\\z' AS x FROM raw"),
        ("SELECT date_diff('day', day, day) AS x FROM raw",
         "SELECT DATEDIFF(DAY, CAST(day AS DATE), CAST(day AS DATE)) AS x FROM raw"),
    ],
)  # fmt: skip
def test_what_differs_is_rewritten(sql: str, written: str) -> None:
    assert spark(sql) == written


def test_types_are_known_from_step_to_step() -> None:
    first = "SELECT sum(money) AS total, count(*) AS sales, id FROM raw GROUP BY id"
    last = "SELECT CAST(total AS DECIMAL(18,2)) AS total, CAST(sales AS VARCHAR) AS sales FROM step_0"
    assert spark(first, last) == (
        "SELECT CAST(total AS DECIMAL(18, 2)) AS total, CAST(sales AS STRING) AS sales FROM step_0"
    )
