"""SQL over the lake with Athena, in the pipeline's workgroup: its limits hold, and its bucket keeps the results.

https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.adapters.aws.catalog import GlueCatalog
from penstock.adapters.aws.query_errors import not_answered, too_long
from penstock.adapters.aws.query_gate import admit
from penstock.adapters.aws.query_types import execution_parameters, value
from penstock.adapters.aws.session import calling, client
from penstock.errors import PenstockError
from penstock.model.datasets import LakeTable
from penstock.ports.query import Parameters, Result, ResultColumn

PAGE = 1000
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 2.0


class AthenaQueryEngine:
    """Answers SQL over the tables of a Glue database.

    It does not tell how many files it read or which lines it left out, and writes arrays, maps and rows as text.

    Args:
        database: the pipeline's database in Glue.
        workgroup: where its queries run; its settings say where results go and how much a query may scan.
    """

    def __init__(self, database: str, workgroup: str, *, region: str | None = None) -> None:
        self._database = database
        self._workgroup = workgroup
        self._client = client("athena", region=region)
        self._catalog = GlueCatalog(region=region)

    def describe(self, tables: Sequence[LakeTable]) -> dict[str, list[ResultColumn]]:
        wanted = _names(tables)
        return {
            table.name: [ResultColumn(column.name, column.type) for column in (*table.columns, *table.partition)]
            for table in self._catalog.tables(self._database)
            if table.name in wanted
        }

    def run(
        self,
        sql: str,
        *,
        tables: Sequence[LakeTable],
        limit: int = 10_000,
        timeout_seconds: float = 60.0,
        parameters: Parameters = (),
    ) -> Result:
        began = time.monotonic()
        names = _names(tables)
        execution = self._start(admit(sql), names, execution_parameters(parameters))
        try:
            done = self._await(execution, began + timeout_seconds, timeout_seconds)
        except BaseException:
            # The first error is the one to tell.
            with contextlib.suppress(PenstockError), calling("stop the query"):
                self._client.stop_query_execution(QueryExecutionId=execution)
            raise
        if done["Status"]["State"] != "SUCCEEDED":
            raise not_answered(done["Status"], names)
        columns, rows = self._results(execution, limit + 1)
        return Result(
            columns=columns,
            rows=rows[:limit],
            truncated=len(rows) > limit,
            elapsed_seconds=time.monotonic() - began,
            scanned_bytes=int(done.get("Statistics", {}).get("DataScannedInBytes", 0)),
            unreadable_lines=None,
        )

    def _start(self, sql: str, names: frozenset[str], parameters: list[str]) -> str:
        given: dict[str, Any] = {"ExecutionParameters": parameters} if parameters else {}
        with calling("start the query"):
            try:
                started = self._client.start_query_execution(
                    QueryString=sql,
                    QueryExecutionContext={"Catalog": "AwsDataCatalog", "Database": self._database},
                    WorkGroup=self._workgroup,
                    **given,
                )
            except self._client.exceptions.InvalidRequestException as error:
                reason = str(error.response["Error"].get("Message", ""))
                if "workgroup" in reason.lower():
                    raise
                raise not_answered({"StateChangeReason": reason}, names) from error
        return str(started["QueryExecutionId"])

    def _await(self, execution: str, deadline: float, timeout_seconds: float) -> Mapping[str, Any]:
        """Returns an execution that is over. Raises QueryError when it takes too long."""
        wait = FIRST_WAIT_SECONDS
        while True:
            with calling("look after the query"):
                found: Mapping[str, Any] = self._client.get_query_execution(QueryExecutionId=execution)[
                    "QueryExecution"
                ]
            if found["Status"]["State"] not in {"QUEUED", "RUNNING"}:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise too_long(timeout_seconds)
            time.sleep(min(wait, left))
            wait = min(wait * 1.5, LONGEST_WAIT_SECONDS)

    def _results(self, execution: str, count: int) -> tuple[list[ResultColumn], list[tuple[Any, ...]]]:
        with calling("read the query's results"):
            pages = self._client.get_paginator("get_query_results").paginate(
                QueryExecutionId=execution, PaginationConfig={"PageSize": PAGE}
            )
            first = next(iter_pages := iter(pages))
            columns = [
                ResultColumn(column["Name"], column["Type"])
                for column in first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
            ]
            texts = _rows(itertools.chain([first], iter_pages), [column.name for column in columns])
            types = [column.type for column in columns]
            rows = [
                tuple(value(text, kind) for text, kind in zip(row, types, strict=True))
                for row in itertools.islice(texts, count)
            ]
        return columns, rows


def _rows(pages: Iterator[Any], names: list[str]) -> Iterator[list[str | None]]:
    """Yields the texts of each row; the first row of a SELECT holds the names of its columns."""
    rows = (row for page in pages for row in page["ResultSet"]["Rows"])
    for number, row in enumerate(rows):
        texts = [datum.get("VarCharValue") for datum in row["Data"]]
        if number or texts != names:
            yield texts


def _names(tables: Sequence[LakeTable]) -> frozenset[str]:
    # Glue keeps names in lower case.
    return frozenset(name.lower() for table in tables for name in (table.name, f"{table.name}_quarantine"))
