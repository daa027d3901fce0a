"""How rows get into a table on each kind of server: as fast as it takes them, into a temporary table first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from penstock.adapters.relational.encoded import Values
from penstock.adapters.relational.merge import (
    STAGE,
    Merge,
    mysql_counts,
    mysql_merge,
    postgresql_merge,
    sqlite_counts,
    sqlite_merge,
)
from penstock.adapters.relational.wire import copy_text, value_lists
from penstock.errors import ThrottledError
from penstock.faultpoints import fault_point
from penstock.ports.warehouse import CsvRows, Server, UpsertCounts

Batches = Iterator[list[Values]]
Source = Batches | CsvRows
BLOCK_BYTES = 1 << 20
SQLITE_CACHE_KB = 64 * 1024


class Writer(Protocol):
    """What a kind of server does in its own way. ``cursor`` is the driver's."""

    quote: str
    takes_files: bool
    """Whether rows can be given as a file of CSV."""

    def begin(self, cursor: Any, warehouse: str, timeout_seconds: float) -> None:
        """Begins a transaction, when no other of this warehouse goes on."""
        ...

    def load(self, cursor: Any, table: str, names: Sequence[str], source: Source) -> int:
        """Puts rows into a table that has none of their keys; returns how many."""
        ...

    def upsert(self, cursor: Any, merge: Merge, source: Source) -> UpsertCounts:
        """Puts rows in place of those with their keys."""
        ...


def writer_for(server: Server) -> Writer:
    """Returns what writes on a kind of server."""
    if server == "sqlite":
        return SqliteWriter()
    return PostgresqlWriter() if server == "postgresql" else MysqlWriter()


class PostgresqlWriter:
    """COPY. https://www.postgresql.org/docs/15/populate.html"""

    quote = '"'
    takes_files = True

    def begin(self, cursor: Any, warehouse: str, timeout_seconds: float) -> None:
        timeout = f"{max(1, round(timeout_seconds * 1000))}ms"
        cursor.execute(
            "SELECT set_config('TimeZone', 'UTC', true), set_config('lock_timeout', %s, true),"
            " set_config('idle_in_transaction_session_timeout', %s, true)",
            (timeout, timeout),
        )
        number = int.from_bytes(hashlib.sha256(f"penstock {warehouse}".encode()).digest()[:8], signed=True)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (number,))
        # Not before: a wait for another run is no slow server.
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", (timeout,))

    def load(self, cursor: Any, table: str, names: Sequence[str], source: Source) -> int:
        quoted = ", ".join(f'"{name}"' for name in names)
        form = " WITH (FORMAT csv, ENCODING 'UTF8')" if isinstance(source, CsvRows) else ""
        with cursor.copy(f'COPY "{table}" ({quoted}) FROM STDIN{form}') as copy:
            for block in _blocks(source.paths) if isinstance(source, CsvRows) else map(copy_text, source):
                copy.write(block)
                fault_point("warehouse.batch")
        return int(cursor.rowcount)

    def upsert(self, cursor: Any, merge: Merge, source: Source) -> UpsertCounts:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {merge.name(merge.table)})")
        if not cursor.fetchone()[0]:
            return UpsertCounts(inserted=self.load(cursor, merge.table, merge.columns, source))
        cursor.execute(f"CREATE TEMPORARY TABLE {STAGE} (LIKE {merge.name(merge.table)}) ON COMMIT DROP")
        count = self.load(cursor, STAGE, merge.columns, source)
        cursor.execute(postgresql_merge(merge))
        inserted, updated = cursor.fetchone()
        cursor.execute(f"DROP TABLE {STAGE}")
        return UpsertCounts(inserted, updated, count - inserted - updated)


class MysqlWriter:
    """Statements with many rows each. https://dev.mysql.com/doc/refman/8.4/en/insert-optimization.html"""

    quote = "`"
    takes_files = False

    def begin(self, cursor: Any, warehouse: str, timeout_seconds: float) -> None:
        seconds = max(1, round(timeout_seconds))
        cursor.execute("SET SESSION innodb_lock_wait_timeout = %s", (seconds,))
        name = f"penstock.{hashlib.sha256(warehouse.encode()).hexdigest()[:32]}"
        cursor.execute("SELECT GET_LOCK(CONCAT(%s, LEFT(SHA2(DATABASE(), 256), 16)), %s)", (name, seconds))
        if cursor.fetchone()[0] != 1:
            raise ThrottledError(
                f"warehouse {warehouse!r}: another transaction goes on for more than {seconds} s",
                hint="try again later: nothing was written",
                warehouse=warehouse,
            )
        # What is read next is read as it is now, not as it was before the wait.
        cursor.execute("ROLLBACK")

    def load(self, cursor: Any, table: str, names: Sequence[str], source: Source) -> int:
        count = 0
        quoted = ", ".join(f"`{name}`" for name in names)
        for batch in _batches(source):
            for values in value_lists(batch):
                # Without arguments nothing in the text is taken for a parameter.
                cursor.execute(f"INSERT INTO `{table}` ({quoted}) VALUES {values}")
            count += len(batch[0])
            fault_point("warehouse.batch")
        return count

    def upsert(self, cursor: Any, merge: Merge, source: Source) -> UpsertCounts:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {merge.name(merge.table)})")
        if not cursor.fetchone()[0]:
            return UpsertCounts(inserted=self.load(cursor, merge.table, merge.columns, source))
        cursor.execute(f"CREATE TEMPORARY TABLE {STAGE} LIKE {merge.name(merge.table)}")
        try:
            count = self.load(cursor, STAGE, merge.columns, source)
            cursor.execute(mysql_counts(merge))
            inserted, updated = (int(number) for number in cursor.fetchone())
            cursor.execute(mysql_merge(merge))
        finally:
            cursor.execute(f"DROP TEMPORARY TABLE IF EXISTS {STAGE}")
        return UpsertCounts(inserted, updated, count - inserted - updated)


class SqliteWriter:
    """One transaction in this process. https://sqlite.org/lang_upsert.html"""

    quote = '"'
    takes_files = False

    def begin(self, cursor: Any, warehouse: str, timeout_seconds: float) -> None:
        cursor.execute(f"PRAGMA busy_timeout={max(1, round(timeout_seconds * 1000))}")
        # A page of an index that leaves the cache is written and read again, many times over.
        cursor.execute(f"PRAGMA cache_size=-{SQLITE_CACHE_KB}")
        cursor.execute("BEGIN IMMEDIATE")

    def load(self, cursor: Any, table: str, names: Sequence[str], source: Source) -> int:
        count = 0
        quoted, places = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
        for batch in _batches(source):
            cursor.executemany(f'INSERT INTO "{table}" ({quoted}) VALUES ({places})', zip(*batch, strict=True))
            count += len(batch[0])
            fault_point("warehouse.batch")
        return count

    def upsert(self, cursor: Any, merge: Merge, source: Source) -> UpsertCounts:
        if not cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {merge.name(merge.table)})").fetchone()[0]:
            return UpsertCounts(inserted=self.load(cursor, merge.table, merge.columns, source))
        # Without the types of the table's columns, which are applied when the rows are put there.
        cursor.execute(
            f"CREATE TEMPORARY TABLE {STAGE} ({merge.names(merge.columns)}, PRIMARY KEY ({merge.names(merge.key)}))"
        )
        count = self.load(cursor, STAGE, merge.columns, source)
        inserted, updated = cursor.execute(sqlite_counts(merge)).fetchone()
        cursor.execute(sqlite_merge(merge))
        cursor.execute(f"DROP TABLE temp.{STAGE}")
        return UpsertCounts(inserted, updated, count - inserted - updated)


def _blocks(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                yield block


def _batches(source: Source) -> Batches:
    if isinstance(source, CsvRows):
        raise TypeError("this server takes no files")
    return source
