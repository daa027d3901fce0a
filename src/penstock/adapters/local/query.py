"""SQL over the lake with DuckDB: an empty database in memory, one view a table, and no way out of the lake's folder.

Raw objects are read line by line; a line that is no JSON of the table's shape is left out, it is in the quarantine.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.adapters.local.query_types import duckdb_type
from penstock.errors import QueryError
from penstock.model.datasets import PARTITION_COLUMNS, LakeTable
from penstock.model.schema import Column, columns
from penstock.ports.query import Result, ResultColumn

if TYPE_CHECKING:
    import duckdb

QUARANTINE_COLUMNS = (
    Column("reason", "string"),
    Column("source", "string"),
    Column("line", "bigint"),
    Column("raw", "string"),
    Column("encoding", "string"),
)
READING = {"SELECT", "EXPLAIN", "RELATION", "PRAGMA_SHOW"}
BEGINNINGS = {"SELECT", "WITH", "VALUES", "FROM", "EXPLAIN", "DESCRIBE", "SHOW", "SUMMARIZE"}
LINE_LIMIT_BYTES = 32 * 1024 * 1024


class DuckDbQueryEngine:
    """Answers SQL over the raw files of a lake.

    Args:
        lake: the folder of the lake's zones.
        memory_limit_mb: a query that needs more fails.
    """

    def __init__(self, lake: Path, *, memory_limit_mb: int = 512) -> None:
        self._lake = lake
        self._memory_limit_mb = memory_limit_mb

    def run(
        self, sql: str, *, tables: Sequence[LakeTable], limit: int = 10_000, timeout_seconds: float = 60.0
    ) -> Result:
        import duckdb

        began = time.perf_counter()
        connection = duckdb.connect(":memory:")
        timer = threading.Timer(timeout_seconds, connection.interrupt)
        try:
            self._prepare(connection, tables)
            statement = _only_statement(connection, sql)
            timer.start()
            found = connection.execute(statement)
            described = [ResultColumn(str(name), str(kind)) for name, kind, *_ in found.description or ()]
            rows = found.fetchmany(limit + 1)
        except duckdb.InterruptException:
            raise QueryError(
                f"the query took longer than {timeout_seconds:g} s",
                hint="narrow it to fewer partitions, or raise --timeout",
            ) from None
        except duckdb.OutOfMemoryException:
            raise QueryError(
                f"the query needs more than {self._memory_limit_mb} MB", hint="narrow it to fewer partitions or columns"
            ) from None
        except duckdb.Error as error:
            raise _query_error(error, tables) from None
        finally:
            timer.cancel()
            connection.close()
        return Result(described, rows[:limit], len(rows) > limit, time.perf_counter() - began)

    def _prepare(self, connection: duckdb.DuckDBPyConnection, tables: Sequence[LakeTable]) -> None:
        root = self._lake.resolve()
        connection.execute(f"SET memory_limit='{self._memory_limit_mb}MB'")
        connection.execute("SET temp_directory=''")
        connection.execute("SET TimeZone='UTC'")
        connection.execute(f"SET allowed_directories=[{_quoted(f'{root}/')}]")
        connection.execute("SET enable_external_access=false")
        for table in tables:
            self._view(connection, table.name, "raw", table, columns(table.record))
            self._view(connection, f"{table.name}_quarantine", "quarantine", table, QUARANTINE_COLUMNS)
        connection.execute("SET lock_configuration=true")

    def _view(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        zone: str,
        table: LakeTable,
        described: Sequence[Column],
    ) -> None:
        partition = PARTITION_COLUMNS[table.partition]
        own = {column.name: duckdb_type(column.type) for column in described}
        folder = self._lake.resolve() / zone / table.name
        pattern = str(folder) + "/" + "/".join("*" for _ in partition) + "/*.json"
        if not _has_files(folder, len(partition)):
            nothing = ", ".join(f"NULL::{kind} AS {_identifier(column)}" for column, kind in own.items())
            nothing += "".join(f", NULL::VARCHAR AS {column}" for column in partition)
            connection.execute(f"CREATE VIEW {_identifier(name)} AS SELECT {nothing} WHERE false")
            return
        # A line that is no JSON, or of another shape, comes back without what every record has.
        needed = [f"{_identifier(column.name)} IS NOT NULL" for column in described if not column.nullable] or ["true"]
        declared = ", ".join(f"{_quoted(column)}: {_quoted(kind)}" for column, kind in own.items())
        hive = ", ".join(f"{_quoted(column)}: 'VARCHAR'" for column in partition)
        connection.execute(
            f"CREATE VIEW {_identifier(name)} AS SELECT * FROM read_json({_quoted(pattern)},"
            f" format='newline_delimited', columns={{{declared}}}, hive_partitioning=true, hive_types={{{hive}}},"
            f" ignore_errors=true, maximum_object_size={LINE_LIMIT_BYTES}) WHERE {' AND '.join(needed)}"
        )


def _has_files(folder: Path, depth: int) -> bool:
    return next(folder.glob("/".join(["*"] * depth) + "/*.json"), None) is not None


def _only_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """Returns the one statement of a text, if it only reads.

    Raises:
        QueryError: there is none, or several, or one that does something else.
    """
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise QueryError(f"there are {len(statements)} statements, one can be asked", hint="ask one SELECT at a time")
    kind = statements[0].type.name.removeprefix("StatementType.")
    word = re.match(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*([A-Za-z]+)", statements[0].query, re.DOTALL)
    begins = word[1].upper() if word else ""
    writes = re.search(r"\b(insert|update|delete|create|copy|drop)\b", sql, re.IGNORECASE)
    if kind not in READING or begins not in BEGINNINGS or (kind == "EXPLAIN" and writes):
        raise QueryError(f"{begins or kind} is not possible: a query only reads", hint="write a SELECT")
    return statements[0]


def _query_error(error: duckdb.Error, tables: Sequence[LakeTable]) -> QueryError:
    text = str(error)
    message = text.split("\n\nLINE", maxsplit=1)[0].strip()
    place = text[len(message) :].strip("\n")
    known = ", ".join(table.name for table in tables) or "none yet"
    if type(error).__name__ == "PermissionException":
        return QueryError("the query reaches for something outside the lake", hint=f"only tables can be read: {known}")
    if "Table with name" in message:
        name = message.partition("Table with name ")[2].partition(" does not exist")[0]
        return QueryError(f"there is no table {name!r}", hint=f"the tables are: {known}")
    return QueryError(f"{message}\n{place}".strip(), hint="`DESCRIBE <table>` shows a table's columns")


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
