"""Reading: one SELECT at a time, on a connection that can write nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlalchemy import text
from sqlglot import TokenType
from sqlglot.errors import SqlglotError

from penstock.adapters.relational.location import Location
from penstock.adapters.relational.restore import RowRestorer
from penstock.errors import QueryError
from penstock.model.warehouses import Relation
from penstock.ports.warehouse import Rows, Server

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

DIALECTS: Mapping[Server, str] = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
READING = frozenset({TokenType.SELECT, TokenType.WITH, TokenType.VALUES, TokenType.L_PAREN})


def check_reads(sql: str, server: Server) -> None:
    """Checks that a text is one statement, which reads.

    A transaction that may only read is no fence by itself: a further statement could end it, and changes of tables end
    it in MySQL by themselves.

    Raises:
        QueryError: it is not.
    """
    try:
        kinds = [token.token_type for token in sqlglot.tokenize(sql, read=DIALECTS[server])]
    except SqlglotError as error:
        raise QueryError(f"the query is no SQL: {str(error).partition(chr(10))[0]}", hint="give one SELECT") from None
    while kinds and kinds[-1] is TokenType.SEMICOLON:
        kinds.pop()
    if not kinds or kinds[0] not in READING or TokenType.SEMICOLON in kinds:
        raise QueryError(
            "a warehouse is asked by one SELECT at a time", hint="a run writes, by upsert(…) and insert(…)"
        )


def make_read_only(connection: Connection, location: Location, timeout_seconds: float) -> None:
    """Lets a connection read for so long, and write nothing."""
    milliseconds = max(1, round(timeout_seconds * 1000))
    statements: dict[Server, tuple[str, ...]] = {
        "sqlite": ("PRAGMA query_only=ON",),
        "postgresql": (
            "SET TRANSACTION READ ONLY",
            f"SELECT set_config('TimeZone', 'UTC', true), set_config('statement_timeout', '{milliseconds}', true)",
        ),
        "mariadb": (f"SET SESSION max_statement_time = {milliseconds / 1000}", "START TRANSACTION READ ONLY"),
        "mysql": (f"SET SESSION max_execution_time = {milliseconds}", "START TRANSACTION READ ONLY"),
    }
    for statement in statements[location.server]:
        connection.exec_driver_sql(statement)


def selected(
    connection: Connection, relations: Iterable[Relation], sql: str, parameters: Mapping[str, Any] | None
) -> Rows:
    """Returns the rows of a query, in the types of the tables' columns."""
    found = connection.execute(text(sql), dict(parameters or {}))
    names = tuple(found.keys())
    return RowRestorer(relations).restored(names, [tuple(row) for row in found.fetchall()])
