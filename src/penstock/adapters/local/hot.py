"""Hot tables in SQLite: items by key, and one row in each index that an item is in."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from penstock.adapters.local import conditions
from penstock.adapters.local.database import Database, Durability
from penstock.adapters.local.hot_query import Selection, select, select_all
from penstock.adapters.local.hot_rows import Encoded, ItemRow, StoredKey, item_rows, stored_key, tagged_row, unpack
from penstock.adapters.local.hot_schema import MIGRATIONS, SchemaRegistry
from penstock.adapters.local.hot_writes import ONE_ITEM, put_rows, remove
from penstock.adapters.local.turns import WriterTurns
from penstock.errors import ConditionFailedError, ValidationError
from penstock.model import items as values
from penstock.model.datasets import HotTable
from penstock.model.items import Item, Tagged
from penstock.ports.clock import Clock
from penstock.ports.hot import PAGE_LIMIT_BYTES, Condition, Decide, KeyRange, Page

# A call in flight is made again when its process was killed: at the latest when somebody starts the home again.
REMEMBER_EXCHANGES_SECONDS = 30 * 86_400
FORGET_EXCHANGES = "DELETE FROM exchanges WHERE token IN (SELECT token FROM exchanges WHERE at<? LIMIT 10)"
# Others that write wait for a transaction: a tenth of a second.
TRANSACTION_ITEMS = 5000
# Pages that such a transaction changes stay in memory until its end. SQLite's own size is for what comes after.
BATCH_CACHE_KB, CACHE_KB = 32 * 1024, 2000
# What expired more than five years ago does not count as expired:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
NEVER_EXPIRES_AFTER_SECONDS = 5 * 365 * 86_400
LIVE = "(expires_at IS NULL OR expires_at>? OR expires_at<=?)"


class SqliteHotStore:
    """The hot tables of a home, in a file of their own. An item past its TTL is as if it were not there.

    Safe to share between threads; several processes may open one file. Those that write one table at the same time
    must have one definition of its indexes; they take turns by a file beside it.

    Args:
        path: the file; created when it is absent.
        clock: tells which items are past their TTL.
        durability: ``normal`` survives the death of the process, ``full`` a power cut as well.

    Raises:
        HomeError: the file cannot be opened.
        ThrottledError: from every operation, when another process holds the file for 30 s.
    """

    def __init__(self, path: Path, clock: Clock, *, durability: Durability = "normal") -> None:
        self._database = Database(path, MIGRATIONS, durability=durability)
        self._turns = WriterTurns(path.with_suffix(".lock"))
        self._schemas = SchemaRegistry(self._database)
        self._clock = clock
        self._is_together = False

    def put(self, table: HotTable, item: Item, *, condition: Condition | None = None) -> None:
        (row,) = item_rows(table, [item], self._clock.now())
        wanted = None if condition is None else conditions.checked(condition)
        self._schemas.prepare(table)
        with self._writing() as connection:
            if wanted is not None:
                old, is_live = self._current(connection, table, row.key)
                _require(wanted, old if is_live else None, table)
            put_rows(connection, table, [row])

    def batch_put(self, table: HotTable, items: Sequence[Item]) -> list[int]:
        rows = item_rows(table, items, self._clock.now())
        self.put_rows(table, rows)
        return [row.size_bytes for row in rows]

    def put_rows(self, table: HotTable, rows: Sequence[ItemRow]) -> None:
        """Writes items that ``hot_rows.item_rows`` has made rows of, as ``batch_put`` does.

        Raises:
            ValidationError: two of them have one key.
        """
        check_distinct(table, rows)
        self._schemas.prepare(table)
        # Neighbours share pages of the file, which each transaction writes once.
        rows = sorted(rows, key=attrgetter("key"))
        with self._cache():
            for start in range(0, len(rows), TRANSACTION_ITEMS):
                with self._writing() as connection:
                    put_rows(connection, table, rows[start : start + TRANSACTION_ITEMS])

    def get(self, table: HotTable, key: Mapping[str, Any]) -> dict[str, Any] | None:
        stored = _checked_key(table, key)
        self._schemas.prepare(table)
        sql = f"SELECT content FROM items WHERE {ONE_ITEM} AND {LIVE}"
        found = self._database.rows(sql, (table.name, *stored, *self._live()))
        return values.decode_item(unpack(found[0][0])) if found else None

    def delete(self, table: HotTable, key: Mapping[str, Any], *, condition: Condition | None = None) -> None:
        stored = _checked_key(table, key)
        wanted = None if condition is None else conditions.checked(condition)
        self._schemas.prepare(table)
        with self._writing() as connection:
            old, is_live = self._current(connection, table, stored)
            _require(wanted, old if is_live else None, table)
            if old is not None:
                remove(connection, table, stored, old)

    def exchange(self, table: HotTable, key: Mapping[str, Tagged], decide: Decide, *, token: str) -> bytes:
        stored = _checked_key(table, values.decode_item(key))
        self._schemas.prepare(table)
        with self._writing() as connection:
            found = connection.execute("SELECT answer FROM exchanges WHERE token=?", (token,)).fetchone()
            if found is not None:
                return bytes(found[0])
            old, is_live = self._current(connection, table, stored)
            replacement = decide(old if is_live else None)
            if replacement.writes:
                if replacement.item is not None:
                    put_rows(connection, table, [tagged_row(table, replacement.item)])
                elif old is not None:
                    remove(connection, table, stored, old)
                now = self._clock.now()
                connection.execute("INSERT INTO exchanges VALUES(?,?,?)", (token, replacement.answer, now))
                connection.execute(FORGET_EXCHANGES, (now - REMEMBER_EXCHANGES_SECONDS,))
            return replacement.answer

    def query(
        self,
        table: HotTable,
        *,
        partition: Any,
        index: str | None = None,
        sort: KeyRange | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> Page:
        selection = select(table, partition, index, sort, newest_first=newest_first, after=after)
        self._schemas.prepare(table)
        return self._page(selection, limit)

    def scan(self, table: HotTable, *, limit: int | None = None, after: Mapping[str, Any] | None = None) -> Page:
        selection = select_all(table, after)
        self._schemas.prepare(table)
        return self._page(selection, limit)

    def count(self, table: HotTable) -> int:
        self._schemas.prepare(table)
        sql = f"SELECT count(*) FROM items WHERE hot_table=? AND {LIVE}"
        return int(self._database.rows(sql, (table.name, *self._live()))[0][0])

    def expire(self, table: HotTable, now: float, limit: int = 1000) -> int:
        self._schemas.prepare(table)
        sql = "SELECT partition, sort, content FROM items WHERE hot_table=? AND expires_at<=? AND expires_at>? LIMIT ?"
        with self._writing() as connection:
            window = (now, now - NEVER_EXPIRES_AFTER_SECONDS)
            found = connection.execute(sql, (table.name, *window, limit)).fetchall()
            for partition, sort, content in found:
                remove(connection, table, (partition, sort), unpack(content))
        return len(found)

    def gather(self) -> None:
        """Commits only now and then, see ``Database.gather``."""
        self._database.gather()

    @contextlib.contextmanager
    def together(self, cache_kb: int) -> Iterator[None]:
        """Makes one transaction of all that is written in a ``with`` block: for who is alone.

        Args:
            cache_kb: so much of what is changed stays in memory until the end.
        """
        self._is_together = True
        self._database.execute(f"PRAGMA cache_size=-{cache_kb}")
        try:
            with self._database.transaction():
                yield
        finally:
            self._is_together = False

    def close(self) -> None:
        self._database.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._database.translated_errors(), self._turns.taken(), self._database.transaction() as connection:
            yield connection

    @contextlib.contextmanager
    def _cache(self) -> Iterator[None]:
        if self._is_together or self._database.is_gathering:
            # What a batch has changed is to stay in memory after it as well.
            yield
            return
        self._database.execute(f"PRAGMA cache_size=-{BATCH_CACHE_KB}")
        try:
            yield
        finally:
            self._database.execute(f"PRAGMA cache_size=-{CACHE_KB}")

    def _current(self, connection: sqlite3.Connection, table: HotTable, key: StoredKey) -> tuple[Encoded | None, bool]:
        sql = f"SELECT content, {LIVE} FROM items WHERE {ONE_ITEM}"
        found = connection.execute(sql, (*self._live(), table.name, *key)).fetchone()
        return (None, False) if found is None else (unpack(found[0]), bool(found[1]))

    def _live(self) -> tuple[float, float]:
        now = self._clock.now()
        return now, now - NEVER_EXPIRES_AFTER_SECONDS

    def _page(self, selection: Selection, limit: int | None) -> Page:
        if limit is not None and limit < 1:
            raise ValidationError(f"a page of {limit} items is none", hint="limit is at least 1")
        # One more than asked for tells whether there is a next page.
        wanted = -1 if limit is None else limit + 1
        sql = f"{selection.sql} AND {LIVE}{selection.order} LIMIT ?"
        found: list[dict[str, Any]] = []
        total_bytes = 0
        with self._database.translated_errors():
            for content, size_bytes in self._database.connection.execute(
                sql, (*selection.parameters, *self._live(), wanted)
            ):
                if found and (len(found) == limit or total_bytes + size_bytes > PAGE_LIMIT_BYTES):
                    return Page(found, {name: found[-1][name] for name in selection.position})
                found.append(values.decode_item(unpack(content)))
                total_bytes += size_bytes
        return Page(found)


def check_distinct(table: HotTable, rows: Sequence[ItemRow]) -> None:
    """Raises ValidationError where two items of a batch have one key."""
    if len({row.key for row in rows}) != len(rows):
        raise ValidationError(
            f"hot table {table.name!r}: two items of one batch have the same key", hint="keep the one that you mean"
        )


def _checked_key(table: HotTable, key: Mapping[str, Any]) -> StoredKey:
    values.check_key(table, key)
    return stored_key(table, values.encode_item(key))


def _require(condition: Condition | None, old: Encoded | None, table: HotTable) -> None:
    if condition is None or conditions.holds(condition, old):
        return
    raise ConditionFailedError(
        f"hot table {table.name!r}: the condition does not hold",
        hint="read the item again, then decide",
        item=None if old is None else values.decode_item(old),
    )
