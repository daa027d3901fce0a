"""Athena's queries, over the lake tables that the workflow may query.

On a machine a query is over when ``startQueryExecution`` returns, with and without ``.sync``. Its answer is kept.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html
https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
"""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import msgspec

from penstock.errors import AlreadyExistsError, NotFoundError, QueryError, TaskError, ValidationError
from penstock.model.access import Kind, LakeAction
from penstock.ports.query import Result
from penstock.runtime.integrations.answers import Answer, answer_of
from penstock.runtime.integrations.moments import moment
from penstock.runtime.integrations.request import NAMESPACE, Request

ROWS_LIMIT = 100_000
# Below the call's own limit, so that a query that takes too long is one that failed.
QUERY_SECONDS = 29 * 60.0
PAGE = 1000
# https://docs.aws.amazon.com/athena/latest/ug/querying.html: how long Athena keeps the history of queries
KEPT_SECONDS = 45 * 86_400
LOOKED_AT = 200
DEFAULT_WORKGROUP = "primary"


def start_query(request: Request) -> dict[str, Any]:
    """Runs a query, and returns its id; with ``.sync`` all that is known of it.

    Raises:
        TaskError: ``States.TaskFailed`` with ``.sync`` of a query that failed; the cause is what is known of it.
    """
    tables = _require_any(request)
    sql = request.text("QueryString") or ""
    if not sql.strip():
        raise request.refusal("InvalidRequestException", "queryString must not be empty")
    if "ExecutionParameters" in request.arguments:
        raise request.refusal("InvalidRequestException", "A machine's queries take no ExecutionParameters")
    query_id = _query_id(request)
    known = _read(request, query_id)
    if known is None:
        known = _run(request, query_id, sql, tables)
    if not request.service.runs_to_the_end:
        return request.answer({"QueryExecutionId": query_id})
    described = {"QueryExecution": _described(request, known)}
    if known.problem is not None:
        raise TaskError(msgspec.json.encode(described["QueryExecution"]).decode(), error="States.TaskFailed")
    return described


def get_query(request: Request) -> dict[str, Any]:
    """Returns what is known of a query."""
    _require_any(request)
    return request.answer({"QueryExecution": _described(request, _known(request))})


def get_results(request: Request) -> dict[str, Any]:
    """Returns a page of a query's rows as texts. The first row of the first page holds the names of the columns."""
    _require_any(request)
    answer = _known(request)
    if answer.problem is not None:
        raise request.refusal("InvalidRequestException", "Query did not finish successfully. Final query state: FAILED")
    most = request.number("MaxResults")
    if most is not None and not 1 <= most <= PAGE:
        raise request.refusal("InvalidRequestException", f"maxResults must be between 1 and {PAGE}")
    rows: list[list[str | None]] = [[name for name, _ in answer.columns], *answer.rows]
    start = _position(request, len(rows))
    end = start + (most or PAGE)
    body: dict[str, Any] = {
        "ResultSet": {
            "ResultSetMetadata": {"ColumnInfo": [_column(name, kind) for name, kind in answer.columns]},
            "Rows": [
                {"Data": [{} if text is None else {"VarCharValue": text} for text in row]} for row in rows[start:end]
            ],
        },
        "UpdateCount": 0,
    }
    if end < len(rows):
        body["NextToken"] = str(end)
    return request.answer(body)


def stop_query(request: Request) -> dict[str, Any]:
    """Does nothing: a query that can be named is over."""
    _require_any(request)
    _known(request)
    return request.answer({})


def _require_any(request: Request) -> list[str]:
    """Returns the tables that the workflow may query; there has to be one."""
    granted = [g.resource for g in request.workflow.may if g.kind is Kind.LAKE and g.action == LakeAction.QUERY]
    if not granted:
        raise request.denied(Kind.LAKE, LakeAction.QUERY, "table")
    return granted


def _query_id(request: Request) -> str:
    token = request.text("ClientRequestToken")
    if token is None:
        return request.id
    if not 32 <= len(token) <= 128:
        raise request.refusal("InvalidRequestException", "clientRequestToken has 32 to 128 characters")
    return str(uuid.uuid5(NAMESPACE, f"{request.definition.name}/{request.call.workflow}/{token}"))


def _run(request: Request, query_id: str, sql: str, granted: list[str]) -> Answer:
    definition, clock = request.definition, request.ports.clock
    tables = [definition.lake_tables[name] for name in granted if name in definition.lake_tables]
    began, result, problem = clock.now(), None, None
    try:
        result = request.ports.query.run(sql, tables=tables, limit=ROWS_LIMIT, timeout_seconds=QUERY_SECONDS)
        if result.truncated:
            problem = f"the answer has more than {ROWS_LIMIT} rows"
    except QueryError as error:
        problem = f"{error.message} ({error.hint})" if error.hint else error.message
    answer = answer_of(definition.name, sql, result or _nothing(), problem, (began, clock.now()))
    _forget_old(request, began)
    try:
        request.ports.answers.create(_key(query_id), msgspec.json.encode(answer))
    except AlreadyExistsError:
        return _read(request, query_id) or answer
    return answer


def _nothing() -> Result:
    return Result(columns=[], rows=[], truncated=False, elapsed_seconds=0.0)


def _forget_old(request: Request, now: float) -> None:
    answers = request.ports.answers
    for info in list(itertools.islice(answers.list("queries/"), LOOKED_AT)):
        if info.modified_at < now - KEPT_SECONDS:
            answers.delete(info.key)


def _key(query_id: str) -> str:
    return f"queries/{query_id}.json"


def _read(request: Request, query_id: str) -> Answer | None:
    try:
        answer = msgspec.json.decode(request.ports.answers.get(_key(query_id)), type=Answer)
    except (NotFoundError, ValidationError):
        return None
    return answer if answer.pipeline == request.definition.name else None


def _known(request: Request) -> Answer:
    query_id = request.text("QueryExecutionId") or ""
    try:
        found = _read(request, str(uuid.UUID(query_id)))
    except ValueError:
        found = None
    if found is None:
        raise request.refusal("InvalidRequestException", f"QueryExecution {query_id[:100]} was not found")
    return found


def _position(request: Request, rows: int) -> int:
    token = request.text("NextToken")
    if token is None:
        return 0
    if not token.isascii() or not token.isdigit() or not 0 < int(token) < rows:
        raise request.refusal("InvalidRequestException", "nextToken is none of this query's")
    return int(token)


def _described(request: Request, answer: Answer) -> dict[str, Any]:
    given = request.arguments
    status = {
        "CompletionDateTime": moment(request.service, answer.completed_at),
        "State": "SUCCEEDED" if answer.problem is None else "FAILED",
        "SubmissionDateTime": moment(request.service, answer.submitted_at),
    }
    if answer.problem is not None:
        status["StateChangeReason"] = answer.problem
    took = round((answer.completed_at - answer.submitted_at) * 1000)
    return {
        "Query": answer.sql,
        "QueryExecutionContext": given.get("QueryExecutionContext", {}),
        "QueryExecutionId": given.get("QueryExecutionId") or _query_id(request),
        "StatementType": "DML",
        "Statistics": {
            "DataScannedInBytes": answer.scanned_bytes, "EngineExecutionTimeInMillis": took,
            "TotalExecutionTimeInMillis": took,
        },
        "Status": status,
        "WorkGroup": given.get("WorkGroup", DEFAULT_WORKGROUP),
    }  # fmt: skip


def _column(name: str, kind: str) -> dict[str, Any]:
    return {
        "CaseSensitive": kind == "varchar", "CatalogName": "hive", "Label": name, "Name": name, "Nullable": "UNKNOWN",
        "Precision": 0, "Scale": 0, "SchemaName": "", "TableName": "", "Type": kind,
    }  # fmt: skip


ACTIONS = {
    "startQueryExecution": start_query, "stopQueryExecution": stop_query, "getQueryExecution": get_query,
    "getQueryResults": get_results,
}  # fmt: skip
