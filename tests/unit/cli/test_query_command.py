"""``penstock query`` and ``penstock queries``, typed."""

from pathlib import Path

import pytest
from tests.shipping import Line

PIPELINE = """
import msgspec
from penstock import Pipeline

class Log(msgspec.Struct):
    timestamp: str
    severity: str
    n: int

pipeline = Pipeline("shop")
logs = pipeline.lake("logs", Log)
pipeline.query("by-hour", "SELECT DATETRUNC('hour', timestamp) AS hour, COUNT() AS count FROM raw_logs "
               "GROUP BY DATE_TRUNC('hour', timestamp) ORDER BY hour;", description="Hourly volume")
pipeline.query("of-severity", "SELECT count(*) / 2 AS half FROM logs WHERE severity = :severity")
"""


@pytest.fixture
def asked(line: Line) -> Line:
    (line.folder / "shop.py").write_text(PIPELINE)
    raw = line.folder / "home/lake/raw/logs/year=2026/month=02/day=20/hour=07/a.json"
    raw.parent.mkdir(parents=True)
    rows = [("07:57:00Z", "ERROR", 1), ("07:58:00Z", "ERROR", 2), ("07:59:00Z", "ERROR", 3), ("08:00:00Z", "INFO", 4)]
    raw.write_text("".join(f'{{"timestamp":"2026-02-20T{at}","severity":"{word}","n":{n}}}\n' for at, word, n in rows))
    return line


def test_a_query_is_asked_by_its_name(asked: Line) -> None:
    assert asked.json("query", "by-hour") == [
        {"hour": "2026-02-20T07:00:00", "count": 3}, {"hour": "2026-02-20T08:00:00", "count": 1},
    ]  # fmt: skip
    assert asked.json("query", "shop/of-severity", "-p", "severity=ERROR") == [{"half": 1}]


def test_what_duckdb_does_not_understand_is_taken_for_athenas(asked: Line) -> None:
    printed = asked("query", "SELECT DATETRUNC('hour', timestamp) AS hour FROM logs LIMIT 1")
    assert "2026-02-20 07:00:00" in printed
    assert "taken as Athena's SQL, rewritten: datetrunc" in asked.errors
    asked("query", "SELECT 1 / 2 AS half")
    assert "Athena" not in asked.errors


def test_a_query_that_neither_understands_is_told_in_duckdbs_words(asked: Line) -> None:
    assert "nowhere" in asked("query", "SELECT x FROM nowhere", code=6)
    assert "there is no query 'nope'" in asked("query", "nope", code=4)
    assert "without a value: severity" in asked("query", "of-severity", code=6)
    assert "no parameter 'x'" in asked("query", "SELECT 1", "-p", "x=1", code=6)
    asked("query", "SELECT 1", "-p", "x", code=2)
    asked("query", "SELECT 1", "--dialect", "oracle", code=2)


def test_a_query_is_saved_and_asked_again(asked: Line) -> None:
    asked(
        "query", "SELECT n / 2 AS half FROM logs WHERE n > :low", "-p", "low:=3", "--dialect", "athena", "--save", "big"
    )
    assert asked.json("query", "big", "-p", "low:=2") == [{"half": 1}, {"half": 2}]
    named = {one["name"]: one for one in asked.json("queries")}
    # Beside those of the pipelines that are installed.
    assert {"by-hour", "of-severity", "big"} <= set(named)
    assert (named["big"]["dialect"], named["by-hour"]["description"]) == ("athena", "Hourly volume")
    asked("query", "SELECT 1", "--save", "../evil", code=2)


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_all_rows_go_to_a_file(asked: Line, ending: str) -> None:
    import duckdb

    path = asked.folder / f"out.{ending}"
    asked("query", "SELECT n FROM logs ORDER BY n", "-n", "1", "-o", str(path))
    assert duckdb.sql(f"SELECT n FROM '{path}'").fetchall() == [(1,), (2,), (3,), (4,)]
    asked("query", "SELECT n FROM logs", "-o", str(asked.folder / "out.doc"), code=2)


def test_csv_is_printed(asked: Line) -> None:
    printed = asked("query", "SELECT 'a,\"b' AS v, NULL AS w, n FROM logs WHERE n = 1", "--format", "csv")
    assert printed == 'v,w,n\n"a,""b",,1\n'


def test_a_formula_in_csv_is_text_unless_exactly_that_is_wanted(asked: Line) -> None:
    query = ("query", "SELECT '=1+1' AS v, -n AS n FROM logs WHERE n = 1")
    assert asked(*query, "--format", "csv") == "v,n\n'=1+1,-1\n"
    assert asked(*query, "--format", "csv", "--exact") == "v,n\n=1+1,-1\n"
    path = asked.folder / "out.csv"
    for exact, written in (((), "v,n\n'=1+1,-1\n"), (("--exact",), "v,n\n=1+1,-1\n")):
        asked(*query, "-o", str(path), *exact)
        assert path.read_text() == written


def test_explain_says_how_much_of_how_much(asked: Line) -> None:
    found = asked.json(
        "query", "SELECT n / 2 AS half FROM logs WHERE year = '2026'", "--dialect", "athena", "--explain"
    )
    size = Path(asked.folder / "home/lake/raw/logs/year=2026/month=02/day=20/hour=07/a.json").stat().st_size
    assert (found["files_read"], found["bytes_read"], found["tables"][0]["all_bytes"]) == (1, size, size)
    assert [change["rule"] for change in found["changes"]] == ["integer-division"]
    assert "1 of 1" in asked("query", "SELECT n FROM logs", "--explain")
