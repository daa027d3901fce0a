"""Hot tables in SQLite: items by key, and one row in each index that an item is in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from penstock.adapters.local.conditions import holds
from penstock.adapters.local.database import Database, Durability
from penstock.adapters.local.hot_query import Selection, item_key, select
from penstock.adapters.local.sort_keys import key_bytes
from penstock.errors import ConditionFailedError, ValidationError
from penstock.model import items as values
from penstock.model.datasets import HotTable
from penstock.model.items import ITEM_LIMIT_BYTES, Item, check_keys
from penstock.ports.clock import Clock
from penstock.ports.hot import PAGE_LIMIT_BYTES, Condition, KeyRange, Page

MIGRATION = """
CREATE TABLE items(
  hot_table TEXT NOT NULL, partition BLOB NOT NULL, sort BLOB NOT NULL, item BLOB NOT NULL, size INTEGER NOT NULL,
  expires_at REAL, PRIMARY KEY(hot_table, partition, sort)
) WITHOUT ROWID;
CREATE INDEX items_by_expiry ON items(hot_table, expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE index_entries(
  hot_table TEXT NOT NULL, name TEXT NOT NULL, partition BLOB NOT NULL, sort BLOB NOT NULL,
  item_partition BLOB NOT NULL, item_sort BLOB NOT NULL,
  PRIMARY KEY(hot_table, name, partition, sort, item_partition, item_sort)
) WITHOUT ROWID;
"""

Encoded = dict[str, dict[str, Any]]
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, dict[str, Any]]).decode


class SqliteHotStore:
    """The hot tables of a home, in a file of their own. Items past their TTL are not seen."""

    def __init__(self, path: Path, clock: Clock, *, durability: Durability = "normal") -> None:
        self._database = Database(path, (MIGRATION,), durability=durability)
        self._clock = clock

    def put(self, table: HotTable, item: Item, *, condition: Condition | None = None) -> None:
        encoded = self._checked(table, item)
        with self._database.transaction() as connection:
            self._replace(connection, table, encoded, condition)

    def batch_put(self, table: HotTable, items: Sequence[Item]) -> None:
        encoded = [self._checked(table, item) for item in items]
        keys = {item_key(table, values_of(one, table)) for one in encoded}
        if len(keys) != len(encoded):
            raise ValidationError(
                f"hot table {table.name!r}: two items of one batch have the same key", hint="keep the one that you mean"
            )
        with self._database.transaction() as connection:
            for one in encoded:
                self._replace(connection, table, one, None)

    def get(self, table: HotTable, key: Mapping[str, Any]) -> dict[str, Any] | None:
        check_keys(table, key)
        found = self._database.rows(
            "SELECT item FROM items WHERE hot_table=? AND partition=? AND sort=?"
            " AND (expires_at IS NULL OR expires_at>?)",
            (table.name, *item_key(table, key), self._clock.now()),
        )
        return _item(found[0][0]) if found else None

    def delete(self, table: HotTable, key: Mapping[str, Any], *, condition: Condition | None = None) -> None:
        check_keys(table, key)
        with self._database.transaction() as connection:
            old = self._current(connection, table, item_key(table, key))
            _require(condition, old, table)
            self._remove(connection, table, item_key(table, key), old)

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
        return self._page(table, selection, index, limit)

    def scan(self, table: HotTable, *, limit: int | None = None, after: Mapping[str, Any] | None = None) -> Page:
        sql = "SELECT item, size FROM items i WHERE hot_table=?"
        parameters: list[Any] = [table.name]
        if after is not None:
            check_keys(table, after)
            sql += " AND (partition, sort) > (?,?)"
            parameters += item_key(table, after)
        return self._page(table, Selection(sql, parameters, " ORDER BY partition, sort"), None, limit)

    def count(self, table: HotTable) -> int:
        sql = "SELECT count(*) FROM items WHERE hot_table=? AND (expires_at IS NULL OR expires_at>?)"
        return int(self._database.rows(sql, (table.name, self._clock.now()))[0][0])

    def expire(self, table: HotTable, now: float, limit: int = 1000) -> int:
        with self._database.transaction() as connection:
            sql = "SELECT partition, sort, item FROM items WHERE hot_table=? AND expires_at<=? LIMIT ?"
            found = connection.execute(sql, (table.name, now, limit)).fetchall()
            for partition, sort, raw in found:
                self._remove(connection, table, (partition, sort), _decode(raw))
        return len(found)

    def close(self) -> None:
        self._database.close()

    def _checked(self, table: HotTable, item: Item) -> Encoded:
        check_keys(table, item)
        encoded: Encoded = {}
        for name, value in item.items():
            if not isinstance(name, str) or not name:
                raise ValidationError(f"the attribute name {name!r} is no text", hint="attribute names are text")
            encoded[name] = values.encode(value)
        if table.ttl_attribute and table.ttl_seconds and table.ttl_attribute not in encoded:
            encoded[table.ttl_attribute] = {"N": str(int(self._clock.now()) + table.ttl_seconds)}
        return encoded

    def _replace(self, connection: Any, table: HotTable, encoded: Encoded, condition: Condition | None) -> None:
        size = values.item_size(encoded)
        if size > ITEM_LIMIT_BYTES:
            raise ValidationError(
                f"hot table {table.name!r}: the item has {size} bytes, {ITEM_LIMIT_BYTES} are possible",
                hint="put large content into the lake, and its key into the item",
            )
        key = item_key(table, values_of(encoded, table))
        old = self._current(connection, table, key)
        _require(condition, old, table)
        if old is not None and table.indexes:
            self._remove_entries(connection, table, key, old)
        connection.execute(
            "INSERT OR REPLACE INTO items VALUES(?,?,?,?,?,?)",
            (table.name, *key, _encode(encoded), size, _expires_at(table, encoded)),
        )
        entries = [(table.name, *entry, *key) for entry in _entries(table, encoded)]
        connection.executemany("INSERT OR REPLACE INTO index_entries VALUES(?,?,?,?,?,?)", entries)

    def _current(self, connection: Any, table: HotTable, key: tuple[bytes, bytes]) -> Encoded | None:
        sql = "SELECT item, expires_at FROM items WHERE hot_table=? AND partition=? AND sort=?"
        found = connection.execute(sql, (table.name, *key)).fetchone()
        return None if found is None else _decode(found[0])

    def _remove(self, connection: Any, table: HotTable, key: tuple[bytes, bytes], old: Encoded | None) -> None:
        if old is not None:
            self._remove_entries(connection, table, key, old)
            connection.execute("DELETE FROM items WHERE hot_table=? AND partition=? AND sort=?", (table.name, *key))

    def _remove_entries(self, connection: Any, table: HotTable, key: tuple[bytes, bytes], old: Encoded) -> None:
        connection.executemany(
            "DELETE FROM index_entries WHERE hot_table=? AND name=? AND partition=? AND sort=? AND item_partition=?"
            " AND item_sort=?",
            [(table.name, *entry, *key) for entry in _entries(table, old)],
        )

    def _page(self, table: HotTable, selection: Selection, index: str | None, limit: int | None) -> Page:
        if limit is not None and limit < 1:
            raise ValidationError(f"a page of {limit} items is none", hint="limit is at least 1")
        sql = f"{selection.sql} AND (i.expires_at IS NULL OR i.expires_at>?){selection.order} LIMIT ?"
        # One more than asked for tells whether there is a next page.
        rows = self._database.execute(
            sql, (*selection.parameters, self._clock.now(), -1 if limit is None else limit + 1)
        )
        found: list[dict[str, Any]] = []
        total = 0
        for raw, size in rows:
            if found and (len(found) == limit or total + size > PAGE_LIMIT_BYTES):
                return Page(found, _position(table, index, found[-1]))
            found.append(_item(raw))
            total += size
        return Page(found)


def values_of(encoded: Encoded, table: HotTable) -> dict[str, Any]:
    """Returns an encoded item's table keys as values."""
    keys = [key for key in (table.partition, table.sort) if key is not None]
    return {key.name: values.decode(encoded[key.name]) for key in keys}


def _item(raw: bytes) -> dict[str, Any]:
    return {name: values.decode(value) for name, value in _decode(raw).items()}


def _entries(table: HotTable, encoded: Encoded) -> Iterator[tuple[str, bytes, bytes]]:
    """Yields (index, partition, sort) of the indexes that an item is in: those whose keys it has."""
    for index in table.indexes:
        keys = [key for key in (index.partition, index.sort) if key is not None]
        if all(key.name in encoded for key in keys):
            parts = [key_bytes(values.decode(encoded[key.name]), key) for key in keys]
            yield index.name, parts[0], parts[1] if index.sort is not None else b""


def _expires_at(table: HotTable, encoded: Encoded) -> float | None:
    # TTL heeds numbers only: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
    tagged = encoded.get(table.ttl_attribute or "", {})
    return float(tagged["N"]) if "N" in tagged else None


def _require(condition: Condition | None, old: Encoded | None, table: HotTable) -> None:
    if condition is None:
        return
    current = None if old is None else {name: values.decode(value) for name, value in old.items()}
    if not holds(condition, current):
        raise ConditionFailedError(
            f"hot table {table.name!r}: the condition does not hold",
            hint="read the item again, then decide",
            item=current,
        )


def _position(table: HotTable, index: str | None, item: dict[str, Any]) -> dict[str, Any]:
    names: Iterable[str] = [key.name for key in (table.partition, table.sort) if key is not None]
    if index is not None:
        found = next(one for one in table.indexes if one.name == index)
        names = [*names, *(key.name for key in (found.partition, found.sort) if key is not None)]
    return {name: item[name] for name in names}
