"""Athena: the gate, the types, and the course of a query, on moto and on answers that are written here.

moto runs no SQL, so that the suite of the port, which asks for answers, cannot be run on it.
"""

import datetime
import json
import signal
import urllib.request
import zoneinfo
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from scripted_aws import Answer, ScriptedAws, as_json, serving

from penstock.adapters.aws.query import AthenaQueryEngine
from penstock.adapters.aws.query_gate import admit
from penstock.adapters.aws.query_types import execution_parameters, value
from penstock.adapters.aws.session import client
from penstock.deploy.projection import catalog_tables
from penstock.errors import NotFoundError, QueryError, ThrottledError
from penstock.ports.query import ResultColumn
from penstock.testing.contracts.query import ANSWERED, AT, AVERAGES, EMPTY, PEAKS, REFUSED, TABLE

REGION = "eu-central-1"
STARTED = as_json({"QueryExecutionId": "q-1"})
Post = Callable[[str, Any], None]


@pytest.fixture
def post(aws: str) -> Post:
    def send(path: str, document: Any) -> None:
        request = urllib.request.Request(f"{aws}/moto-api/{path}", data=json.dumps(document).encode())  # noqa: S310
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass

    return send


@pytest.fixture
def engine(aws: str) -> AthenaQueryEngine:
    client("athena").create_work_group(Name="prod-metrics")
    return AthenaQueryEngine("prod_metrics", "prod-metrics")


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedAws]:
    with serving(monkeypatch) as aws:
        yield aws


def rows(*texts: tuple[str | None, ...]) -> list[dict[str, Any]]:
    return [{"Data": [{} if text is None else {"VarCharValue": text} for text in row]} for row in texts]


def page(types: dict[str, str], *texts: tuple[str | None, ...], **more: str) -> dict[str, Any]:
    described = [{"Name": name, "Type": kind} for name, kind in types.items()]
    return {"ResultSet": {"Rows": rows(*texts), "ResultSetMetadata": {"ColumnInfo": described}}, **more}


def state(name: str, reason: str = "", **more: Any) -> Answer:
    status = {"State": name, "StateChangeReason": reason, **more}
    return as_json({"QueryExecution": {"Status": status, "Statistics": {"DataScannedInBytes": 4096}}})


@pytest.mark.parametrize("sql", [sql for sql, _ in ANSWERED] + [AVERAGES, PEAKS, "(SELECT 1)", "table readings"])
def test_what_reads_is_admitted(sql: str) -> None:
    assert admit(sql).startswith(sql.split(maxsplit=1)[0])


# Athena itself refuses what reads, but names what is not there; the forms below are no SQL of Athena's.
FOR_THE_ENGINE = ("SELECT", "WITH")


@pytest.mark.parametrize(
    "sql",
    [sql for sql in REFUSED if not sql.lstrip().startswith(FOR_THE_ENGINE) or ";" in sql or "\0" in sql]
    + [
        "UNLOAD (SELECT 1) TO 's3://elsewhere/'", "MSCK REPAIR TABLE readings", "CREATE EXTERNAL TABLE t (a int)",
        "USING EXTERNAL FUNCTION f(a int) RETURNS int LAMBDA 'f' SELECT f(1)", "/* SELECT */ DROP TABLE readings",
        "SELECT 'a'; DROP TABLE readings", "SELECT \"a;b\" FROM t; DROP TABLE t", "SELECT 1 /* open", "SELECT 'open",
        "SELECT 1 -- a\r; DROP TABLE readings", "((DROP TABLE readings))", "SHOW TABLES", "EXPLAIN ANALYZE SELECT 1",
        "SELECT * FROM TABLE(system.query(query => 'DROP TABLE t'))", "SELECT * FROM Table /* x */ (f(1))",
        "SELECT '" + "x" * 262_144 + "'",
    ],
)  # fmt: skip
def test_what_does_not_read_is_refused(sql: str) -> None:
    with pytest.raises(QueryError) as refused:
        admit(sql)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("sql", "statement"),
    [
        ("SELECT 1 -- no more\n;", "SELECT 1"), (" SELECT ';--' ;; ", " SELECT ';--'"),
        ("SELECT 'it''s; fine' FROM t", "SELECT 'it''s; fine' FROM t"), ('SELECT ";" /* ; */', 'SELECT ";"'),
    ],
)  # fmt: skip
def test_one_statement_is_left(sql: str, statement: str) -> None:
    assert admit(sql) == statement


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        ("varchar", "a", "a"), ("varchar", None, None), ("varchar", "", ""),
        ("bigint", "-7", -7), ("double", "2.5", 2.5), ("double", "1.0E10", 1e10), ("double", "Infinity", float("inf")),
        ("float", "0.1", 0.1),
        ("boolean", "true", True), ("boolean", "false", False),
        ("decimal", "1234567890.123456789", Decimal("1234567890.123456789")),
        ("date", "2026-02-20", datetime.date(2026, 2, 20)), ("date", "+12026-02-20", "+12026-02-20"),
        ("timestamp", "2026-02-20 07:57:00.250", AT.replace(tzinfo=None)),
        ("timestamp with time zone", "2026-02-20 07:57:00.250 UTC", AT),
        ("timestamp with time zone", "2026-02-20 07:57:00.250 Europe/Berlin",
         datetime.datetime(2026, 2, 20, 7, 57, 0, 250_000, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))),
        ("timestamp with time zone", "2026-02-20 07:57:00.000 +02:00",
         datetime.datetime(2026, 2, 20, 5, 57, tzinfo=datetime.UTC)),
        ("time", "07:57:00.250", datetime.time(7, 57, 0, 250_000)), ("varbinary", "00 ff 61", b"\x00\xffa"),
        ("array", "[1, 2]", "[1, 2]"), ("row", "{room=attic}", "{room=attic}"), ("json", '{"a":1}', '{"a":1}'),
    ],
)  # fmt: skip
def test_texts_become_values(kind: str, text: str | None, wanted: object) -> None:
    found = value(text, kind)
    assert found == wanted
    assert type(found) is type(wanted)


def test_a_query_is_answered(engine: AthenaQueryEngine, post: Post) -> None:
    result = {
        "rows": rows(("room", "peak"), ("attic", "4.0"), ("cellar", None)),
        "column_info": [{"Name": "room", "Type": "varchar"}, {"Name": "peak", "Type": "double"}],
    }
    post("static/athena/query-results", {"region": REGION, "results": [result]})
    found = engine.run("SELECT room, max(value) AS peak FROM readings GROUP BY 1", tables=[TABLE])
    assert found.rows == [("attic", 4.0), ("cellar", None)]
    assert found.columns == [ResultColumn("room", "varchar"), ResultColumn("peak", "double")]
    assert (found.truncated, found.unreadable_lines) == (False, None)
    (query,) = client("athena").list_query_executions(WorkGroup="prod-metrics")["QueryExecutionIds"]
    asked = client("athena").get_query_execution(QueryExecutionId=query)["QueryExecution"]
    assert asked["QueryExecutionContext"] == {"Catalog": "AwsDataCatalog", "Database": "prod_metrics"}


def test_a_query_that_takes_too_long_is_stopped(engine: AthenaQueryEngine, post: Post) -> None:
    slow = {"progression": "manual", "times": 1000}
    post("state-manager/set-transition", {"model_name": "athena::execution", "transition": slow})
    try:
        with pytest.raises(QueryError, match=r"longer than 0\.3 s") as refused:
            engine.run("SELECT 1", tables=[TABLE], timeout_seconds=0.3)
    finally:
        post("state-manager/unset-transition", {"model_name": "athena::execution"})
    assert "partitions" in refused.value.hint
    (query,) = client("athena").list_query_executions(WorkGroup="prod-metrics")["QueryExecutionIds"]
    status = client("athena").get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
    assert status["State"] == "CANCELLED"


def test_a_refused_query_is_not_started(engine: AthenaQueryEngine) -> None:
    with pytest.raises(QueryError, match="DROP is not possible"):
        engine.run("DROP TABLE readings", tables=[TABLE])
    assert client("athena").list_query_executions(WorkGroup="prod-metrics")["QueryExecutionIds"] == []


def test_tables_are_described_from_the_catalog(engine: AthenaQueryEngine) -> None:
    glue = client("glue")
    glue.create_database(DatabaseInput={"Name": "prod_metrics"})
    for table in catalog_tables([TABLE, EMPTY]):
        described = [{"Name": column.name, "Type": column.type} for column in table.columns]
        keys = [{"Name": column.name, "Type": column.type} for column in table.partition_keys]
        body = {"Name": table.name, "StorageDescriptor": {"Columns": described}, "PartitionKeys": keys}
        glue.create_table(DatabaseName="prod_metrics", TableInput=body)
    found = engine.describe([TABLE])
    assert set(found) == {"readings", "readings_quarantine"}
    assert ResultColumn("tags", "map<string,double>") in found["readings"]
    assert [column.name for column in found["readings"][-4:]] == ["year", "month", "day", "hour"]
    assert "reason" in [column.name for column in found["readings_quarantine"]]


def test_the_terminal_gives_up(scripted: ScriptedAws) -> None:
    scripted.script = [STARTED, state("RUNNING")._replace(effect=lambda: signal.raise_signal(signal.SIGINT))]
    scripted.script += [state("RUNNING")] * 100
    with pytest.raises(KeyboardInterrupt):
        AthenaQueryEngine("d", "w").run("SELECT 1", tables=[TABLE])
    assert scripted.operations[-1] == "StopQueryExecution"
    assert scripted.asked[-1].document() == {"QueryExecutionId": "q-1"}


def test_a_long_answer_is_cut_and_no_page_too_many_is_read(scripted: ScriptedAws) -> None:
    first = page({"n": "bigint"}, ("n",), ("1",), ("2",), NextToken="more")
    second = page({"n": "bigint"}, ("3",), ("4",), NextToken="even more")
    scripted.script = [STARTED, state("QUEUED"), state("SUCCEEDED"), as_json(first), as_json(second)]
    found = AthenaQueryEngine("d", "w").run("SELECT n FROM readings", tables=[TABLE], limit=3)
    assert (found.rows, found.truncated, found.scanned_bytes) == ([(1,), (2,), (3,)], True, 4096)
    assert scripted.operations[-2:] == ["GetQueryResults"] * 2


def test_a_row_that_looks_like_the_names_is_a_row(scripted: ScriptedAws) -> None:
    answer = page({"n": "varchar"}, ("n",), ("n",), ("m",))
    scripted.script = [STARTED, state("SUCCEEDED"), as_json(answer)]
    assert AthenaQueryEngine("d", "w").run("SELECT n FROM readings", tables=[TABLE]).rows == [("n",), ("m",)]


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        (state("FAILED", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.d.reading' does not exist"),
         "there is no table 'reading'", "did you mean 'readings'"),
        (state("FAILED", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"), "line 1:8", "check the SQL"),
        (state("CANCELLED", "Bytes scanned limit was exceeded"), "limit was exceeded", "scan_limit_mb"),
        (state("FAILED", "INTERNAL_ERROR", AthenaError={"Retryable": True}), "INTERNAL_ERROR", "try again"),
    ],
)  # fmt: skip
def test_a_query_that_fails_says_why(scripted: ScriptedAws, answer: Answer, message: str, hint: str) -> None:
    scripted.script = [STARTED, answer]
    with pytest.raises(QueryError, match=message) as refused:
        AthenaQueryEngine("d", "w").run("SELECT nope FROM reading", tables=[TABLE, EMPTY])
    assert hint in refused.value.hint
    # It is over: there is nothing to stop.
    assert scripted.operations == ["StartQueryExecution", "GetQueryExecution"]


def refusal(message: str) -> Answer:
    return as_json({"__type": "InvalidRequestException", "Message": message}, 400)


def test_a_query_that_is_refused_at_once(scripted: ScriptedAws) -> None:
    scripted.script = [refusal("line 1:8: mismatched input '<EOF>'"), refusal("WorkGroup w is not found.")]
    with pytest.raises(QueryError, match="mismatched input"):
        AthenaQueryEngine("d", "w").run("SELECT", tables=[TABLE])
    with pytest.raises(Exception, match="WorkGroup w is not found") as absent:
        AthenaQueryEngine("d", "w").run("SELECT 1", tables=[TABLE])
    assert not isinstance(absent.value, QueryError)


def test_a_database_that_is_not_there(engine: AthenaQueryEngine) -> None:
    with pytest.raises(NotFoundError):
        engine.describe([TABLE])


@pytest.mark.slow
def test_a_query_whose_state_cannot_be_had_is_stopped(scripted: ScriptedAws) -> None:
    scripted.script = [STARTED, *[as_json({"__type": "TooManyRequestsException"}, 400)] * 5]
    with pytest.raises(ThrottledError):
        AthenaQueryEngine("d", "w").run("SELECT 1", tables=[TABLE])
    assert scripted.operations[-1] == "StopQueryExecution"


def test_parameters_are_literals_in_their_order() -> None:
    at = datetime.datetime(2026, 2, 20, 7, 57, tzinfo=datetime.UTC)
    given = ["it's; DROP TABLE x --", 5, 0.5, True, None, Decimal("1.50"), at, at.date()]
    assert execution_parameters(given) == [
        "'it''s; DROP TABLE x --'", "5", "DOUBLE '0.5'", "TRUE", "NULL", "DECIMAL '1.50'",
        "TIMESTAMP '2026-02-20 07:57:00.000000'", "DATE '2026-02-20'",
    ]  # fmt: skip
    with pytest.raises(QueryError, match="no names"):
        execution_parameters({"a": 1})
