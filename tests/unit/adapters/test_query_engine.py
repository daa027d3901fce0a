"""DuckDB's query engine: its limits, its walls, its values and what it says."""

import contextlib
import datetime
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.adapters.local.duckdb_text import identifier, literal
from penstock.adapters.local.query import DuckDbQueryEngine
from penstock.adapters.local.query_answer import open_tables
from penstock.adapters.local.query_gate import Question
from penstock.adapters.local.query_request import Asking, Request
from penstock.adapters.local.query_views import sources
from penstock.errors import QueryError, ValidationError
from penstock.model.column_types import duckdb_type
from penstock.model.datasets import LakeTable
from penstock.ports.query import Result
from penstock.testing.contracts.query import REFUSED


class Reading(msgspec.Struct):
    value: int


class Odd(msgspec.Struct, rename={"quoted": "it's; a", "select": "select"}):
    quoted: int
    select: str


TABLE = LakeTable(name="readings", record=Reading)
DAY = "year=2026/month=02/day=20/hour=07"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    write(tmp_path / "lake", "readings", '{"value": 1}\n')
    return tmp_path / "lake"


def write(lake: Path, table: str, text: str) -> None:
    folder = lake / "raw" / table / DAY
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.json").write_text(text)


def ask(lake: Path, sql: str, **options: Any) -> Result:
    engine = DuckDbQueryEngine(lake, **{"threads": 2, **options})
    return engine.run(sql, tables=[TABLE], timeout_seconds=20)


def error(lake: Path, sql: str, **options: Any) -> QueryError:
    with pytest.raises(QueryError) as raised:
        ask(lake, sql, **options)
    return raised.value


# --- walls


@contextlib.contextmanager
def unchanged(*folders: Path) -> Iterator[None]:
    def seen() -> list[tuple[str, int, int]]:
        paths = [path for folder in folders for path in sorted(folder.rglob("*"))]
        return [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths]

    before = seen()
    yield
    assert seen() == before


def test_no_hostile_query_leaves_a_trace(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = lake.parent / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    for left in Path("/tmp").glob("penstock-out*"):
        assert not left.exists(), f"remove {left}: this test looks for it"
    with unchanged(lake, home):
        for sql in REFUSED:
            error(lake, sql)
    assert not list(Path("/tmp").glob("penstock-out*"))
    assert not Path("/tmp/penstock.db").exists()


@pytest.mark.parametrize("path", ["{lake}/raw/readings/" + DAY + "/a.json", "{lake}/journal.json", "{outside}/x.json"])
@pytest.mark.parametrize(
    "sql",
    ["FROM read_json('{path}')", "FROM '{path}'", 'FROM "{path}"', "FROM read_text('{path}')", "FROM glob('{path}')",
     'WITH "{path}" AS (SELECT 1) SELECT * FROM (SELECT * FROM main."{path}")'],
)  # fmt: skip
def test_files_cannot_be_named(lake: Path, sql: str, path: str) -> None:
    outside = lake.parent / "outside"
    outside.mkdir()
    for folder in (outside, lake):
        (folder / "x.json").write_text('{"secret": 1}')
    (lake / "journal.json").write_text('{"secret": 1}')
    error(lake, sql.format(path=path.format(lake=lake, outside=outside)))


def test_the_engine_itself_is_confined_should_the_gate_ever_fail(lake: Path) -> None:
    import duckdb

    engine = DuckDbQueryEngine(lake)
    secret = lake.parent / "secret.json"
    secret.write_text('{"a": 1}')
    (lake / "raw" / "readings" / "out.json").symlink_to(secret)
    (lake / "raw" / "other").mkdir()
    (lake / "raw" / "other" / "x.json").write_text('{"a": 1}')
    connection = engine._connect()
    request = Request(sql="FROM readings", known=sources([TABLE]), tables={TABLE.name: TABLE}, timeout_seconds=60.0)
    question = Question(request.sql, frozenset({"readings"}))
    open_tables(Asking(connection, request, question, engine._take(connection, request, question, None)))
    python_variable = {"a": [1]}
    assert python_variable
    for sql in (
        f"FROM read_text('{secret}')", f"FROM read_json('{lake}/raw/readings/out.json')",
        f"FROM read_text('{lake}/raw/readings/../../../secret.json')", f"FROM read_text('{lake}/raw/other/x.json')",
        f"ATTACH '{lake.parent}/new.db'", f"COPY (SELECT 1) TO '{lake.parent}/new.csv'",
        "INSTALL httpfs", "LOAD httpfs",
        "SET enable_external_access=true", "SET allowed_directories=['/']", "SET lock_configuration=false",
        "RESET memory_limit", "FROM python_variable", f"FROM glob('{lake.parent}/*.json')",
    ):  # fmt: skip
        with pytest.raises(duckdb.Error):
            connection.execute(sql).fetchall()
    connection.close()


def test_names_hold_anything(lake: Path) -> None:
    write(lake, "odd", '{"it\'s; a": 1, "select": "x"}\n')
    table = LakeTable(name="odd", record=Odd)
    found = DuckDbQueryEngine(lake).run('SELECT "it\'s; a", "select" FROM odd', tables=[table, TABLE])
    assert found.rows == [(1, "x")]


def test_a_declared_table_wins_over_a_quarantine_of_its_name(lake: Path) -> None:
    write(lake, "readings_quarantine", '{"value": 5}\n')
    tables = [LakeTable(name="readings_quarantine", record=Reading), TABLE]
    found = DuckDbQueryEngine(lake).run("SELECT value FROM readings_quarantine", tables=tables)
    assert found.rows == [(5,)]


# --- limits


def test_a_deadline_holds_for_every_way_to_take_long(lake: Path) -> None:
    engine = DuckDbQueryEngine(lake, threads=2)
    before = threading.active_count()
    for sql in (
        "SELECT count(*) FROM range(1000000000000)",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
        "EXPLAIN ANALYZE SELECT count(*) FROM range(1000000000000)",
    ):
        began = time.monotonic()
        with pytest.raises(QueryError, match=r"longer than 0\.2 s"):
            engine.run(sql, tables=[TABLE], timeout_seconds=0.2)
        assert time.monotonic() - began < 5
    assert threading.active_count() == before


def test_too_much_memory_is_an_error(lake: Path) -> None:
    raised = error(lake, "SELECT count(DISTINCT range) FROM range(50000000)", memory_limit_mb=20)
    assert raised.message == "the query needs more than 20 MB"
    assert raised.hint


def test_what_may_spill_needs_less_memory(lake: Path, tmp_path: Path) -> None:
    sql = "SELECT max(n) FROM (SELECT range AS n, hash(range) AS h FROM range(3000000) ORDER BY h LIMIT 2999999)"
    spilled = tmp_path / "spill"
    assert ask(lake, sql, memory_limit_mb=40, temp_folder=spilled).rows[0][0] >= 2_999_998
    assert not list(spilled.glob("*"))


CHILD = """
import sys
from pathlib import Path
from penstock.adapters.local.query import DuckDbQueryEngine
print("ready", flush=True)
try:
    DuckDbQueryEngine(Path(sys.argv[1])).run(sys.argv[2], tables=[], timeout_seconds=60)
except KeyboardInterrupt:
    sys.exit(42)
"""


@pytest.mark.parametrize("sql", ["SELECT count(*) FROM range(1000000000000)", "SELECT sum(range) FROM range(10**13)"])
def test_ctrl_c_ends_a_query(lake: Path, sql: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(lake), sql.replace("10**13", str(10**13))],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(1)
    os.kill(child.pid, signal.SIGINT)
    output, errors = child.communicate(timeout=20)
    assert (child.returncode, output) == (42, ""), errors


# --- values


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("TIMESTAMPTZ '2026-02-20 07:57:00+01'", datetime.datetime(2026, 2, 20, 6, 57, tzinfo=datetime.UTC)),
        ("to_timestamp(0)", datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)),
        ("[to_timestamp(0)]", [datetime.datetime(1970, 1, 1)]),  # noqa: DTZ001 - as DuckDB hands it out
        ("{'a': to_timestamp(0)}", {"a": datetime.datetime(1970, 1, 1)}),  # noqa: DTZ001
        ("NULL::TIMESTAMPTZ", None),
        ("CAST('2026-02-20T07:57:00Z' AS TIMESTAMP)", datetime.datetime(2026, 2, 20, 7, 57)),  # noqa: DTZ001
        ("170141183460469231731687303715884105727", 2**127 - 1),
        ("'\\xFF'::BLOB", b"\xff"),
        ("MAP {'a': 1}", {"a": 1}),
    ],
)
def test_values_are_pythons(lake: Path, sql: str, value: object) -> None:
    assert ask(lake, f"SELECT {sql} -- ;").rows == [(value,)]


def test_times_with_a_zone_keep_names_and_order(lake: Path) -> None:
    found = ask(lake, "SELECT n AS x, to_timestamp(n) AS x FROM (VALUES (3), (1), (2)) AS t(n) ORDER BY n DESC; -- all")
    assert [row[0] for row in found.rows] == [3, 2, 1]
    assert [(column.name, column.type) for column in found.columns] == [
        ("x", "INTEGER"),
        ("x", "TIMESTAMP WITH TIME ZONE"),
    ]


@pytest.mark.parametrize(
    "sql",
    ["DESCRIBE readings", "SUMMARIZE readings", "SHOW TABLES", "EXPLAIN SELECT * FROM readings", "TABLE readings",
     "FROM readings", "PIVOT readings ON day IN ('20') USING sum(value)", "SELECT * FROM information_schema.tables",
     "SELECT * FROM memory.main.readings", "SELECT unnest([1, 2])", "SELECT * FROM range(3)",
     "WITH w AS (SELECT * FROM readings) SELECT * FROM w, w AS v", "EXPLAIN (ANALYZE) SELECT 1",
     "SELECT * FROM readings WHERE value IN (SELECT value FROM readings) UNION ALL FROM readings"],
)  # fmt: skip
def test_every_way_to_read_is_open(lake: Path, sql: str) -> None:
    assert ask(lake, sql).rows


# --- what it says


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("SELECT valu FROM readings", 'column "valu" not found', 'did you mean "value"?'),
        ("SELECT * FROM readigns", "there is no table 'readigns'", "did you mean 'readings'?"),
        ("SELEC 1", 'syntax error at or near "SELEC"', "at the mark"),
        ("SELECT summ(value) FROM readings", "summ", 'did you mean "sum"?'),
        ("SELECT 'x'::INT", "convert", "try_cast"),
        ("PIVOT readings ON day USING sum(value)", "PIVOT", "ON column IN"),
        ("drop view readings", "DROP is not possible", "SELECT"),
    ],
)
def test_an_error_names_the_cause_and_the_mend(lake: Path, sql: str, message: str, hint: str) -> None:
    raised = error(lake, sql)
    assert message.lower() in raised.message.lower()
    assert hint in raised.hint
    for noise in ("Error:", "Traceback", "Stack Trace", "Candidate", str(lake)):
        assert noise not in raised.message


@pytest.mark.parametrize(
    ("sql", "word"),
    [("SELECT 1,\n  2 FROM nowhere", "nowhere"), ("SELECT 'äöü', valu FROM readings", "valu"),
     ("SELECT 'äöü' FROM nowhere", "nowhere"), (f"SELECT {'1, ' * 200} 2 FROM nowhere", "nowhere"),
     ("SELECT\n\n* FROM read_text('x')", "read_text")],
)  # fmt: skip
def test_the_mark_stands_below_the_word(lake: Path, sql: str, word: str) -> None:
    _, line, mark = error(lake, sql).message.rsplit("\n", 2)
    assert line[mark.index("^") :].startswith(word)


def test_any_text_is_answered_or_refused(lake: Path) -> None:
    engine = DuckDbQueryEngine(lake, threads=1)
    words = st.sampled_from(
        ["SELECT", "FROM", "readings", "*", "(", ")", "WITH", "a", "AS", ",", "'x'", '"', "'", "--", "/*", "*/", ";",
         "INSERT INTO", "EXPLAIN", "COPY", "\0", "\ud800", "$1", "?", "{", "[", "1e999", "ä", "\n", "WHERE", "="]
    )  # fmt: skip

    @settings(max_examples=100, deadline=None)
    @given(st.one_of(st.text(max_size=60), st.lists(words, max_size=12).map(" ".join)))
    def fuzz(text: str) -> None:
        with contextlib.suppress(QueryError):
            engine.run(text, tables=[TABLE], timeout_seconds=5)

    with unchanged(lake):
        fuzz()


@pytest.mark.parametrize("sql", ["(" * 5000 + "SELECT 1" + ")" * 5000, "SELECT " + "+".join("1" * 5000),
                                 "SELECT " + "[" * 3000 + "]" * 3000, "SELECT " + "NOT " * 20000 + "true"])  # fmt: skip
def test_what_is_nested_without_end_is_refused_or_answered(lake: Path, sql: str) -> None:
    with contextlib.suppress(QueryError):
        ask(lake, sql)


# --- types


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("map<string,array<bigint>>", "MAP(VARCHAR, BIGINT[])"),
        ("struct<a:string,b:struct<c:double>>", 'STRUCT("a" VARCHAR, "b" STRUCT("c" DOUBLE))'),
        ('struct<a"b:string>', 'STRUCT("a""b" VARCHAR)'),
        ("array<decimal(38,9)>", "DECIMAL(38,9)[]"),
        ("decimal(38,9)", "DECIMAL(38,9)"),
    ],
)
def test_types(name: str, expected: str) -> None:
    assert duckdb_type(name) == expected


@pytest.mark.parametrize(
    "name", ["varchar", "decimal(1,2); DROP", "array<", "array<bigint", "map<string>", "", "list<x>"]
)
def test_a_type_that_is_none(name: str) -> None:
    with pytest.raises(ValidationError):
        duckdb_type(name)


def test_quoting() -> None:
    assert (identifier('a"b'), literal("it's")) == ('"a""b"', "'it''s'")
