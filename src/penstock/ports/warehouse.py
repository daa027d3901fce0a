"""Warehouses: relational tables, written by runs as a whole.

Guarantees that every adapter gives: all that a transaction has written and the row of its run are there together, or
nothing of it is, whatever dies when; of two transactions of one warehouse the second waits for the first; what is read
outside sees only what was committed. Values come back as their column has them: text character by character, decimals
digit by digit, times in UTC to the microsecond, lists and maps as they were.

Text is compared character by character, with regard to case and to spaces at its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from penstock.model.warehouses import Warehouse

TIMEOUT_SECONDS = 600.0
Server = Literal["sqlite", "postgresql", "mysql", "mariadb"]


class UpsertCounts(msgspec.Struct, frozen=True):
    """What became of the rows of an upsert."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: UpsertCounts) -> UpsertCounts:
        return UpsertCounts(
            self.inserted + other.inserted, self.updated + other.updated, self.unchanged + other.unchanged
        )


class Rows(msgspec.Struct, frozen=True):
    """A query's answer."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """Returns each row by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class CsvRows(msgspec.Struct, frozen=True):
    """Rows that are in files already: PostgreSQL takes the files as they are, other servers the rows.

    Attributes:
        paths: CSV in UTF-8 without a header: all columns of the table in its order, null an empty field without quotes,
            text in quotes, lists and maps as JSON, times in UTC. Each may be gone when the next is asked for.
        rows: the same rows, as an upsert takes them.
        encoded: whole numbers, decimals and truth values of the rows fit their columns, as an engine's own types made
            sure. Times may be text in UTC (``2026-02-20 07:57:00.000000``), dates in ISO 8601, and lists JSON text.
    """

    paths: Iterable[Path]
    rows: Iterable[Any]
    encoded: bool = False


class WarehouseTransaction(Protocol):
    """What one run writes.

    Attributes:
        run_id: the run.
        done: the run was committed before: there is nothing to do.
        run: its row, by column name; None where it is not done.
    """

    @property
    def run_id(self) -> str: ...
    @property
    def done(self) -> bool: ...
    @property
    def run(self) -> dict[str, Any] | None: ...

    def upsert(self, table: str, rows: Iterable[Any] | CsvRows, *, keep: Iterable[str] = ()) -> UpsertCounts:
        """Writes rows in place of those with their keys; a row that is as it was before is left alone.

        Args:
            rows: records of the table's type, tuples with the values of one in the order of its fields, or lists of
                either, such as batches. They are taken as they come, never all at once. A file is checked by the server
                alone.
            keep: columns that a row which is there already keeps as they are.

        Raises:
            ValidationError: two rows have one key, or a value cannot be kept; ``data`` has ``table`` and ``column``.
            UsageError: the run is done, or its transaction has ended.
            UnavailableError, ThrottledError, StorageFullError: trying the whole transaction again later can help.
        """
        ...

    def insert(self, table: str, rows: Iterable[Any] | CsvRows) -> int:
        """Writes rows whose keys are not there; returns how many. Raises as ``upsert`` does.

        Raises:
            AlreadyExistsError: a row with one of the keys is there.
        """
        ...

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        """Returns the rows of a SELECT, with what the transaction has written; ``:name`` stands for a parameter."""
        ...

    def finish(self, row: Any = None, /, **columns: Any) -> None:
        """Writes the run's row, which makes the run done once the transaction ends: a record, or its columns."""
        ...


class WarehouseStore(Protocol):
    """The warehouses of a home."""

    def transaction(
        self, warehouse: Warehouse, run_id: str, *, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> AbstractContextManager[WarehouseTransaction]:
        """Returns the transaction of a run, for a ``with`` block: all of it is written when the block ends, or nothing.

        Args:
            run_id: tells runs apart; the same content gives the same run. 1 to 255 characters.
            timeout_seconds: how long each statement may take, and the wait for another transaction.

        Raises:
            UsageError: the tables are older or newer than their declaration; a block that has written anything ends
                without ``finish``.
            AccessDeniedError: the server refuses the user or the password.
            UnavailableError: the server does not answer. After a failure as the block ends the run may be done or not:
                the next transaction knows.
        """
        ...

    def query(
        self,
        warehouse: Warehouse,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Rows:
        """Returns the rows of one SELECT; nothing can be written.

        A column of the answer that has the name of a column of the tables has its type. Others are as the server
        computes them.

        Args:
            parameters: by name; ``:name`` stands for one in the statement.

        Raises:
            QueryError: the server refuses the statement.
        """
        ...


class Revision(msgspec.Struct, frozen=True):
    """A step of a warehouse's migrations."""

    id: str
    message: str
    applied: bool


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a warehouse's tables stand to their declaration.

    Attributes:
        location: the database's URL, without its password.
        current: the revision of the tables; empty where there are none.
        head: the newest revision that is known here.
        known: whether ``current`` is a revision that is known here, or none.
        differences: what of the tables is not as declared; empty unless it was asked for.
    """

    location: str
    server: Server
    current: str
    head: str
    known: bool = True
    differences: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        return self.current == self.head


class WarehouseSchema(Protocol):
    """How the tables of a warehouse come to be."""

    def standing(self, warehouse: Warehouse, *, compare: bool = False) -> Standing:
        """Returns how the tables stand; ``compare`` looks at each column."""
        ...

    def upgrade(self, warehouse: Warehouse) -> list[str]:
        """Makes the tables as the newest migration has them, and the views as declared; returns the revisions."""
        ...

    def history(self, warehouse: Warehouse) -> list[Revision]:
        """Returns the migrations, oldest first."""
        ...

    def sql(self, warehouse: Warehouse, server: Server | None = None) -> str:
        """Returns what ``upgrade`` would run in an empty database, as a script; nothing is asked of a server."""
        ...

    def roles(self, warehouse: Warehouse, server: Server | None = None) -> str:
        """Returns SQL that makes the roles owner, writer and reader, each with what it needs."""
        ...
